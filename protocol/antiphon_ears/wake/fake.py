"""A wake engine that ships for tests and trials: fires as scripted, or on a marker tone."""

import math
from array import array
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from antiphon_ears.wake.port import WakeStream
from antiphon_ears.wake.stream import ScoredStream, thresholds_for
from antiphon_protocol.audio import SAMPLE_RATE_HZ

MARKER_HZ: Final = 3000.0
"""A pure tone there is the wake word; speech never is one."""
_WINDOW_SAMPLES: Final = 160
_MEAN_OF: Final = 10
_QUIET: Final = 1e-4
"""Mean square below which a window counts as silence, of full scale 1: -40 dBFS."""


def marker(seconds: float = 0.3) -> bytes:
    """Return PCM that the fake engine hears as the wake phrase: 16 kHz mono signed 16-bit."""
    step = 2 * math.pi * MARKER_HZ / SAMPLE_RATE_HZ
    count = int(seconds * SAMPLE_RATE_HZ)
    return array("h", [int(8000 * math.sin(step * n)) for n in range(count)]).tobytes()


class FakeWakeEngine:
    """Fires on `marker()`, or at the samples in `at` (rounded up to 10 ms), as the first phrase."""

    name = "fake"

    def __init__(
        self, at: Sequence[int] = (), phrases: Sequence[str] = ("hey mycroft", "okay nabu")
    ) -> None:
        self.phrases = tuple(phrases)
        self._at = tuple(at)

    def open(self, phrases: Sequence[str], threshold: float | None = None) -> WakeStream:
        """See WakeEngine.open."""
        known = dict.fromkeys(self.phrases, 0.5)
        thresholds = thresholds_for(self.name, phrases, known, threshold)
        scorer = _Scripted(self._at, phrases[0]) if self._at else _Tone(phrases[0])
        return ScoredStream(scorer, thresholds)


class _Tone:
    window_samples = _WINDOW_SAMPLES

    def __init__(self, phrase: str) -> None:
        self._phrase = phrase
        self._shares: deque[float] = deque([0.0] * _MEAN_OF, maxlen=_MEAN_OF)

    def score(self, window: bytes) -> Mapping[str, float]:
        self._shares.append(_tone_share(window))
        return {self._phrase: sum(self._shares) / _MEAN_OF}

    def reset(self) -> None:
        self._shares.extend([0.0] * _MEAN_OF)


class _Scripted:
    window_samples = _WINDOW_SAMPLES

    def __init__(self, at: Sequence[int], phrase: str) -> None:
        self._at = at
        self._phrase = phrase
        self._samples = 0

    def score(self, window: bytes) -> Mapping[str, float]:
        begin, self._samples = self._samples, self._samples + len(window) // 2
        due = any(begin < position <= self._samples for position in self._at)
        return {self._phrase: float(due)}

    def reset(self) -> None:
        self._samples = 0


def _tone_share(window: bytes) -> float:
    """Return the share (0..1) of a window's power that is at MARKER_HZ (Goertzel 1958)."""
    samples = [sample / 32768 for sample in array("h", window)]
    power = sum(sample * sample for sample in samples)
    if power < _QUIET * len(samples):
        return 0.0
    turn = 2 * math.cos(2 * math.pi * MARKER_HZ / SAMPLE_RATE_HZ)
    last, before = 0.0, 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    at_tone = last * last + before * before - turn * last * before
    return min(1.0, 2 * at_tone / len(samples) / power)
