"""Which engines are chosen in the console, and what the hub's own workers make of it (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from antiphon_hub.settings import Section, WorkersSection
from antiphon_protocol.messages.fields import Language, Name

CHAIN: Final = "chain"
NEEDS_MODEL: Final = frozenset({"piper", "sherpa", "deepspeech"})
"""They are nothing without a model: an installed one, or one that the settings name."""
NEEDS_SETTINGS: Final = frozenset({"wyoming", "libdeepspeech", "libstt", CHAIN})
"""They are told by the settings file alone."""
HIDDEN: Final = frozenset({"fake", CHAIN})
_OF_A_MODEL: Final = ("model", "config", "scorer", "alphabet", "speaker", "language", "languages")
"""Settings that belong to one model and mean nothing to another."""
Engines = Annotated[tuple[Name, ...], msgspec.Meta(max_length=8)]
"""`ENGINE`, or `ENGINE:NAME` for one that takes an installed model; the first is used first."""


class ForLanguage(Section, frozen=True, kw_only=True, omit_defaults=True):
    """What is wanted for one language; empty: each worker's own first choice."""

    stt: Name = ""
    tts: Name = ""
    voice: Name = ""


class Choice(Section, frozen=True, kw_only=True, omit_defaults=True):
    """What is chosen in the console; empty: as the settings file has it."""

    stt: Engines = ()
    chained: bool = False
    """Where the first recogniser is unsure, late or away, ask the next one."""
    tts: Engines = ()
    languages: dict[Language, ForLanguage] = {}  # noqa: RUF012 - msgspec copies it


Options = Mapping[str, Mapping[str, str]]
"""Installed models' settings, by `ENGINE:NAME`."""


def engine_of(entry: str) -> str:
    """Return the engine of `ENGINE` or `ENGINE:NAME`."""
    return entry.partition(":")[0]


def settled(base: WorkersSection, choice: Choice, installed: Options) -> WorkersSection:
    """Return how the own workers are to be run; what is not installed any more is left out."""
    stt, tts = _usable(choice.stt, base, installed), _usable(choice.tts, base, installed)
    options: dict[str, dict[str, Any]] = {name: dict(one) for name, one in base.options.items()}
    for entry in (*stt, *tts):
        if entry in installed:
            name = engine_of(entry)
            options[name] = _without_model(options.get(name, {})) | dict(installed[entry])
    names = tuple(map(engine_of, stt)) or base.stt
    if choice.chained and len(names) > 1 and CHAIN not in names:
        options[CHAIN] = _chain(options.get(CHAIN, {}), names, options)
        names = (CHAIN,)
    return msgspec.structs.replace(
        base, stt=names, tts=tuple(map(engine_of, tts)) or base.tts, options=options
    )


def candidates(
    names: Iterable[str], base: WorkersSection, installed: Iterable[str]
) -> tuple[str, ...]:
    """Return what can be chosen among these engines, as entries of a Choice."""
    found: list[str] = []
    for name in names:
        found += [one for one in installed if engine_of(one) == name]
        needs = name in NEEDS_MODEL or name in NEEDS_SETTINGS
        if name not in HIDDEN and (not needs or _told(base, name)):
            found.append(name)
    return tuple(found)


def _told(base: WorkersSection, name: str) -> bool:
    return bool(base.options.get(name))


def _usable(entries: Sequence[str], base: WorkersSection, installed: Options) -> list[str]:
    return [
        one
        for one in entries
        if one in installed
        or (":" not in one and (one not in NEEDS_MODEL | NEEDS_SETTINGS or _told(base, one)))
    ]


def _without_model(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in _OF_A_MODEL}


def _chain(
    own: Mapping[str, Any], names: Sequence[str], options: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    links = [{"engine": name, "options": dict(options.get(name, {}))} for name in names]
    return {**own, "links": links}
