"""When scores become a detection. Pure: time is counted in samples of the stream."""

from collections.abc import Mapping
from typing import Final

from antiphon_ears.wake.port import WakeDetection

REFRACTORY_SAMPLES: Final = 24_000
"""1.5 s at 16 kHz: one call is one detection, though it may excite several models for a while."""


class Trigger:
    """Fires when a phrase's score is over its threshold, then rests."""

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self._thresholds = dict(thresholds)
        self._rests_until = 0

    def judge(self, scores: Mapping[str, float], end: int) -> WakeDetection | None:
        """Return what fired at `end`: of several phrases the one furthest over its threshold."""
        if end < self._rests_until:
            return None
        over = {p: s - self._thresholds[p] for p, s in scores.items() if s > self._thresholds[p]}
        if not over:
            return None
        phrase = max(over, key=over.__getitem__)
        self._rests_until = end + REFRACTORY_SAMPLES
        return WakeDetection(phrase=phrase, score=min(1.0, scores[phrase]), end=end)

    def reset(self) -> None:
        """Be ready at once; the stream begins again at sample 0."""
        self._rests_until = 0
