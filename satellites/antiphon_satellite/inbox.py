"""What has happened and waits for the conductor."""

import asyncio
from collections import Counter
from typing import Final

from antiphon_protocol.messages.satellite import SatelliteCommand
from antiphon_satellite.listen.ear import Call
from antiphon_satellite.machine import Event
from antiphon_satellite.speak.changes import PlaybackChanged

INBOX_MAX: Final = 256
"""Things that wait; more are refused and counted. A hundred turns say less."""

Happening = Event | Call | PlaybackChanged | SatelliteCommand


class Inbox:
    """A bounded queue: anybody puts, one task takes."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Happening] = asyncio.Queue(INBOX_MAX)
        self.counts: Counter[str] = Counter()
        """refused."""

    def put(self, happening: Happening) -> None:
        """Leave something; full, it is refused and counted."""
        try:
            self._queue.put_nowait(happening)
        except asyncio.QueueFull:
            self.counts["refused"] += 1

    async def take(self, deadline_s: float | None) -> Happening:
        """Return what came next; TIME_OUT when nothing came until then (the loop's clock)."""
        try:
            async with asyncio.timeout_at(deadline_s):
                return await self._queue.get()
        except TimeoutError:
            return Event.TIME_OUT
