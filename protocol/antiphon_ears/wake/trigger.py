"""When scores become a detection. Pure: time is counted in samples of the stream."""

from collections.abc import Mapping, Sequence
from typing import Final

from antiphon_ears.wake.port import WakeDetection

REFRACTORY_SAMPLES: Final = 24_000
"""1.5 s at 16 kHz: one call is one detection, though it may excite several models for a while."""
TOGETHER_SAMPLES: Final = 8_000
"""Half a second: engines are of different quickness, and hear one call at most so far apart."""


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


class JointTrigger:
    """Fires when one engine is sure, or two agree that are not; then rests."""

    def __init__(self, thresholds: Sequence[Mapping[str, float]], together: float) -> None:
        """Begin.

        Args:
            thresholds: From which score on each phrase counts alone, by engine; 1: never, whatever
                the others say.
            together: From which on it counts where another engine has as much.
        """
        self._thresholds = tuple(thresholds)
        self._together = together
        self._last: dict[tuple[int, str], int] = {}
        """Where each engine had each phrase over the lower threshold last."""
        self._rests_until = 0

    def judge(
        self, engine: int, scores: Mapping[str, float], end: int
    ) -> tuple[WakeDetection, tuple[int, ...]] | None:
        """Return what fired at `end`, and the engines that heard it.

        Args:
            engine: Whose scores they are, by its place among the thresholds.
            scores: By phrase, 0..1.
            end: Samples of the stream so far; never less than before.
        """
        for phrase, score in scores.items():
            if score > self._together:
                self._last[engine, phrase] = end
        if end < self._rests_until:
            return None
        over = {
            phrase: score - need
            for phrase, score in scores.items()
            if score > (need := self._needed(engine, phrase, end))
        }
        if not over:
            return None
        phrase = max(over, key=over.__getitem__)
        self._rests_until = end + REFRACTORY_SAMPLES
        found = WakeDetection(phrase=phrase, score=min(1.0, scores[phrase]), end=end)
        return found, tuple(sorted((engine, *self._others(engine, phrase, end))))

    def reset(self) -> None:
        """Be ready at once; the stream begins again at sample 0."""
        self._rests_until = 0
        self._last.clear()

    def _needed(self, engine: int, phrase: str, end: int) -> float:
        alone = self._thresholds[engine][phrase]
        if alone < 1.0 and self._others(engine, phrase, end):
            return min(alone, self._together)
        return alone

    def _others(self, engine: int, phrase: str, end: int) -> list[int]:
        """Return the other engines that have just had that phrase over the lower threshold."""
        return [
            other
            for (other, heard), at in self._last.items()
            if heard == phrase and other != engine and end - at <= TOGETHER_SAMPLES
        ]
