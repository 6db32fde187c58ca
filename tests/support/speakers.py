"""Simulated speakers with clocks of their own: when did which sample really sound?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import numpy as np

from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

MARK_SAMPLES = 16
"""The content tells its own position once a millisecond."""
LEAD_S = 0.1
REPORT_NOISE_S = 0.002
"""How well a sound card knows what it still holds."""


def marked(seconds: float) -> bytes:
    """Return samples that each tell their millisecond: no two of them are alike, none is 0."""
    numbers = 1 + np.arange(round(seconds * SAMPLE_RATE_HZ)) // MARK_SAMPLES
    return numbers.astype("<u2").tobytes()


class Crystal:
    """A clock that runs a little wrong."""

    def __init__(self, random: Random, drift: float) -> None:
        self._offset_us = random.randrange(10**15)
        self.skew = random.uniform(-drift, drift)

    def now_us(self) -> int:
        return self._offset_us + round(1e6 * (1 + self.skew) * asyncio.get_running_loop().time())


class SimulatedSpeaker:
    """A speaker port: its sound card has one crystal, its computer another."""

    name = "simulated"

    def __init__(self, clock: Crystal, random: Random, drift: float) -> None:
        self._clock = clock
        self._random = random
        self._rate_hz = SAMPLE_RATE_HZ * (1 + random.uniform(-drift, drift))
        self.heard_at_s: dict[int, float] = {}
        """True time at which each millisecond of the content sounded."""

    async def check(self) -> None:
        """It is there."""

    @asynccontextmanager
    async def open(self, sound: str, rate_hz: int) -> AsyncIterator["SimulatedSpeaker"]:
        del sound, rate_hz
        self._silent_at_s = asyncio.get_running_loop().time()
        self.first_at_us = 0
        self.underruns = 0
        yield self

    @property
    def ahead_us(self) -> int:
        ahead_s = max(0.0, self._silent_at_s - asyncio.get_running_loop().time())
        ahead_s += self._random.uniform(-REPORT_NOISE_S, REPORT_NOISE_S)
        return round(1e6 * (1 + self._clock.skew) * ahead_s)

    async def write(self, pcm: bytes) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() > self._silent_at_s:
            self.underruns += bool(self.first_at_us)
            self._silent_at_s = loop.time()
        self.first_at_us = self.first_at_us or self._clock.now_us()
        samples = np.frombuffer(pcm, "<u2")
        marks, places = np.unique(samples, return_index=True)
        for mark, place in zip(marks.tolist(), places.tolist(), strict=True):
            if mark:
                self.heard_at_s.setdefault(mark, self._silent_at_s + place / self._rate_hz)
        self._silent_at_s += len(pcm) / SAMPLE_BYTES / self._rate_hz
        await asyncio.sleep(max(0.0, self._silent_at_s - LEAD_S - loop.time()))

    async def drain(self) -> None:
        await asyncio.sleep(max(0.0, self._silent_at_s - asyncio.get_running_loop().time()))
