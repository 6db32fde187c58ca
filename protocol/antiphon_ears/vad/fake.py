"""A voice-activity engine that ships for tests and trials: loud is speech, quiet is not."""

from array import array
from typing import Final

from antiphon_ears.vad.port import VadStream
from antiphon_ears.vad.stream import WindowedStream

_LOUD: Final = 328
"""Peak of a window that counts as speech: -40 dBFS."""


class FakeVadEngine:
    """See VadEngine: 1.0 for a window with a peak over -40 dBFS, else 0.0."""

    name = "fake"
    window_samples = 512

    def open(self) -> VadStream:
        """See VadEngine.open."""
        return WindowedStream(_Loudness(), self.window_samples)


class _Loudness:
    def probability(self, window: bytes) -> float:
        samples = array("h", window)
        return float(max(samples) > _LOUD or min(samples) < -_LOUD)

    def reset(self) -> None:
        """Nothing is kept from window to window."""
