"""Brings an engine's samples to the rate that a satellite plays."""

from typing import Any

import numpy as np
import soxr

from antiphon_protocol.audio import SAMPLE_BYTES


class Resampler:
    """One sentence's way from one rate to another; blocks for microseconds. Not thread-safe."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        same = from_hz == to_hz
        self._stream: Any = (
            None if same else soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="HQ")
        )
        self._half = b""

    def feed(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Take signed 16-bit samples, any number of bytes; return those that are ready."""
        data = self._half + pcm
        whole = len(data) - len(data) % SAMPLE_BYTES
        self._half = data[whole:]
        if self._stream is None:
            return data[:whole]
        samples = np.frombuffer(data[:whole], dtype="<i2")
        ready: np.ndarray[Any, np.dtype[np.int16]] = self._stream.resample_chunk(samples, last=last)
        return ready.tobytes()
