"""All turns: one at a time for each satellite, and those that come as requests."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import Final, Literal

from antiphon_hub.turns.hearing import Call
from antiphon_hub.turns.ports import Command, Satellites
from antiphon_hub.turns.record import TurnRecord
from antiphon_hub.turns.turn import Parts, Turn
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.ask import Answer, AskIntent, AskSay
from antiphon_protocol.messages.satellite import (
    ListenEnded,
    PlaybackReady,
    Played,
    SatelliteFact,
    StopListening,
)
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.messages.work import WakeCheck

log = logging.getLogger(__name__)

TURNS_MAX: Final = 256
"""Turns at a time; policy: reject and count. A large house speaks with twenty voices at once."""
STREAMS_REMEMBERED: Final = 512
"""A call may be delivered twice (QoS 1): these streams had their turn."""
STREAM_SLACK_S: Final = 8.0
"""Pre-roll, wake phrase and the wait for speech come on top of a command's own limit."""

Cause = Literal["phrase", "button", "voice", "request"]


class Turns:
    """Starts turns, and hands them what satellites did. `run` holds their tasks."""

    def __init__(
        self,
        parts: Parts,
        satellites: Satellites,
        *,
        phrases: tuple[str, ...],
        limit_s: float,
        now_us: Callable[[], int],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._parts = parts
        self._satellites = satellites
        self._phrases = phrases
        self._limit_s = limit_s
        self._now_us = now_us
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None
        self._running: set[Turn] = set()
        self._speaking: dict[str, Turn] = {}
        self._seen: deque[str] = deque(maxlen=STREAMS_REMEMBERED)
        self.counts: Counter[str] = Counter()
        """turns, refused (too many at once, or no such satellite), repeated calls."""

    async def run(self) -> None:
        """Hold the turns' tasks until cancelled; then cancel them, each telling its satellite."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    @property
    def running(self) -> int:
        """How many turns run."""
        return len(self._running)

    @property
    def command(self) -> Command:
        """How turns speak to satellites."""
        return self._parts.command

    # -- what satellites do -----------------------------------------------------------------------

    def called(self, satellite_id: str, wake: WakeHeard) -> None:
        """Somebody may have called: begin a turn. A running one of that satellite is superseded."""
        if wake.stream in self._seen:
            self.counts["repeated"] += 1
            return
        self._seen.append(wake.stream)
        satellite = self._satellites.get(satellite_id)
        if satellite is None or wake.satellite != satellite_id:
            self.counts["refused"] += 1
            log.warning("a call of satellite %s, which did not say Hello; ignored", satellite_id)
            return
        if before := self._speaking.get(satellite_id):
            before.cancel("superseded")
        record = self._record(wake.cause, satellite.room, satellite_id)
        record.trace["wake"] = {
            "phrase": wake.phrase,
            "score": round(wake.confidence, 4),
            "by": wake.engine,
            "level_dbfs": round(wake.level_dbfs, 1),
            "noise_dbfs": round(wake.noise_dbfs, 1),
        }
        turn = Turn(self._parts, record, (satellite,), new_id("play"))
        call = Call(
            turn=record.turn,
            satellite=satellite_id,
            stream=wake.stream,
            begin=wake.begin,
            wake_end=wake.end,
            wake_phrase=wake.phrase,
            level_dbfs=wake.level_dbfs if wake.cause == "phrase" else -200.0,
            wake=WakeCheck(phrases=self._phrases) if wake.cause == "voice" else None,
        )
        if self._spawn(turn, turn.answer(call, self._limit_s + STREAM_SLACK_S), satellite_id):
            self._speaking[satellite_id] = turn
        else:
            self.command(satellite_id, StopListening(stream=wake.stream, reason="failed"))

    def did(self, satellite_id: str, fact: SatelliteFact) -> None:
        """A satellite did something; what no turn waits for is none of ours."""
        match fact:
            case ListenEnded():
                self._parts.ear.listen_ended(fact)
            case PlaybackReady() | Played():
                self._parts.mouth.did(satellite_id, fact)
            case _:
                pass

    def left(self, satellite_id: str) -> None:
        """A satellite is gone, and its turn with it."""
        if turn := self._speaking.get(satellite_id):
            turn.cancel("satellite-lost")

    # -- requests ---------------------------------------------------------------------------------

    async def say(self, request: AskSay) -> Answer:
        """Say something in a room, or in all; answers when it was played."""
        if not request.text.strip():
            return Answer(ok=False, error='nothing to say: give {"text": "..."}')
        speakers = [one for one in self._satellites.in_room(request.room) if one.speaks]
        if not speakers:
            return Answer(ok=False, error=self._no_room(request.room))
        record = self._record("request", request.room, "")
        turn = Turn(self._parts, record, speakers, new_id("play"))
        return await self._answered(turn, turn.announce(request.text))

    async def intent(self, request: AskIntent) -> Answer:
        """Do a sentence as if it had been said in that room."""
        speakers = list(self._satellites.in_room(request.room)) if request.speak else []
        if request.speak and not speakers:
            return Answer(ok=False, error=self._no_room(request.room))
        record = self._record("request", request.room, "")
        turn = Turn(self._parts, record, speakers, new_id("play"))
        return await self._answered(turn, turn.do(request.text, speak=request.speak))

    async def _answered(self, turn: Turn, story: Coroutine[None, None, None]) -> Answer:
        done = self._spawn(turn, story, "")
        if done is None:
            return Answer(ok=False, error=f"{TURNS_MAX} turns run already; ask again later")
        await asyncio.wait((done,))
        record = turn.record
        ok = record.outcome == "answered"
        return Answer(
            ok=ok,
            error="" if ok else f"{record.code}: {record.reply or record.trace.get('detail', '')}",
            turn=record.turn,
            intent=record.intent,
            slots=record.slots,
            reply=record.reply,
        )

    def _no_room(self, room: str) -> str:
        rooms = sorted({one.room for one in self._satellites.in_room("")})
        where = f"no satellite in room {room!r}" if room else "no satellite is here"
        return f"{where}; there are satellites in: {', '.join(rooms) or 'no room'}"

    # -- inside -----------------------------------------------------------------------------------

    def _record(self, cause: Cause, room: str, satellite: str) -> TurnRecord:
        return TurnRecord(
            turn=new_id("turn"),
            room=room,
            satellite=satellite,
            cause=cause,
            clock=self._clock,
            started_us=self._now_us(),
        )

    def _spawn(
        self, turn: Turn, story: Coroutine[None, None, None], satellite: str
    ) -> asyncio.Task[None] | None:
        if self._group is None or len(self._running) >= TURNS_MAX:
            story.close()
            self.counts["refused"] += 1
            return None
        self.counts["turns"] += 1
        self._running.add(turn)

        def forget(_: asyncio.Task[None]) -> None:
            self._running.discard(turn)
            if self._speaking.get(satellite) is turn:
                del self._speaking[satellite]

        task = self._group.create_task(story, name=turn.record.turn)
        task.add_done_callback(forget)
        return task
