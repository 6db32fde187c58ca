"""Callers: whose calls the house was taught, and teaching and forgetting them."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Final

import msgspec

from antiphon_hub.callers import Taught
from antiphon_hub.errors import CallersError, ConsoleError
from antiphon_hub.identity.people import Scope
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed
from antiphon_protocol.ids import Slug

_WRITTEN: Final = r"[^\x00-\x1f\x7f]"
Person = Annotated[
    str,
    msgspec.Meta(max_length=64, pattern=rf"^{_WRITTEN}*(?!\s){_WRITTEN}{_WRITTEN}*\Z"),
]
"""A name that a command can be given: something to see, and nothing that controls."""


class CallerShown(Record, frozen=True, kw_only=True):
    """A person's calls of one phrase."""

    person: str
    phrase: str
    calls: int
    counts: bool
    """Enough calls of the phrase are known to look for others like them."""


class Callers(Record, frozen=True, kw_only=True):
    """Everybody whose calls are known."""

    callers: tuple[CallerShown, ...]
    used: bool
    """The hub takes a second look at calls (`[listening] check_wake`): only then it needs them."""


class TeachCall(Asked, frozen=True, kw_only=True):
    """Who called in a conversation whose audio is kept."""

    turn: Slug
    person: Person


class OneCaller(Asked, frozen=True, kw_only=True):
    """Somebody whose calls are known."""

    person: Person


@deed("GET", "/callers", Scope.READ)
async def listed(desk: Desk, asked: Nothing) -> Callers:
    """Tell whose calls are known."""
    del asked
    taught = await asyncio.to_thread(desk.house.callers.taught)
    used = desk.house.settings.listening.check_wake
    return Callers(callers=tuple(_shown(taught)), used=used)


@deed("POST", "/conversations/{turn}/caller", Scope.CONFIGURE)
async def teach(desk: Desk, asked: TeachCall) -> Done:
    """Take the call of a conversation as that person's: later ones like it are believed."""
    person = asked.person.strip()
    await _tried(desk.house.callers.teach(person, asked.turn))
    await desk.audit("taught the house a call", asked.turn)
    taught = await asyncio.to_thread(desk.house.callers.taught)
    own = [one for one in _shown(taught) if one.person == person]
    waits = "" if all(one.counts for one in own) else " Some more, and they count."
    return Done(message=f"{sum(one.calls for one in own)} of {person}'s calls are known.{waits}")


@deed("DELETE", "/callers/{person}", Scope.CONFIGURE)
async def forget(desk: Desk, asked: OneCaller) -> Done:
    """Forget a person's calls."""
    await _tried(desk.house.callers.forget(asked.person.strip()))
    await desk.audit("forgot somebody's calls")
    return Done(message="Forgotten: nothing of these calls is left.")


async def _tried(doing: Awaitable[None]) -> None:
    try:
        await doing
    except CallersError as error:
        raise ConsoleError(422, str(error)) from None


def _shown(taught: Taught) -> list[CallerShown]:
    found = [
        CallerShown(person=person, phrase=phrase, calls=n, counts=phrase in taught.likenesses)
        for (phrase, person), n in taught.counts().items()
    ]
    return sorted(found, key=lambda one: (one.person, one.phrase))
