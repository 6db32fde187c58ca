"""All rooms' playback: runs the pure rules against the clock, and tells satellites and house."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Protocol

from antiphon_hub.errors import StorageError
from antiphon_hub.playback.manners import (
    Manners,
    RoomState,
    Verdict,
    gain_db,
    is_undisturbed,
    percent_now,
    verdict,
)
from antiphon_hub.playback.memory import Memory
from antiphon_hub.playback.place import Place
from antiphon_hub.playback.room import Ducked, Effect, Granted, Paused, Room, Taken
from antiphon_hub.publisher import Publisher
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.ask import Answer, AskVolume
from antiphon_protocol.messages.event import RoomDucked
from antiphon_protocol.messages.satellite import (
    Chime,
    Duck,
    PlaybackKind,
    SatelliteCommand,
    SetVolume,
)

log = logging.getLogger(__name__)

VOLUME_EVERY_S: Final = 15.0
"""How late quiet hours may begin, seconds."""
FULL_PERCENT: Final = 100
OFF_US: Final = 0
FOREVER_US: Final = -1


class Satellite(Protocol):
    """A satellite that is here."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def room(self) -> str:
        """Its room, as people call it."""
        ...

    @property
    def speaks(self) -> bool:
        """It has a speaker."""
        ...


class Satellites(Protocol):
    """The satellites that are here."""

    def in_room(self, room: str) -> Collection[Satellite]:
        """Return those of a room; of all rooms for an empty name."""
        ...


class _Here:
    """One room that is in use."""

    def __init__(self) -> None:
        self.rules = Room()
        self.places: dict[str, Place] = {}
        self.timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        return not self.places and self.rules.next_s == float("inf")


class Playback:
    """Who may sound where, how loud, and what must be quieter meanwhile."""

    def __init__(
        self,
        satellites: Satellites,
        command: Callable[[str, SatelliteCommand], None],
        publisher: Publisher,
        memory: Memory,
        manners: Callable[[str], Manners],
        *,
        duck_db: float,
        now: Callable[[], datetime],
    ) -> None:
        """Play in these satellites' rooms.

        Args:
            satellites: Those that are here.
            command: Sends a command to one.
            publisher: Takes the facts for players that are not ours.
            memory: Keeps what people set.
            manners: Returns what is set for a room, by its name.
            duck_db: How much quieter other sound is while something speaks.
            now: The home's local time.
        """
        self._satellites = satellites
        self._command = command
        self._publisher = publisher
        self._memory = memory
        self._manners = manners
        self._duck_db = duck_db
        self._now = now
        self._rooms: dict[str, _Here] = {}
        self._states: dict[str, RoomState] = {}
        self._volumes: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        """granted, paused, taken by reason, ducked."""

    async def open(self) -> None:
        """Take over what people had set before the hub's restart.

        Raises:
            StorageError: the database cannot be read, or a newer version wrote it.
        """
        self._states = await self._memory.open()

    async def close(self) -> None:
        """Close the memory."""
        await self._memory.close()

    async def run(self) -> None:
        """Keep the rooms' volumes right as the hours change, until cancelled."""
        while True:
            await asyncio.sleep(VOLUME_EVERY_S)
            self._set_volumes()

    # -- places -----------------------------------------------------------------------------------

    @contextmanager
    def place(self, room: str, kind: PlaybackKind) -> Iterator[Place]:
        """Hold a place in the room's playback inside the block; a free room is had at once."""
        key = _key(room)
        place = Place(new_id("place"), room, kind)
        here = self._rooms.setdefault(key, _Here())
        here.places[place.id] = place
        self._apply(key, here, here.rules.ask(place.id, kind, _loop_s()))
        try:
            yield place
        finally:
            here = self._rooms.setdefault(key, _Here())
            here.places.pop(place.id, None)
            place.when_lost(None)
            self._apply(key, here, here.rules.leave(place.id, _loop_s()))

    def attend(self, room: str, turn: str) -> None:
        """Somebody is being listened to in that room: what can wait waits, music is ducked."""
        here = self._rooms.setdefault(_key(room), _Here())
        self._apply(_key(room), here, here.rules.attend(turn, _loop_s()))

    def unattend(self, room: str, turn: str) -> None:
        """That turn is over."""
        if here := self._rooms.get(_key(room)):
            self._apply(_key(room), here, here.rules.unattend(turn, _loop_s()))

    def output(self, heard: Satellite) -> Satellite:
        """Return the satellite that gives replies for one that heard: itself, or another."""
        room = [one for one in self._satellites.in_room(heard.room) if one.speaks]
        wanted = self._manners(heard.room).reply_on
        chosen = next((one for one in room if one.id == wanted), None)
        if chosen is None and not heard.speaks:
            chosen = min(room, key=lambda one: one.id, default=None)
        return chosen or heard

    # -- manners ----------------------------------------------------------------------------------

    def verdict(self, room: str, *, urgent: bool) -> Verdict:
        """Return what becomes of an announcement in that room."""
        manners, state = self._manners(room), self._state(room)
        now = self._now()
        return verdict(manners, state, urgent=urgent, now=now, now_us=_us(now))

    def chime(self, room: str) -> None:
        """Let the room know that something waits to be told."""
        for one in self._satellites.in_room(room):
            self._command(one.id, Chime(cue="notice"))

    def joined(self, satellite: str) -> None:
        """A satellite said Hello: it may have another volume in mind."""
        self._volumes.pop(satellite, None)
        self._set_volumes()

    async def volume(self, request: AskVolume) -> Answer:
        """Set volume and do-not-disturb of rooms; answer with what they are then."""
        rooms = sorted({one.room for one in self._satellites.in_room(request.room)})
        if not rooms:
            where = f"room {request.room!r}" if request.room else "any room"
            return Answer(ok=False, error=f"no satellite is in {where}")
        changed = {_key(room): self._changed(room, request) for room in rooms}
        self._states |= changed
        self._set_volumes()
        slots: dict[str, Any] = {"rooms": {room: self._told(room) for room in rooms}}
        try:
            await self._memory.save(changed)
        except StorageError as error:
            return Answer(ok=False, error=f"set, but not kept: {error}", slots=slots)
        return Answer(ok=True, slots=slots)

    # -- inside -----------------------------------------------------------------------------------

    def _state(self, room: str) -> RoomState:
        return self._states.get(_key(room), RoomState())

    def _changed(self, room: str, request: AskVolume) -> RoomState:
        state = self._state(room)
        percent = state.percent if request.percent is None else request.percent
        if request.change:
            before = self._manners(room).percent if percent is None else percent
            percent = max(0, min(FULL_PERCENT, before + request.change))
        after_us = state.disturb_after_us
        if request.do_not_disturb is not None:
            until_us = _us(self._now()) + round(request.for_s * 1e6)
            on_us = until_us if request.for_s else FOREVER_US
            after_us = on_us if request.do_not_disturb else OFF_US
        return RoomState(percent=percent, disturb_after_us=after_us)

    def _told(self, room: str) -> dict[str, Any]:
        now, state = self._now(), self._state(room)
        return {
            "percent": percent_now(self._manners(room), state, now),
            "do_not_disturb": is_undisturbed(state, _us(now)),
        }

    def _set_volumes(self) -> None:
        """Tell satellites their volume, where it is not what they were told last."""
        now = self._now()
        volumes: dict[str, float] = {}
        for one in self._satellites.in_room(""):
            if not one.speaks:
                continue
            percent = percent_now(self._manners(one.room), self._state(one.room), now)
            volumes[one.id] = gain_db(percent)
            if self._volumes.get(one.id) != volumes[one.id]:
                self._command(one.id, SetVolume(gain_db=volumes[one.id]))
        self._volumes = volumes

    def _tick(self, key: str) -> None:
        if here := self._rooms.get(key):
            self._apply(key, here, here.rules.tick(_loop_s()))

    def _apply(self, key: str, here: _Here, effects: list[Effect]) -> None:
        if here.timer is not None:
            here.timer.cancel()
            here.timer = None
        if here.idle:
            self._rooms.pop(key, None)
        elif (next_s := here.rules.next_s) < float("inf"):
            here.timer = asyncio.get_running_loop().call_at(next_s, self._tick, key)
        for effect in effects:
            self._do(key, here, effect)

    def _do(self, key: str, here: _Here, effect: Effect) -> None:
        match effect:
            case Ducked():
                self._duck(key, effect.lease_s, music=bool(here.rules.music))
            case Granted():
                self.counts["granted"] += 1
                here.places[effect.id].granted()
            case Paused():
                self.counts["paused"] += 1
                here.places[effect.id].lost("")
            case Taken():
                self.counts[f"taken_{effect.why}"] += 1
                log.info("room %s: %s taken: %s", key, effect.id, effect.why)
                here.places[effect.id].lost(effect.why)

    def _duck(self, key: str, lease_s: float, *, music: bool) -> None:
        self.counts["ducked"] += lease_s > 0
        level_db = self._duck_db if lease_s else 0.0
        room = key
        for one in self._satellites.in_room(key):
            room = one.room
            if music:
                self._command(one.id, Duck(level_db=level_db, lease_s=lease_s))
        self._publisher.publish(RoomDucked(room=room, level_db=level_db, lease_s=lease_s))


def _key(room: str) -> str:
    return room.strip().lower()


def _loop_s() -> float:
    return asyncio.get_running_loop().time()


def _us(now: datetime) -> int:
    return int(now.timestamp() * 1e6)
