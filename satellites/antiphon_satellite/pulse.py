"""Lets many wait for the next change of something."""

import asyncio


class Pulse:
    """Beats when something changed; wakes all who wait then."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def beat(self) -> None:
        """Something changed."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self) -> None:
        """Return at the next beat."""
        await self._next.wait()
