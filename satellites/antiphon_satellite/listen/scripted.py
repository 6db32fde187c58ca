"""A microphone that hears what a program gives it, and silence otherwise."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

import msgspec

from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.limits import WAV_SECONDS_MAX
from antiphon_satellite.clock import now_us
from antiphon_satellite.errors import ScriptFullError
from antiphon_satellite.listen.microphone import FRAME_US, PcmFrame
from antiphon_satellite.pace import Pacer

_SILENCE = bytes(FRAME_BYTES)
SCRIPT_BYTES_MAX: Final = int(WAV_SECONDS_MAX * SAMPLE_RATE_HZ) * SAMPLE_BYTES


class _Line(msgspec.Struct):
    pcm: bytes
    said: asyncio.Event
    position: int = 0


class ScriptedMicrophone:
    """Hears each thing that is said into it, in order, at a multiple of real time."""

    name = "scripted"
    dropped = 0

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._lines: deque[_Line] = deque()

    async def say(self, pcm: bytes) -> None:
        """Return once these 16 kHz mono 16-bit samples were heard to the end.

        Raises:
            ScriptFullError: more than ten minutes wait to be heard (policy: reject).
        """
        if sum(len(line.pcm) for line in self._lines) + len(pcm) > SCRIPT_BYTES_MAX:
            raise ScriptFullError(
                f"at most {WAV_SECONDS_MAX:g} s of audio can wait to be heard; say less at a time"
            )
        line = _Line(pcm, asyncio.Event())
        self._lines.append(line)
        await line.said.wait()

    async def frames(self) -> AsyncGenerator[PcmFrame, None]:
        """Yield what is said, and silence between, until closed."""
        pacer, sent = Pacer(self._speed), 0
        while True:
            await pacer.until(sent * FRAME_SAMPLES)
            sent += 1
            yield PcmFrame(self._next(), now_us() - FRAME_US)

    def _next(self) -> bytes:
        if not self._lines:
            return _SILENCE
        line = self._lines[0]
        frame = line.pcm[line.position : line.position + FRAME_BYTES]
        line.position += FRAME_BYTES
        if line.position >= len(line.pcm):
            self._lines.popleft()
            line.said.set()
        return frame.ljust(FRAME_BYTES, b"\0")
