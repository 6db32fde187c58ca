"""The turns that run: each a task, with the turns in which its questions are answered."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Final, Literal

from antiphon_hub.turns.following import FOLLOW_UPS_MAX, follow_up, listen_s
from antiphon_hub.turns.ports import Satellite
from antiphon_hub.turns.record import Spoken, TurnRecord
from antiphon_hub.turns.turn import Parts, Turn
from antiphon_protocol.ids import new_id

TURNS_MAX: Final = 256
"""Turns at a time; policy: reject and count. A large house speaks with twenty voices at once."""

Cause = Literal["phrase", "button", "voice", "follow-up", "request"]


class Lives:
    """Holds the turns' tasks; `run` until cancelled."""

    def __init__(
        self,
        parts: Parts,
        counts: Counter[str],
        *,
        ended: Callable[[Turn], None],
        silent: Callable[[str], None],
        now_us: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        """Hold turns made of these parts.

        Args:
            parts: What every turn uses.
            counts: Where turns and refused ones are counted.
            ended: Called once for each turn that was begun by a spawn, when it has ended.
            silent: Called with a satellite's id when no turn of its runs any more.
            now_us: The wall clock, microseconds since 1970.
            clock: Monotonic, seconds.
        """
        self._parts = parts
        self._counts = counts
        self._ended = ended
        self._silent = silent
        self._now_us = now_us
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None
        self._running: set[Turn] = set()
        self.speaking: dict[str, Turn] = {}
        """The turn that each satellite is in."""

    def __len__(self) -> int:
        return len(self._running)

    async def run(self) -> None:
        """Hold the tasks until cancelled; then cancel them, each telling its satellite."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    def record(
        self, cause: Cause, room: str, satellite: str, turn: str | None = None
    ) -> TurnRecord:
        """Return the record of a turn that begins now."""
        return TurnRecord(
            turn=turn or new_id("turn"),
            room=room,
            satellite=satellite,
            cause=cause,
            clock=self._clock,
            started_us=self._now_us(),
        )

    def spoken(self, turn: str) -> Spoken | None:
        """Return where the voice is that spoke to a turn of that id, while it runs."""
        records = (one.record for one in self.speaking.values())
        return next((one.spoken for one in records if one.turn == turn), None)

    def begin(
        self, turn: Turn, story: Coroutine[None, None, None], listener: Satellite | None
    ) -> asyncio.Task[Turn] | None:
        """Run a turn's story, and what follows to its questions where a satellite can listen.

        Returns:
            A task that gives the last turn, or None where too many run already.
        """
        if self._group is None or len(self._running) >= TURNS_MAX:
            story.close()
            self._counts["refused"] += 1
            return None
        self._running.add(turn)
        turns = [turn]

        def forget(_: asyncio.Task[Turn]) -> None:
            story.close()  # of a task that was cancelled before its first step
            self._over(turn)
            self._running.discard(turn)
            mine = [one for one, running in self.speaking.items() if running in turns]
            for satellite in mine:
                del self.speaking[satellite]
                self._silent(satellite)

        live = self._live(turns, story, listener)
        task = self._group.create_task(live, name=turn.record.turn)
        task.add_done_callback(forget)
        return task

    async def _live(
        self, turns: list[Turn], story: Coroutine[None, None, None], listener: Satellite | None
    ) -> Turn:
        self._counts["turns"] += 1
        await story
        self._over(turns[0])
        while listener is not None and len(turns) <= FOLLOW_UPS_MAX:
            asked = turns[-1].asks
            if asked is None or self.speaking.get(listener.id, turns[-1]) not in turns:
                break
            record = self.record("follow-up", listener.room, listener.id)
            record.trace["follows"] = turns[-1].record.turn
            called_dbfs = turns[-1].called_dbfs
            call = follow_up(asked.question, asked.grammar, record.turn, listener.id, called_dbfs)
            turns.append(Turn(self._parts, record, (listener,), new_id("play")))
            self.speaking[listener.id] = turns[-1]
            self._counts["turns"] += 1
            await turns[-1].answer(call, listen_s(asked.question))
        return turns[-1]

    def _over(self, turn: Turn) -> None:
        if not turn.over.is_set():
            turn.over.set()
            self._ended(turn)
