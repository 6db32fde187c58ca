"""A microphone that hears WAV files, and silence after them."""

import math
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES
from antiphon_protocol.wav import read_wav
from antiphon_satellite.clock import now_us
from antiphon_satellite.listen.microphone import FRAME_US, PcmFrame
from antiphon_satellite.pace import Pacer

_SILENCE = bytes(FRAME_BYTES)


class WavMicrophone:
    """Plays files one after the other, in real time or as fast as they are read."""

    dropped = 0

    def __init__(self, paths: Sequence[Path], *, fast: bool, then_silence: bool) -> None:
        """Read the files.

        Raises:
            WavError: one of them is not what a satellite would record.
        """
        self.name = "wav:" + ",".join(map(str, paths))
        self._pcm = b"".join(map(_whole_frames, map(read_wav, paths)))
        self._speed = math.inf if fast else 1.0
        self._then_silence = then_silence

    async def frames(self) -> AsyncGenerator[PcmFrame, None]:
        """Yield the files' frames, then silence in real time for ever, if that is wanted."""
        pacer = Pacer(self._speed)
        for sent, start in enumerate(range(0, len(self._pcm), FRAME_BYTES)):
            await pacer.until(sent * FRAME_SAMPLES)
            yield PcmFrame(self._pcm[start : start + FRAME_BYTES], now_us() - FRAME_US)
        if not self._then_silence:
            return
        # Silence as fast as possible would only burn the processor.
        pacer, sent = Pacer(1.0), 0
        while True:
            sent += 1
            await pacer.until(sent * FRAME_SAMPLES)
            yield PcmFrame(_SILENCE, now_us() - FRAME_US)


def _whole_frames(pcm: bytes) -> bytes:
    return pcm + bytes(-len(pcm) % FRAME_BYTES)
