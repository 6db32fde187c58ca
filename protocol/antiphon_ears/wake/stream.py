"""What all wake streams share: windows in, scores from a model, detections out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from antiphon_ears.errors import PhraseUnknownError
from antiphon_ears.wake.port import WakeDetection
from antiphon_ears.wake.trigger import Trigger
from antiphon_ears.windows import Windows


class Scorer(Protocol):
    """A model with the state of one stream."""

    window_samples: int

    def score(self, window: bytes) -> Mapping[str, float]:
        """Return each phrase's score (0..1) after one more window; empty when there is no news."""
        ...

    def reset(self) -> None:
        """Forget the audio so far."""
        ...


class ScoredStream:
    """A wake stream over a scorer: `end` is exact to the window, however the audio is chunked."""

    def __init__(self, scorer: Scorer, thresholds: Mapping[str, float]) -> None:
        self.thresholds = thresholds
        self._scorer = scorer
        self._peaks: dict[str, float] = {}
        self._trigger = Trigger(thresholds)
        self._windows = Windows(scorer.window_samples)
        self._samples = 0

    def feed(self, pcm: bytes) -> Sequence[WakeDetection]:
        """See WakeStream.feed."""
        judged = (self._trigger.judge(scores, end) for end, scores in self.scores(pcm))
        return [detection for detection in judged if detection]

    def scores(self, pcm: bytes) -> Sequence[tuple[int, Mapping[str, float]]]:
        """See WakeStream.scores."""
        told = []
        for window in self._windows.take(pcm):
            self._samples += self._scorer.window_samples
            scores = self._scorer.score(window)
            for phrase, score in scores.items():
                self._peaks[phrase] = max(score, self._peaks.get(phrase, 0.0))
            told.append((self._samples, scores))
        return told

    def reset(self) -> None:
        """See WakeStream.reset."""
        self._scorer.reset()
        self._trigger.reset()
        self._windows.clear()
        self._samples = 0

    def peaks(self) -> Mapping[str, float]:
        """See WakeStream.peaks."""
        peaks = {phrase: min(1.0, score) for phrase, score in self._peaks.items()}
        self._peaks.clear()
        return peaks


def thresholds_for(
    engine: str, phrases: Iterable[str], known: Mapping[str, float], threshold: float | None
) -> dict[str, float]:
    """Return each phrase's threshold: the given one, else the engine's own.

    Raises:
        PhraseUnknownError: the engine does not know a phrase, or none was given.
    """
    wanted = tuple(phrases)
    unknown = [phrase for phrase in wanted if phrase not in known]
    if unknown or not wanted:
        asked = ", ".join(map(repr, unknown)) or "no phrase at all"
        raise PhraseUnknownError(f"{engine} cannot hear {asked}; it knows: {', '.join(known)}")
    return {phrase: known[phrase] if threshold is None else threshold for phrase in wanted}
