"""Satellites: who is here, how they are, and what is set for their rooms."""

import asyncio

import msgspec

from antiphon_hub.errors import ConsoleError, StorageError
from antiphon_hub.identity.people import Scope
from antiphon_hub.playback.manners import AtNight, Hour, Percent
from antiphon_hub.room_rules import RoomRules
from antiphon_hub.web.board import SatelliteNow
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed
from antiphon_hub.web.deeds.rooms import SomeName
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Seconds
from antiphon_protocol.messages.satellite import Identify


class SatelliteShown(Record, frozen=True, kw_only=True):
    """One satellite."""

    id: str
    room: str
    here: bool
    software: str = ""
    host: str = ""
    wake: str = ""
    """Where the wake word is recognised: `local`, `hub`, `none`."""
    phrases: tuple[str, ...] = ()
    speaks: bool = False
    since_s: float = 0.0
    """When it joined, seconds since 1970; when it left, of one that is gone."""
    now: SatelliteNow | None = None
    """What it told of itself since the hub's start."""


class Satellites(Record, frozen=True, kw_only=True):
    """All that are here, and those that left since the hub's start."""

    satellites: tuple[SatelliteShown, ...]


class OneSatellite(Asked, frozen=True, kw_only=True):
    """A satellite."""

    satellite: Slug


class OneRoom(Asked, frozen=True, kw_only=True):
    """A room by its name."""

    room: SomeName


class SetRules(Asked, frozen=True, kw_only=True):
    """What is to be set for a room; what is left out is as the settings have it."""

    room: SomeName
    percent: Percent | None = None
    quiet_from: Hour | None = None
    quiet_to: Hour | None = None
    quiet_percent: Percent | None = None
    quiet_announcements: AtNight | None = None
    reply_on: Slug | None = None
    silence_s: Seconds | None = None
    complete_silence_s: Seconds | None = None
    no_speech_s: Seconds | None = None


class Rules(Record, frozen=True, kw_only=True):
    """What is set for a room here, and what counts there."""

    room: str
    own: RoomRules
    counts: dict[str, str | float | int | None]
    """Every rule with the value that counts."""


@deed("GET", "/satellites", Scope.READ)
async def listed(desk: Desk, asked: Nothing) -> Satellites:
    """Tell who is here, and who left."""
    del asked
    board = desk.live.board.satellites
    here = [
        SatelliteShown(
            id=one.id,
            room=one.room,
            here=True,
            software=one.hello.software,
            host=one.hello.host,
            wake=one.hello.wake,
            phrases=one.hello.phrases,
            speaks=one.hello.speaker is not None,
            since_s=one.hello.epoch / 1e6,
            now=board.get(one.id),
        )
        for one in desk.house.satellites
    ]
    known = {one.id for one in here}
    gone = [
        SatelliteShown(id=one.id, room=one.room, here=False, since_s=one.left_s, now=one)
        for one in board.values()
        if one.id not in known
    ]
    both = sorted([*here, *gone], key=lambda one: (not one.here, one.room.lower(), one.id))
    return Satellites(satellites=tuple(both))


@deed("POST", "/satellites/{satellite}/identify", Scope.CONTROL)
async def identify(desk: Desk, asked: OneSatellite) -> Done:
    """Let a satellite blink and beep, so that you find it."""
    if all(one.id != asked.satellite for one in desk.house.satellites):
        raise ConsoleError(404, f"satellite {asked.satellite} is not here now")
    desk.house.command(asked.satellite, Identify())
    return Done(message=f"{asked.satellite} blinks and beeps now.")


@deed("GET", "/rooms/{room}/rules", Scope.READ)
async def rules(desk: Desk, asked: OneRoom) -> Rules:
    """Tell what is set for a room."""
    return _rules(desk, asked.room)


@deed("PUT", "/rooms/{room}/rules", Scope.CONFIGURE)
async def set_rules(desk: Desk, asked: SetRules) -> Rules:
    """Set a room's rules; they count at once."""
    _check(desk, asked)
    tree = msgspec.structs.asdict(asked)
    room = tree.pop("room")
    try:
        await asyncio.to_thread(desk.house.rules.set, room, RoomRules(**tree))
    except StorageError as error:
        raise ConsoleError(503, str(error)) from None
    await desk.audit("changed a room's rules", room)
    return _rules(desk, room)


def _check(desk: Desk, asked: SetRules) -> None:
    if asked.reply_on is not None and all(
        one.id != asked.reply_on or one.room.lower() != asked.room.lower()
        for one in desk.house.satellites
    ):
        raise ConsoleError(422, f"reply_on: satellite {asked.reply_on} is not in {asked.room} now")


def _rules(desk: Desk, room: str) -> Rules:
    of_rooms = desk.house.rules
    manners, hearing = of_rooms.manners(room), of_rooms.endpointing(room)
    counts = {
        name: getattr(manners, name, None) if hasattr(manners, name) else getattr(hearing, name)
        for name in RoomRules.__struct_fields__
    }
    return Rules(room=room, own=of_rooms.of(room), counts=counts)
