"""What a person sees of the house: rooms, devices, workers and turns, from the facts on the bus.

Pure: facts and levels go in, the screen reads the fields; nothing here draws or waits.
"""

from collections import deque
from enum import StrEnum
from functools import singledispatchmethod
from typing import Any, Final

import msgspec

from antiphon_protocol.messages.event import (
    CommandHeard,
    DeviceChanged,
    Event,
    PartlyHeard,
    ReplyBegan,
    SatelliteJoined,
    SatelliteLeft,
    TurnEnded,
    TurnStarted,
    Understood,
    WorkerJoined,
    WorkerLeft,
)

LEVELS_KEPT: Final = 240
"""Columns of a room's level trace: more than the widest terminal shows of one room."""
TURNS_KEPT: Final = 200
"""Finished turns for the list; older ones are dropped, `turns_ended` counts them all."""
SILENCE_DBFS: Final = -60.0
"""What a meter shows as nothing."""
FULL_DBFS: Final = -10.0
"""What fills a meter: speech is seldom louder on average."""


class RoomState(StrEnum):
    """What a room's satellite is doing."""

    AWAY = "away"
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class Voice(StrEnum):
    """Who is heard in a room."""

    NOBODY = "nobody"
    PERSON = "person"
    HOUSE = "house"


class Level(msgspec.Struct, frozen=True):
    """One column of a level trace."""

    dbfs: float
    voice: Voice

    @property
    def fraction(self) -> float:
        """0 at silence, 1 at a full meter."""
        return min(1.0, max(0.0, (self.dbfs - SILENCE_DBFS) / (FULL_DBFS - SILENCE_DBFS)))


class Conversation(msgspec.Struct, kw_only=True):
    """A turn as far as it has come."""

    turn: str
    room: str
    transcript: str = ""
    heard: bool = False
    """The transcript is final."""
    intent: str = ""
    slots: dict[str, Any] = {}
    reply: str = ""
    ended: TurnEnded | None = None


class Room:
    """A room, its satellite's state and the trace of what was heard there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.id = name.lower().replace(" ", "-")
        """As the home model calls it."""
        self.state = RoomState.AWAY
        self.levels: deque[Level] = deque(maxlen=LEVELS_KEPT)
        self.devices: dict[str, dict[str, Any]] = {}
        """By their short names."""
        self.turn = ""
        """The turn that runs here; empty: none."""

    def short_name(self, device: str) -> str:
        """Return what a device is called in its own room: `bedroom-ceiling-light`, `ceiling light`.

        `kitchen-light` keeps its first word: there is no more to its name.
        """
        rest = device.removeprefix(f"{self.id}-")
        return (rest if "-" in rest else device).replace("-", " ")


class HouseView:
    """The house as its facts tell it; `apply` each fact in the order of its coming."""

    def __init__(self, rooms: tuple[str, ...]) -> None:
        self.rooms = {name: Room(name) for name in rooms}
        self.workers: dict[str, WorkerJoined] = {}
        self.conversation: Conversation | None = None
        """The turn that a person looks at: the one that began last."""
        self.turns: deque[TurnEnded] = deque(maxlen=TURNS_KEPT)
        self.turns_ended = 0
        self.status = ""
        """One line: what the demo is doing."""

    def level(self, room: str, dbfs: float, voice: Voice) -> None:
        """Add a column to a room's trace: the loudest that was heard since the last one."""
        self._room(room).levels.append(Level(dbfs, voice))

    @singledispatchmethod
    def apply(self, event: Event) -> None:
        """Take in a fact."""
        raise TypeError(f"no fact: {type(event).__name__}")

    @apply.register
    def _(self, event: SatelliteJoined) -> None:
        self._room(event.room).state = RoomState.IDLE

    @apply.register
    def _(self, event: SatelliteLeft) -> None:
        self._room(event.room).state = RoomState.AWAY

    @apply.register
    def _(self, event: WorkerJoined) -> None:
        self.workers[event.worker] = event

    @apply.register
    def _(self, event: WorkerLeft) -> None:
        self.workers.pop(event.worker, None)

    @apply.register
    def _(self, event: DeviceChanged) -> None:
        # A room without a satellite has no place on the screen.
        for room in self.rooms.values():
            if event.room in (room.name, room.id):
                room.devices[room.short_name(event.device)] = event.state

    @apply.register
    def _(self, event: TurnStarted) -> None:
        self.conversation = Conversation(turn=event.turn, room=event.room)
        room = self._room(event.room)
        room.turn = event.turn
        room.state = RoomState.LISTENING

    @apply.register
    def _(self, event: PartlyHeard) -> None:
        talk = self._talk(event.turn)
        if talk is not None and not talk.heard:
            talk.transcript = event.text

    @apply.register
    def _(self, event: CommandHeard) -> None:
        talk = self._talk(event.turn)
        if talk is not None:
            talk.transcript, talk.heard = event.text, True
        self._step(event.room, event.turn, RoomState.THINKING)

    @apply.register
    def _(self, event: Understood) -> None:
        talk = self._talk(event.turn)
        if talk is not None:
            talk.intent, talk.slots = event.intent, event.slots

    @apply.register
    def _(self, event: ReplyBegan) -> None:
        talk = self._talk(event.turn)
        if talk is not None:
            talk.reply = event.text
        self._step(event.room, event.turn, RoomState.SPEAKING)

    @apply.register
    def _(self, event: TurnEnded) -> None:
        self.turns.append(event)
        self.turns_ended += 1
        self._step(event.room, event.turn, RoomState.IDLE)
        talk = self._talk(event.turn)
        if talk is not None:
            talk.transcript, talk.heard = event.transcript, True
            talk.intent, talk.slots, talk.reply = event.intent, event.slots, event.reply
            talk.ended = event

    def _room(self, name: str) -> Room:
        return self.rooms.setdefault(name, Room(name))

    def _talk(self, turn: str) -> Conversation | None:
        talk = self.conversation
        return talk if talk is not None and talk.turn == turn else None

    def _step(self, room: str, turn: str, state: RoomState) -> None:
        """Move a room on, unless a newer turn runs there by now."""
        there = self._room(room)
        if there.turn != turn:
            return
        there.state = state
        if state is RoomState.IDLE:
            there.turn = ""
