"""Tells the beginning of an answer from the room that goes on meanwhile (pure).

Who was asked has called before, and answers about as loud. A television is quieter; but so is who
answers softly, so that quieter voice is only put off: until it is silent behind it, or for a while.
"""

from enum import Enum, auto
from typing import Final

from antiphon_protocol.audio import SAMPLE_RATE_HZ

CALL_DROP_DB: Final = 8.0
"""Who answers is at most this much quieter than the loudest of the call, at the loudest."""
WITHIN_S: Final = 3.0
"""Who has not answered as loud by then may do so softly: all voice counts."""
SOFT_S: Final = 0.09
"""Shorter quiet voice is no answer; as for the loud."""
SOFT_SILENCE_S: Final = 0.7
"""Behind a soft answer it is silent for so long, which is longer than a television's pauses."""
SOFT_DROP_DB: Final = 12.0
"""That silence is quieter than the soft answer by so much, or the room goes on."""
_ECHO_S: Final = 0.15
"""So soon behind voice it may still be heard."""


class Begun(Enum):
    """How an answer begins."""

    NEAR = auto()
    """As loud as the call."""
    SOFT = auto()
    """Softly, and it is over."""
    LATE = auto()
    """Perhaps: nothing loud came in time, and what is softer counts from here on."""


class Awaiting:
    """Windows in, until an answer begins."""

    def __init__(self, call_dbfs: float, begin: int) -> None:
        """Wait for who called at that level, from that position of the stream on."""
        self._call_dbfs = call_dbfs
        self._begin = begin
        self._soft_dbfs = -200.0
        self._silence_dbfs = -200.0
        self.soft_samples = 0
        """How much voice there was that is quieter than the call."""
        self.soft_end = begin
        """Position behind it."""

    def hear(self, begin: int, end: int, level_dbfs: float, *, voiced: bool) -> Begun | None:
        """Take in the next window; return how an answer begins, if one does."""
        if voiced and level_dbfs >= self._call_dbfs - CALL_DROP_DB:
            return Begun.NEAR
        if voiced:
            self.soft_samples += end - begin
            self.soft_end = end
            self._soft_dbfs = max(self._soft_dbfs, level_dbfs)
            self._silence_dbfs = -200.0
        elif begin - self.soft_end >= _ECHO_S * SAMPLE_RATE_HZ:
            self._silence_dbfs = max(self._silence_dbfs, level_dbfs)
        if self._soft_answer(end):
            return Begun.SOFT
        return Begun.LATE if end - self._begin >= WITHIN_S * SAMPLE_RATE_HZ else None

    def _soft_answer(self, at: int) -> bool:
        return (
            self.soft_samples >= SOFT_S * SAMPLE_RATE_HZ
            and at - self.soft_end >= SOFT_SILENCE_S * SAMPLE_RATE_HZ
            and self._silence_dbfs <= self._soft_dbfs - SOFT_DROP_DB
        )
