"""Real time, faster, or as fast as possible: how simulated sound devices keep time."""

import asyncio
import math

from antiphon_protocol.audio import SAMPLE_RATE_HZ


class Pacer:
    """Holds a loop to audio time, counted from the first call."""

    def __init__(self, speed: float) -> None:
        """Keep time at this many times real time; infinity: never wait."""
        self._speed = speed
        self._began_s: float | None = None

    async def until(self, samples: int, rate_hz: int = SAMPLE_RATE_HZ) -> None:
        """Return once that many samples have passed since the first call."""
        now_s = asyncio.get_running_loop().time()
        if self._began_s is None:
            self._began_s = now_s
        due_s = self._began_s + (
            0.0 if math.isinf(self._speed) else samples / rate_hz / self._speed
        )
        await asyncio.sleep(max(0.0, due_s - now_s))
