"""Satellites: who is here, how they are, and what is set for their rooms."""

import asyncio
from typing import Annotated

import msgspec

from antiphon_codecs.codecs import Codec
from antiphon_hub.errors import ConsoleError, StorageError
from antiphon_hub.identity.people import Scope
from antiphon_hub.playback.manners import AtNight, Hour, Percent
from antiphon_hub.room_rules import RoomRules
from antiphon_hub.web.board import SatelliteNow
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed
from antiphon_hub.web.deeds.rooms import SomeName
from antiphon_hub.web.scores import Scored
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.config import (
    Hangover,
    Phrases,
    ReportedSettings,
    SatelliteSettings,
    Threshold,
)
from antiphon_protocol.messages.fields import GainDb, Seconds
from antiphon_protocol.messages.satellite import Identify, Restart


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


class SetSatellite(Asked, frozen=True, kw_only=True):
    """What is to be set at a satellite; what is left out is as its own settings file has it."""

    satellite: Slug
    room: SomeName | None = None
    phrases: Phrases = ()
    """Wake phrases; none: those of its file."""
    threshold: Threshold | None = None
    """Score from which a phrase counts."""
    while_playing: bool | None = None
    """Listen for the wake phrase while a reply sounds."""
    gain_db: GainDb | None = None
    """Louder or quieter than other satellites, dB."""
    gate_threshold: Threshold | None = None
    """Speech probability that opens the gate of one without a wake engine."""
    gate_hangover_s: Hangover | None = None
    """Quiet that closes it, seconds."""
    codec: Codec | None = None
    """How its microphone's audio travels where the house can take it."""


class SettingsOfSatellite(Record, frozen=True, kw_only=True):
    """What is set at a satellite."""

    satellite: str
    here: bool
    own: SatelliteSettings
    """What the hub wants."""
    version: int
    counts: ReportedSettings | None
    """What the satellite says; null: it said nothing since the hub's start."""
    message: str = ""


class LookAtScores(Asked, frozen=True, kw_only=True):
    """Which satellite's, and what is known already."""

    satellite: Slug
    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    """The number of the last that is known."""


class ShownScores(Record, frozen=True, kw_only=True):
    """What came since then; empty: nothing for two seconds."""

    shown: tuple[Scored, ...]


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
    _require_here(desk, asked.satellite)
    desk.house.command(asked.satellite, Identify())
    return Done(message=f"{asked.satellite} blinks and beeps now.")


@deed("POST", "/satellites/{satellite}/restart", Scope.CONFIGURE)
async def restart(desk: Desk, asked: OneSatellite) -> Done:
    """Let a satellite's program start anew."""
    _require_here(desk, asked.satellite)
    known = desk.house.twins.reported(asked.satellite)
    if known is None or not known.restarts:
        raise ConsoleError(409, f"{asked.satellite} cannot be started anew from here")
    desk.house.command(asked.satellite, Restart())
    await desk.audit("restarted a satellite", asked.satellite)
    return Done(message=f"{asked.satellite} starts anew; it is back in some seconds.")


@deed("GET", "/satellites/{satellite}/settings", Scope.READ)
async def settings(desk: Desk, asked: OneSatellite) -> SettingsOfSatellite:
    """Tell what is set at a satellite, and what counts there."""
    return _settings(desk, asked.satellite)


@deed("PUT", "/satellites/{satellite}/settings", Scope.CONFIGURE)
async def set_settings(desk: Desk, asked: SetSatellite) -> SettingsOfSatellite:
    """Set a satellite's settings; it takes them over at once, or when it comes."""
    before = _settings(desk, asked.satellite)
    tree = msgspec.structs.asdict(asked)
    satellite = tree.pop("satellite")
    wanted = SatelliteSettings(**{**tree, "phrases": asked.phrases or None})
    waits = before.here and before.counts is not None
    try:
        answer = await desk.house.twins.set(satellite, wanted, here=waits)
    except StorageError as error:
        raise ConsoleError(503, str(error)) from None
    now = _settings(desk, satellite)
    if answer is not None and answer.version < now.version:
        raise ConsoleError(422, f"{satellite} does not take that: {answer.why}")
    await desk.audit("changed a satellite's settings", satellite)
    said = f"{satellite} has taken that over." if answer else f"{satellite} takes that over later."
    return msgspec.structs.replace(now, message=said)


@deed("GET", "/satellites/{satellite}/scores", Scope.CONTROL)
async def scores(desk: Desk, asked: LookAtScores) -> ShownScores:
    """Let a satellite show its wake engines' scores for ten seconds; wait for the next ones."""
    _require_here(desk, asked.satellite)
    return ShownScores(shown=tuple(await desk.house.scores.after(asked.satellite, asked.after)))


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


def _settings(desk: Desk, satellite: str) -> SettingsOfSatellite:
    twins, here = desk.house.twins, _here(desk, satellite)
    desired, counts = twins.desired(satellite), twins.reported(satellite)
    if not here and counts is None and desired.version == 0:
        raise ConsoleError(404, f"there is no satellite {satellite}")
    return SettingsOfSatellite(
        satellite=satellite,
        here=here,
        own=desired.settings,
        version=desired.version,
        counts=counts,
    )


def _here(desk: Desk, satellite: str) -> bool:
    return any(one.id == satellite for one in desk.house.satellites)


def _require_here(desk: Desk, satellite: str) -> None:
    if not _here(desk, satellite):
        raise ConsoleError(404, f"satellite {satellite} is not here now")


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
