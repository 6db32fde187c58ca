"""Speakers without a device that keep real time: none at all, into WAV files, into memory."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from antiphon_protocol.audio import SAMPLE_BYTES
from antiphon_protocol.wav import write_wav
from antiphon_satellite.clock import now_us
from antiphon_satellite.errors import SoundDeviceError

LEAD_S: Final = 0.1
"""What a sound card's buffer would hold."""


class Sounded(msgspec.Struct, frozen=True, kw_only=True):
    """What a speaker was given for one sound."""

    sound: str
    rate_hz: int
    pcm: bytes
    drained: bool
    """It sounded to its end."""


class PacedOutput:
    """Takes samples as fast as a device at a multiple of real time would."""

    def __init__(self, rate_hz: int, speed: float) -> None:
        self._bytes_per_s = rate_hz * SAMPLE_BYTES * speed
        self._silent_at_s = 0.0
        self.pcm = bytearray()
        self.first_at_us = 0
        self.underruns = 0
        self.drained = False

    @property
    def ahead_us(self) -> int:
        """What is written and not yet played; see `Output`."""
        return round(1e6 * max(0.0, self._silent_at_s - asyncio.get_running_loop().time()))

    async def write(self, pcm: bytes) -> None:
        """Keep the samples; waits while more than 0.1 s is ahead."""
        now_s = asyncio.get_running_loop().time()
        if not self.first_at_us:
            self.first_at_us, self._silent_at_s = now_us(), now_s
        elif now_s > self._silent_at_s:
            self.underruns += 1
            self._silent_at_s = now_s
        self.pcm += pcm
        self._silent_at_s += len(pcm) / self._bytes_per_s
        await asyncio.sleep(max(0.0, self._silent_at_s - LEAD_S - now_s))

    async def drain(self) -> None:
        """Return when a device would have played the last sample."""
        await asyncio.sleep(max(0.0, self._silent_at_s - asyncio.get_running_loop().time()))
        self.drained = True


class PacedSpeaker:
    """Hands each sound, when it is over, to a function."""

    def __init__(
        self, name: str, sounded: Callable[[Sounded], None], *, speed: float = 1.0
    ) -> None:
        self.name = name
        self._sounded = sounded
        self._speed = speed

    async def check(self) -> None:
        """Nothing to check; see `Speaker`."""

    @asynccontextmanager
    async def open(self, sound: str, rate_hz: int) -> AsyncIterator[PacedOutput]:
        """Take one sound."""
        output = PacedOutput(rate_hz, self._speed)
        try:
            yield output
        finally:
            self._sounded(
                Sounded(sound=sound, rate_hz=rate_hz, pcm=bytes(output.pcm), drained=output.drained)
            )


def null_speaker(*, fast: bool = False) -> PacedSpeaker:
    """Return a speaker that nobody hears."""
    return PacedSpeaker("null", lambda _: None, speed=math.inf if fast else 1.0)


def wav_speaker(folder: Path, *, fast: bool = False) -> PacedSpeaker:
    """Return a speaker that writes each sound to `<folder>/<sound>.wav`.

    Raises:
        SoundDeviceError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SoundDeviceError(f"speaker wav:{folder}: cannot make the folder: {error}") from None

    def write(sounded: Sounded) -> None:
        (folder / f"{sounded.sound}.wav").write_bytes(write_wav(sounded.pcm, sounded.rate_hz))

    return PacedSpeaker(f"wav:{folder}", write, speed=math.inf if fast else 1.0)
