"""How the satellite is: counters for the house, a heartbeat for the service manager."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from antiphon_link.program import ServiceManager
from antiphon_protocol.messages.satellite import Counters
from antiphon_satellite.link import House

COUNT_EVERY_S: Final = 30.0

Counts = Callable[[], Mapping[str, int]]


class Health:
    """Collects each part's counters, and knows whether sound comes in."""

    def __init__(self, house: House, noise_dbfs: Callable[[], float]) -> None:
        self._house = house
        self._noise_dbfs = noise_dbfs
        self._sources: list[tuple[str, Counts]] = []
        self._frames = 0
        self._manager = ServiceManager()

    def watch(self, part: str, counts: Counts) -> None:
        """Report a part's counters as `<part>.<counter>`."""
        self._sources.append((part, counts))

    def heard_frame(self) -> None:
        """A microphone frame came."""
        self._frames += 1

    async def run(self) -> None:
        """Report until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._report(), name="counters")
            if self._manager.watchdog_s is not None:
                group.create_task(self._feed_watchdog(self._manager.watchdog_s), name="watchdog")

    def ready(self, status: str) -> None:
        """Tell the service manager that sound comes in."""
        self._manager.ready(status)

    def stopping(self) -> None:
        """Tell the service manager that we end."""
        self._manager.stopping()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY_S)
            counts = {
                f"{part}.{name}": count
                for part, source in self._sources
                for name, count in source().items()
            }
            self._house.tell(Counters(counts=counts, noise_dbfs=min(0.0, self._noise_dbfs())))

    async def _feed_watchdog(self, every_s: float) -> None:
        # A satellite whose microphone is stuck looks alive from outside: only frames count.
        fed_at = -1
        while True:
            if self._frames != fed_at:
                fed_at = self._frames
                self._manager.alive()
            await asyncio.sleep(every_s)
