"""The pages: which there are, what each is made of."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

import msgspec
from starlette.datastructures import QueryParams

from antiphon_hub.errors import ConsoleError
from antiphon_hub.home.model import Kind
from antiphon_hub.identity.people import SCOPES_OF, Role, Scope
from antiphon_hub.web.answers import done
from antiphon_hub.web.deed import Asked, Deed, Desk, Nothing
from antiphon_hub.web.deeds import (
    callers,
    conversations,
    engines,
    home,
    pairing,
    people,
    rooms,
    satellites,
    sentences,
    system,
    timers,
)
from antiphon_hub.web.forms import from_texts
from antiphon_protocol.messages.presence import EngineOffer

Load = Callable[[Desk, QueryParams, Mapping[str, str]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Page:
    """One page."""

    path: str
    title: str
    template: str
    scope: Scope
    load: Load
    icon: str = ""
    """Of its place in the menu; empty: it has none."""
    hint: str = ""
    """One line under its title."""


async def _rooms(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del query, path
    found = await _get(rooms.now, desk)
    return {
        "rooms": found.rooms,
        "health": await _get(system.health, desk),
        "silent": _rooms_without(desk, {one.name.lower() for one in found.rooms}),
    }


def _rooms_without(desk: Desk, known: set[str]) -> list[str]:
    return [one.name for one in desk.house.mind.home.rooms if one.name.lower() not in known]


async def _conversations(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del path
    asked = from_texts(conversations.search, query.multi_items())
    found = await done(conversations.search, desk, asked)
    return {"found": found, "asked": asked, "filtered": asked != conversations.Search()}


async def _conversation(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del query
    asked = from_texts(conversations.show, tuple(path.items()))
    known = (await _get(callers.listed, desk)).callers
    return {
        "found": await done(conversations.show, desk, asked),
        "callers": sorted({one.person for one in known}),
    }


async def _satellites(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del query, path
    manages = desk.who.may(Scope.MANAGE)
    return {
        "satellites": (await _get(satellites.listed, desk)).satellites,
        "pairing": await _get(pairing.state, desk) if manages else None,
        "paired": desk.house.settings.mosquitto.paired,
    }


async def _satellite(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del query
    asked = from_texts(satellites.settings, tuple(path.items()))
    found = await done(satellites.settings, desk, asked)
    shown = (await _get(satellites.listed, desk)).satellites
    devices = (await _get(pairing.state, desk)).devices if desk.who.may(Scope.MANAGE) else ()
    account = f"satellite-{found.satellite}"
    return {
        "found": found,
        "shown": next((one for one in shown if one.id == found.satellite), None),
        "rooms": _room_names(desk),
        "account": account if any(one.id == account for one in devices) else "",
    }


async def _room(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del query
    asked = from_texts(satellites.rules, tuple(path.items()))
    found = await done(satellites.rules, desk, asked)
    volumes = {one.room.lower(): one for one in (await _get(rooms.volumes, desk)).rooms}
    here = [one for one in desk.house.satellites if one.room.lower() == found.room.lower()]
    if not here and desk.house.mind.home.room(found.room) is None:
        raise ConsoleError(404, f"there is no room {found.room}")
    return {"rules": found, "volume": volumes.get(found.room.lower()), "here": here}


async def _timers(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del path
    name = query.get("list", "") or "shopping"
    asked = from_texts(timers.items, [("list", name)])
    return {
        "timers": (await _get(timers.listed, desk)).timers,
        "items": await done(timers.items, desk, asked),
        "rooms": _room_names(desk),
    }


async def _announce(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del query, path
    return {"volumes": (await _get(rooms.volumes, desk)).rooms}


async def _sentences(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del path
    files = (await _get(sentences.listed, desk)).files
    name = query.get("file", "") or (files[0].file if files else "")
    shown = None
    if name and any(one.file == name for one in files):
        asked = from_texts(sentences.show, [("file", name)])
        shown = await done(sentences.show, desk, asked)
    fresh = query.get("new") is not None or not files
    return {"files": files, "shown": shown, "fresh": fresh, "rooms": _room_names(desk)}


async def _home(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del path
    found = await _get(home.show, desk)
    edited = query.get("edit", "")
    return {
        "home": found,
        "room_edited": next((one for one in found.rooms if f"room-{one.id}" == edited), None),
        "device_edited": next((one for one in found.devices if f"device-{one.id}" == edited), None),
        "kinds": get_args(Kind),
    }


async def _engines(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del query, path
    shown = await _get(system.engines, desk)
    offers = [offer for worker in shown.workers for offer in worker.engines]
    return {
        "engines": shown,
        "rooms": _rooms_that_speak(desk),
        "choice": await _get(engines.choice, desk),
        "installed": (await _get(engines.installed, desk)).installed,
        "recognisers": list(dict.fromkeys(one.name for one in offers if one.kind == "stt")),
        "speakers": list(dict.fromkeys(one.name for one in offers if one.kind == "tts")),
        "voices": _voices(offers),
    }


def _voices(offers: Sequence[EngineOffer]) -> list[str]:
    """Return the engines' voices, a few of each: some have hundreds."""
    found = [voice for one in offers if one.kind == "tts" for voice in one.voices]
    return list(dict.fromkeys(found))


async def _system(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del path
    lines = ()
    if desk.who.may(Scope.MANAGE):
        asked = from_texts(
            system.log, [pair for pair in query.multi_items() if pair[0] in ("level", "text")]
        )
        lines = (await done(system.log, desk, asked)).lines
    return {
        "health": await _get(system.health, desk),
        "figures": await _get(system.figures, desk),
        "engines": await _get(system.engines, desk),
        "lines": lines,
        "level": query.get("level", "INFO"),
        "text": query.get("text", ""),
    }


async def _people(desk: Desk, query: QueryParams, path: Mapping[str, str]) -> dict[str, Any]:
    del path
    manages = desk.who.may(Scope.MANAGE)
    entries = ()
    if manages:
        pairs = [pair for pair in query.multi_items() if pair[0] == "before"]
        entries = (await done(people.audit, desk, from_texts(people.audit, pairs))).entries
    return {
        "people": (await _get(people.listed, desk)).people if manages else (),
        "callers": await _get(callers.listed, desk),
        "tokens": (await _get(people.tokens, desk)).tokens,
        "entries": entries,
        "roles": tuple(Role),
        "scopes": tuple(one for one in Scope if one in SCOPES_OF[desk.who.person.role]),
    }


PAGES: Final = (
    Page("/", "Rooms", "rooms.html", Scope.READ, _rooms, "rooms", "What the house hears and says"),
    Page(
        *("/conversations", "Conversations", "conversations.html", Scope.CONVERSATIONS),
        *(_conversations, "talk", "What was said, what it meant, and why it took so long"),
    ),
    Page(
        *("/conversations/{turn}", "Conversation", "conversation.html", Scope.CONVERSATIONS),
        _conversation,
    ),
    Page(
        *("/satellites", "Satellites", "satellites.html", Scope.READ, _satellites),
        *("satellite", "The ears and mouths in your rooms"),
    ),
    Page("/satellites/{satellite}", "Satellite", "satellite.html", Scope.READ, _satellite),
    Page("/rooms/{room}", "Room", "room.html", Scope.READ, _room),
    Page(
        *("/timers", "Timers & lists", "timers.html", Scope.READ, _timers),
        *("timer", "Timers, alarms, reminders, and what to buy"),
    ),
    Page(
        *("/announce", "Announce", "announce.html", Scope.CONTROL, _announce),
        *("announce", "Tell some rooms, or the whole house"),
    ),
    Page(
        *("/sentences", "Sentences", "sentences.html", Scope.CONFIGURE, _sentences),
        *("sentence", "Teach the house your own way to say things"),
    ),
    Page(
        *("/home", "Home", "home.html", Scope.READ, _home),
        *("home", "Rooms and things, and all that people call them"),
    ),
    Page(
        *("/engines", "Engines", "engines.html", Scope.READ, _engines),
        *("engine", "Who hears, and who speaks"),
    ),
    Page(
        *("/system", "System", "system.html", Scope.READ, _system),
        *("system", "Health, figures, log, backup"),
    ),
    Page(
        *("/people", "People", "people.html", Scope.READ, _people),
        *("people", "Who may do what, and what was done"),
    ),
)


async def _get(one: Deed, desk: Desk) -> Any:
    return await done(one, desk, one.takes() if one.takes is not Nothing else Nothing())


def _room_names(desk: Desk) -> list[str]:
    names = {one.room.lower(): one.room for one in desk.house.satellites}
    for room in desk.house.mind.home.rooms:
        names.setdefault(room.name.lower(), room.name)
    return sorted(names.values(), key=str.lower)


def _rooms_that_speak(desk: Desk) -> list[str]:
    return sorted({one.room for one in desk.house.satellites if one.hello.speaker is not None})


PARTS: Final[dict[str, str]] = {
    "sentences.understand": "part_reading.html",
    "sentences.hear": "part_overheard.html",
    "engines.hear": "part_heard.html",
    "engines.speak": "part_spoken.html",
    "rooms.command": "part_replied.html",
    "people.make_token": "part_token.html",
}
"""Deeds whose result is shown in place; all others say a sentence and show the page anew."""


def said(result: Any) -> str:
    """Return what to tell a person of a deed's result."""
    return str(getattr(result, "message", "")) or "Done."


def fields(asked: Asked) -> dict[str, Any]:
    """Return what was asked as plain values, for a link to the same question."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(asked).items()
        if value not in ("", 0, False, None)
    }
