"""What every room is doing now, made of the house's facts (pure)."""

from typing import Final, Literal

import msgspec

from antiphon_protocol.messages.event import (
    CommandHeard,
    Event,
    PartlyHeard,
    ReplyBegan,
    SatelliteJoined,
    SatelliteLeft,
    TurnEnded,
    TurnOutcome,
    TurnStarted,
    Understood,
)
from antiphon_protocol.messages.satellite import Counters, Fault, Muted, SatelliteFact
from antiphon_protocol.messages.timer import TimerChanged, TimerEnded, TimerRinging
from antiphon_protocol.messages.wake import WakeHeard

RoomState = Literal["idle", "listening", "thinking", "speaking", "ringing"]
ROOMS_MAX: Final = 1024
"""As many as there may be satellites; what is more is not shown."""
UNKNOWN_DBFS: Final = -200.0


class RoomNow(msgspec.Struct, frozen=True, kw_only=True):
    """One room as it is now."""

    name: str
    state: RoomState = "idle"
    turn: str = ""
    """The turn that runs, or the last one."""
    cause: str = ""
    partial: str = ""
    """What is understood of the command so far."""
    heard: str = ""
    intent: str = ""
    reply: str = ""
    outcome: TurnOutcome | None = None
    """How the last turn ended; None while one runs, or before the first."""
    code: str = ""
    since_s: float = 0.0
    """When the state began, seconds since 1970."""
    answer_ms: float | None = None
    """How long the last answer took, from the end of speech."""
    level_dbfs: float = UNKNOWN_DBFS
    """How loud the last call was."""
    ringing: tuple[str, ...] = ()
    """Ids of what rings."""


class SatelliteNow(msgspec.Struct, frozen=True, kw_only=True):
    """What a satellite told of itself since the hub's start."""

    id: str
    room: str = ""
    here: bool = False
    left_s: float = 0.0
    """When it went, seconds since 1970."""
    left_reason: str = ""
    noise_dbfs: float = UNKNOWN_DBFS
    counts: dict[str, int] = {}
    counted_s: float = 0.0
    muted: bool = False
    fault: str = ""
    wake_score: float | None = None
    """How sure its wake engine was at the last call."""
    wake_s: float = 0.0


class Board:
    """All rooms and satellites; `apply` and `told` return the names of the rooms that changed."""

    def __init__(self) -> None:
        self.rooms: dict[str, RoomNow] = {}
        self.satellites: dict[str, SatelliteNow] = {}

    def apply(self, event: Event, now_s: float) -> str | None:
        """Take in a fact of the house; returns the room that it changed."""
        match event:
            case TurnStarted() | PartlyHeard() | CommandHeard() | Understood() | ReplyBegan():
                return self._turn(event, now_s)
            case TurnEnded():
                return self._turn(event, now_s)
            case SatelliteJoined() | SatelliteLeft():
                return self._satellite(event, now_s)
            case TimerRinging() | TimerEnded() | TimerChanged():
                return self._ring(event, now_s)
            case _:
                return None

    def told(self, satellite: str, fact: SatelliteFact | WakeHeard, now_s: float) -> str | None:
        """Take in what a satellite says of itself; returns the room that it changed."""
        known = self.satellites.get(satellite)
        if known is None:
            return None
        match fact:
            case WakeHeard():
                score = fact.confidence if fact.cause == "phrase" else known.wake_score
                known = _with(known, wake_score=score, wake_s=now_s)
                self._change(known.room, level_dbfs=fact.level_dbfs)
            case Counters():
                counts = dict(fact.counts)
                known = _with(known, noise_dbfs=fact.noise_dbfs, counts=counts, counted_s=now_s)
            case Muted():
                known = _with(known, muted=fact.muted)
            case Fault():
                known = _with(known, fault=f"{fact.code}: {fact.text}")
            case _:
                return None
        self.satellites[satellite] = known
        return known.room

    # -- inside -----------------------------------------------------------------------------------

    def _turn(
        self,
        event: TurnStarted | PartlyHeard | CommandHeard | Understood | ReplyBegan | TurnEnded,
        now_s: float,
    ) -> str | None:
        room = self.rooms.get(_key(event.room))
        if not event.room or (room is None and len(self.rooms) >= ROOMS_MAX):
            return None
        room = room or RoomNow(name=event.room)
        if not isinstance(event, TurnStarted) and room.turn != event.turn:
            # A room has one turn on its card; news of an older one changes nothing.
            return None
        self.rooms[_key(event.room)] = _after(room, event, now_s)
        return event.room

    def _satellite(self, event: SatelliteJoined | SatelliteLeft, now_s: float) -> str | None:
        known = self.satellites.get(event.satellite)
        if known is None and len(self.satellites) >= ROOMS_MAX:
            return None
        known = known or SatelliteNow(id=event.satellite)
        if isinstance(event, SatelliteJoined):
            known = _with(known, room=event.room, here=True, left_reason="", fault="")
        else:
            known = _with(known, here=False, left_s=now_s, left_reason=event.reason)
        self.satellites[event.satellite] = known
        self.rooms.setdefault(_key(event.room), RoomNow(name=event.room, since_s=now_s))
        return event.room

    def _ring(self, event: TimerRinging | TimerEnded | TimerChanged, now_s: float) -> str | None:
        timer = event.timer
        rings = timer.state == "ringing" and not isinstance(event, TimerEnded)
        if not timer.room:
            return None
        room = self.rooms.get(_key(timer.room))
        if room is None:
            return None
        others = tuple(one for one in room.ringing if one != timer.timer)
        now = (*others, timer.timer) if rings else others
        state: RoomState = room.state
        if now and state == "idle":
            state = "ringing"
        elif not now and state == "ringing":
            state = "idle"
        self._change(timer.room, ringing=now, state=state, since_s=now_s)
        return timer.room

    def _change(self, room: str, **changed: object) -> None:
        known = self.rooms.get(_key(room))
        if known is not None:
            self.rooms[_key(room)] = msgspec.structs.replace(known, **changed)


def _after(
    room: RoomNow,
    event: TurnStarted | PartlyHeard | CommandHeard | Understood | ReplyBegan | TurnEnded,
    now_s: float,
) -> RoomNow:
    match event:
        case TurnStarted():
            return RoomNow(
                name=event.room,
                state="thinking" if event.cause == "request" else "listening",
                turn=event.turn,
                cause=event.cause,
                since_s=now_s,
                level_dbfs=room.level_dbfs,
                ringing=room.ringing,
            )
        case PartlyHeard():
            return msgspec.structs.replace(room, partial=event.text)
        case CommandHeard():
            return msgspec.structs.replace(
                room, state="thinking", heard=event.text, partial="", since_s=now_s
            )
        case Understood():
            return msgspec.structs.replace(room, intent=event.intent)
        case ReplyBegan():
            return msgspec.structs.replace(room, state="speaking", reply=event.text, since_s=now_s)
        case _:
            return msgspec.structs.replace(
                room,
                state="ringing" if room.ringing else "idle",
                heard=event.transcript or room.heard,
                partial="",
                intent=event.intent or room.intent,
                reply=event.reply or room.reply,
                outcome=event.outcome,
                code=event.code,
                since_s=now_s,
                answer_ms=event.timings.get("answer"),
            )


def _with(known: SatelliteNow, **changed: object) -> SatelliteNow:
    return msgspec.structs.replace(known, **changed)


def _key(room: str) -> str:
    return room.strip().lower()
