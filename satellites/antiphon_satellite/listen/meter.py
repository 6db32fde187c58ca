"""Shows what the wake engines make of what they hear, while somebody looks. Pure."""

from typing import Final

from antiphon_protocol.messages.config import PhraseScore, WakeScores
from antiphon_satellite.levels import SILENCE_DBFS
from antiphon_satellite.listen.ear import Ear

FRAMES_EACH: Final = 7
"""One message for so many frames, 224 ms: at most five in a second."""


class Meter:
    """Counts frames while its lease lasts; times are seconds on any steady clock."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._until_s = 0.0
        self._frames = 0
        self._level_dbfs = SILENCE_DBFS

    def show(self, lease_s: float, now_s: float) -> None:
        """Go on for so long from now; 0 s: end."""
        if now_s >= self._until_s:
            self._ear.peaks()  # what was heard while nobody looked is no news
            self._frames, self._level_dbfs = 0, SILENCE_DBFS
        self._until_s = now_s + lease_s

    def heard(self, now_s: float) -> WakeScores | None:
        """The ear took a frame; return what is to be shown, if it is time."""
        if now_s >= self._until_s:
            return None
        self._frames += 1
        self._level_dbfs = max(self._level_dbfs, self._ear.level_dbfs)
        if self._frames < FRAMES_EACH:
            return None
        scores = WakeScores(level_dbfs=min(0.0, self._level_dbfs), scores=self._scores())
        self._frames, self._level_dbfs = 0, SILENCE_DBFS
        return scores

    def _scores(self) -> tuple[PhraseScore, ...]:
        return tuple(
            PhraseScore(
                engine=part.engine,
                phrase=phrase,
                score=max(0.0, score),
                threshold=part.thresholds[phrase],
            )
            for part, peaks in self._ear.peaks()
            for phrase, score in peaks.items()
        )
