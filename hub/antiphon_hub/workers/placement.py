"""Which worker gets a job (pure)."""

from collections.abc import Iterable
from typing import Literal, Protocol, TypeVar

import msgspec

from antiphon_protocol.messages.presence import EngineOffer

Kind = Literal["stt", "tts"]


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a job needs of a worker."""

    kind: Kind
    language: str
    engine: str = ""
    """One that has this engine is better than one that has not; empty: any will do."""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which engine, and which of its voices; empty: the worker's own first choice."""

    engine: str = ""
    voice: str = ""


class Candidate(Protocol):
    """What placement looks at in a worker."""

    @property
    def offers(self) -> tuple[EngineOffer, ...]:
        """Its engines."""
        ...

    @property
    def load(self) -> float:
        """Jobs it has, as a share of its capacity."""
        ...

    @property
    def near(self) -> bool:
        """It runs on the hub's machine."""
        ...


C = TypeVar("C", bound=Candidate)


def able(candidate: Candidate, need: Need) -> bool:
    """Tell whether one of its engines can do the job."""
    return any(_suits(offer, need) for offer in candidate.offers)


def ranked(candidates: Iterable[C], need: Need) -> list[C]:
    """Return those that can, the best first: free before full, the engine, near before far."""
    return sorted(
        (one for one in candidates if able(one, need)),
        key=lambda one: (one.load >= 1.0, not _has(one, need), one.load, not one.near),
    )


def engine_on(candidate: Candidate, need: Need, voice: str, *, open_text: bool) -> Chosen:
    """Return what to ask of this worker: the wanted engine and voice, as far as it has them."""
    offer = next(
        (one for one in candidate.offers if one.name == need.engine and _suits(one, need)), None
    )
    if offer is None or (open_text and need.kind == "stt" and not offer.dictation):
        return Chosen()
    return Chosen(engine=offer.name, voice=voice if voice in offer.voices else "")


def _has(candidate: Candidate, need: Need) -> bool:
    return not need.engine or any(
        one.name == need.engine and _suits(one, need) for one in candidate.offers
    )


def _suits(offer: EngineOffer, need: Need) -> bool:
    if offer.kind != need.kind:
        return False
    wanted = need.language.split("-")[0].lower()
    return not offer.languages or any(
        spoken.split("-")[0].lower() in (wanted, "*") for spoken in offer.languages
    )
