"""All that is set: kept on disk first, then told as facts."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from antiphon_hub.errors import TimersError
from antiphon_hub.publisher import Publisher
from antiphon_hub.timers.model import (
    ENTRIES_MAX,
    Entry,
    again,
    microseconds,
    ringing,
    shifted,
    shown,
)
from antiphon_hub.timers.store import Store
from antiphon_protocol.messages.timer import (
    TimerChanged,
    TimerEnd,
    TimerEnded,
    TimerRinging,
    TimerStarted,
)

FULL: Final = "Sorry, that is one too many. Cancel another one first."


class Timers:
    """Timers, alarms and reminders. Changes are made one after the other."""

    def __init__(self, store: Store, publisher: Publisher, now: Callable[[], datetime]) -> None:
        """Prepare; `load` brings back what was set.

        Args:
            store: Where they are kept.
            publisher: Where facts go.
            now: Tells the time, with the home's zone.
        """
        self._store = store
        self._publisher = publisher
        self._now = now
        self._entries: dict[str, Entry] = {}
        self._changing = asyncio.Lock()
        self._fresh: set[str] = set()
        self._moved: Callable[[], None] = lambda: None

    def on_moved(self, moved: Callable[[], None]) -> None:
        """Call this after each change."""
        self._moved = moved

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them."""
        return tuple(self._entries.values())

    @property
    def now(self) -> datetime:
        """The time, with the home's zone."""
        return self._now()

    @property
    def now_us(self) -> int:
        """The time, microseconds since 1970."""
        return microseconds(self._now())

    def get(self, entry_id: str) -> Entry | None:
        """Return the one of that id."""
        return self._entries.get(entry_id)

    def restored(self, entry_id: str) -> bool:
        """Tell whether it was set before this run of the hub, and has not been changed since."""
        return entry_id not in self._fresh

    async def load(self) -> None:
        """Bring back what was set.

        Raises:
            StorageError: it cannot be read.
        """
        self._entries = {one.id: one for one in await self._store.load()}

    async def start(self, entry: Entry) -> None:
        """Set it; one that is set already under its id stays as it is.

        Raises:
            TimersError: there are too many.
            StorageError: it cannot be kept; then it is not set.
        """
        async with self._changing:
            if entry.id in self._entries:
                return
            if len(self._entries) >= ENTRIES_MAX:
                raise TimersError(FULL)
            await self._keep(entry)
        self._publisher.publish(TimerStarted(timer=shown(entry, self._now())))

    async def change(self, entry_id: str, how: Callable[[Entry], Entry], turn: str = "") -> None:
        """Change it; nothing happens if it is gone, or if that turn changed it already.

        Raises:
            StorageError: it cannot be kept; then it stays as it was.
        """
        async with self._changing:
            before = self._entries.get(entry_id)
            if before is None or (turn and before.touched == turn):
                return
            after = msgspec.structs.replace(how(before), touched=turn)
            await self._keep(after)
        self._publisher.publish(TimerChanged(timer=shown(after, self._now())))

    async def ring(self, entry_id: str) -> None:
        """It is due.

        Raises:
            StorageError: it cannot be kept.
        """
        async with self._changing:
            before = self._entries.get(entry_id)
            if before is None or before.state != "running":
                return
            entry = ringing(before)
            await self._keep(entry)
        self._publisher.publish(TimerRinging(timer=shown(entry, self._now())))

    async def end(self, entry_id: str, reason: TimerEnd) -> None:
        """It is over; an alarm with weekdays is set for its next day, unless it was cancelled.

        One that was missed stays until somebody has been told: `forget` it then.

        Raises:
            StorageError: it cannot be kept.
        """
        async with self._changing:
            entry = self._entries.get(entry_id)
            if entry is None or entry.state == "missed":
                return
            following = None if reason == "cancelled" else again(entry, self._now())
            await self._leave(entry, following, reason)
        now = self._now()
        self._publisher.publish(TimerEnded(timer=shown(entry, now), reason=reason))
        if following is not None:
            self._publisher.publish(TimerChanged(timer=shown(following, now)))

    async def forget(self, entry_id: str) -> None:
        """Somebody knows of it now.

        Raises:
            StorageError: it cannot be forgotten.
        """
        async with self._changing:
            await self._drop(entry_id)

    async def shift(self, by_us: int) -> None:
        """The wall clock was set forward by so much: what was set for a length rings no later.

        What was kept from before this run stays: it was written by a clock that was right.

        Raises:
            StorageError: it cannot be kept.
        """
        async with self._changing:
            lengths = [
                shifted(one, by_us)
                for one in self._entries.values()
                if one.id in self._fresh
                and one.state == "running"
                and (one.at_minute is None or one.snoozed)
            ]
            await self._keep(*lengths)

    # -- inside -----------------------------------------------------------------------------------

    async def _leave(self, entry: Entry, following: Entry | None, reason: TimerEnd) -> None:
        untold = msgspec.structs.replace(entry, state="missed") if reason == "missed" else None
        if untold is not None and following is not None:
            untold = msgspec.structs.replace(untold, id=f"{entry.id}-{entry.due_us}", days=())
        kept = [one for one in (untold, following) if one is not None]
        if not kept:
            await self._drop(entry.id)
            return
        await self._keep(*kept)

    async def _keep(self, *entries: Entry) -> None:
        if not entries:
            return
        await self._store.put(*entries)
        for entry in entries:
            self._entries[entry.id] = entry
            self._fresh.add(entry.id)
        self._moved()

    async def _drop(self, entry_id: str) -> None:
        await self._store.drop(entry_id)
        self._entries.pop(entry_id, None)
        self._fresh.discard(entry_id)
        self._moved()
