"""Setting and changing timers: the one door for voices and requests."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from antiphon_hub.errors import TimersError
from antiphon_hub.timers.finding import Wanted, fitting, meant
from antiphon_hub.timers.model import (
    LENGTH_S_MAX,
    SECOND_US,
    SNOOZE_S,
    Entry,
    lengthened,
    microseconds,
    paused,
    resumed,
    snoozed,
)
from antiphon_hub.timers.timers import Timers
from antiphon_protocol.messages.timer import TimerKind


class Desk:
    """Where timers are set and changed.

    What changes something raises StorageError when it cannot be kept; then nothing has changed.
    """

    def __init__(self, timers: Timers, same_room: Callable[[str, str], bool]) -> None:
        self._timers = timers
        self.same_room = same_room

    @property
    def now_us(self) -> int:
        """The time, microseconds since 1970."""
        return self._timers.now_us

    @property
    def now(self) -> datetime:
        """The time, with the home's zone."""
        return self._timers.now

    def all(self, wanted: Wanted) -> list[Entry]:
        """Return all that fit."""
        return fitting(self._timers.entries, wanted, self.same_room)

    def meant(self, wanted: Wanted, room: str) -> list[Entry]:
        """Return what somebody in that room means by one: one, none, or several to choose from."""
        return meant(self._timers.entries, wanted, room, self.same_room)

    def get(self, entry_id: str) -> Entry | None:
        """Return it as it is now."""
        return self._timers.get(entry_id)

    async def start(
        self,
        kind: TimerKind,
        key: str,
        *,
        length_s: float = 0.0,
        due: datetime | None = None,
        at_minute: int | None = None,
        days: tuple[int, ...] = (),
        room: str = "",
        name: str = "",
        text: str = "",
    ) -> Entry:
        """Set something to ring, and return it.

        Args:
            kind: What it is.
            key: Who asks, and for what: the same key sets it once.
            length_s: Ring after so long, seconds; or
            due: ring then, when the clock shows
            at_minute: this many minutes since midnight,
            days: on these weekdays every week.
            room: Where; empty: everywhere.
            name: What it is called.
            text: What it reminds of.

        Raises:
            TimersError: it is too short, too long, or one too many.
        """
        if due is None and not 0 < length_s <= LENGTH_S_MAX:
            raise TimersError("Sorry, a timer takes from one second to seven days.")
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        due_us = microseconds(due) if due else self.now_us + round(length_s * SECOND_US)
        entry = Entry(
            id=f"{kind}-{digest}",
            kind=kind,
            due_us=due_us,
            room=room,
            name=name,
            text=text,
            length_s=length_s,
            at_minute=at_minute,
            days=days,
        )
        await self._timers.start(entry)
        return entry

    async def end(self, entry: Entry) -> None:
        """Cancel it, or stop it if it rings."""
        await self._timers.end(entry.id, "stopped" if entry.state == "ringing" else "cancelled")

    async def pause(self, entry: Entry, turn: str = "") -> Entry:
        """Let it stand still."""
        return await self._change(entry, lambda one: paused(one, self.now_us), turn)

    async def resume(self, entry: Entry, turn: str = "") -> Entry:
        """Let it run on."""
        return await self._change(entry, lambda one: resumed(one, self.now_us), turn)

    async def lengthen(self, entry: Entry, by_s: float, turn: str = "") -> Entry:
        """Give it more time, or less."""
        return await self._change(entry, lambda one: lengthened(one, by_s, self.now_us), turn)

    async def snooze(self, entry: Entry, for_s: float = 0.0, turn: str = "") -> Entry:
        """Let it be silent and ring again; nine minutes if no length is given."""
        for_s = min(for_s or SNOOZE_S, LENGTH_S_MAX)
        return await self._change(entry, lambda one: snoozed(one, for_s, self.now_us), turn)

    async def _change(self, entry: Entry, how: Callable[[Entry], Entry], turn: str) -> Entry:
        await self._timers.change(entry.id, how, turn)
        return self._timers.get(entry.id) or entry
