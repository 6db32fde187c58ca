"""The wake-word port. Engines register under the entry point group `antiphon.wake`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class WakeDetection(msgspec.Struct, frozen=True, kw_only=True):
    """A wake phrase was heard."""

    phrase: str
    """As people say it: `hey mycroft`."""
    score: float
    """0..1; engines that only say yes give their threshold's fraction of the window."""
    end: int
    """Samples fed to the stream when the engine fired."""
    engine: str = ""
    """Of several that listen as one: which heard it, joined by `+`."""


class WakeStream(Protocol):
    """One stream's state. Not thread-safe; keep one per microphone."""

    thresholds: Mapping[str, float]
    """From which score each phrase counts."""

    def feed(self, pcm: bytes) -> Sequence[WakeDetection]:
        """Take signed 16-bit mono 16 kHz samples, any number; return what fired in them."""
        ...

    def scores(self, pcm: bytes) -> Sequence[tuple[int, Mapping[str, float]]]:
        """Take samples as `feed` does; return each window's scores (0..1), as they are.

        Each with the samples fed up to its end. For who judges them together with others'.
        """
        ...

    def reset(self) -> None:
        """Forget the audio so far and count samples from 0 again; cheap."""
        ...

    def peaks(self) -> Mapping[str, float]:
        """Return each phrase's highest score (0..1) since this was asked last; none: no news."""
        ...


class WakeEngine(Protocol):
    """A wake-word engine; models are loaded when a stream opens."""

    name: str
    phrases: tuple[str, ...]
    """Wake phrases that it has models for, as people say them."""

    def open(self, phrases: Sequence[str], threshold: float | None = None) -> WakeStream:
        """Listen for these phrases; a threshold of None is the engine's measured default.

        Raises:
            PhraseUnknownError: no model for one of them.
        """
        ...
