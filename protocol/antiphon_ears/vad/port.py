"""The voice-activity port. Engines register under the entry point group `antiphon.vad`."""

from collections.abc import Sequence
from typing import Protocol


class VadStream(Protocol):
    """One stream's state. Not thread-safe."""

    def feed(self, pcm: bytes) -> Sequence[float]:
        """Take signed 16-bit mono 16 kHz samples, any number.

        Returns the speech probability (0..1) of each window of `window_samples` that became whole.
        """
        ...

    def reset(self) -> None:
        """Forget the audio so far; cheap."""
        ...


class VadEngine(Protocol):
    """A voice-activity engine."""

    name: str
    window_samples: int

    def open(self) -> VadStream:
        """Begin a stream."""
        ...
