"""What all voice-activity streams share: windows in, one probability each out."""

from collections.abc import Sequence
from typing import Protocol

from antiphon_ears.windows import Windows


class Detector(Protocol):
    """A model with the state of one stream."""

    def probability(self, window: bytes) -> float:
        """Return the speech probability (0..1) of one more window."""
        ...

    def reset(self) -> None:
        """Forget the audio so far."""
        ...


class WindowedStream:
    """A voice-activity stream over a detector."""

    def __init__(self, detector: Detector, window_samples: int) -> None:
        self._detector = detector
        self._windows = Windows(window_samples)

    def feed(self, pcm: bytes) -> Sequence[float]:
        """See VadStream.feed."""
        return [self._detector.probability(window) for window in self._windows.take(pcm)]

    def reset(self) -> None:
        """See VadStream.reset."""
        self._detector.reset()
        self._windows.clear()
