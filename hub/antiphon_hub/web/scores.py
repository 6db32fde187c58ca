"""Live scores of wake engines: asked for while somebody looks, by a lease that ends by itself."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from antiphon_protocol.messages.config import WakeScores
from antiphon_protocol.messages.satellite import ShowScores

LEASE_S: Final = 10.0
RENEW_S: Final = 5.0
NEWS_S: Final = 2.0
"""An answer waits at most so long for something new."""
KEPT: Final = 16
"""Messages that are kept for one who asks late: three seconds of them; policy: drop the oldest."""
LOOKED_AT_MAX: Final = 64
"""Satellites that are looked at; policy: forget the one that was asked for longest ago."""


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """What a satellite's engines made of a fifth of a second."""

    number: int
    """Counted from 1."""
    scores: WakeScores


class _Watched:
    def __init__(self) -> None:
        self.asked_s = float("-inf")
        self.count = 0
        self.kept: deque[Scored] = deque(maxlen=KEPT)
        self.news = asyncio.Event()


class Scores:
    """Which satellites are looked at, and what they show."""

    def __init__(self, ask: Callable[[str, ShowScores], None]) -> None:
        """`ask` tells a satellite to show its scores; it returns at once."""
        self._ask = ask
        self._watched: dict[str, _Watched] = {}

    def told(self, satellite: str, scores: WakeScores) -> None:
        """Take in what a satellite shows; of one that nobody looks at it is dropped."""
        watched = self._watched.get(satellite)
        if watched is None:
            return
        watched.count += 1
        watched.kept.append(Scored(number=watched.count, scores=scores))
        watched.news.set()

    async def after(self, satellite: str, number: int) -> list[Scored]:
        """Return what came behind that number; none: nothing within NEWS_S."""
        watched = self._look_at(satellite)
        if number > watched.count:
            number = 0  # of the life before the hub's restart
        try:
            async with asyncio.timeout(NEWS_S):
                while watched.count <= number:
                    watched.news.clear()
                    await watched.news.wait()
        except TimeoutError:
            return []
        return [one for one in watched.kept if one.number > number]

    def _look_at(self, satellite: str) -> _Watched:
        now_s = time.monotonic()
        watched = self._watched.pop(satellite, None) or _Watched()
        self._watched[satellite] = watched
        if now_s - watched.asked_s >= RENEW_S:
            watched.asked_s = now_s
            self._ask(satellite, ShowScores(lease_s=LEASE_S))
        if len(self._watched) > LOOKED_AT_MAX:
            del self._watched[next(iter(self._watched))]
        return watched
