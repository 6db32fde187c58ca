"""Voice activity by level over an adaptive noise floor: pure Python, for boards without wheels.

Good enough to open a gate in a quiet room; music and running water open it too. The floor falls at
once to a quieter window and rises slowly, so that speech does not lift it (minimum statistics in
the spirit of Martin, IEEE Trans. SAP 9(5), 2001, with one state).
"""

import math
from array import array
from typing import Final

from antiphon_ears.vad.port import VadStream
from antiphon_ears.vad.stream import WindowedStream

_WINDOW_SAMPLES: Final = 512
_RISE_DB: Final = 0.1
"""How much the floor may rise a window: 3 dB a second."""
_SMOOTH: Final = 0.3
"""Weight of a new quieter level in the floor: one odd quiet window must not sink it."""
_HALF_DB: Final = 9.0
"""Level over the floor at which speech and not are equally likely."""
_SLOPE_DB: Final = 1.5
_FLOOR_START_DBFS: Final = -50.0
_FLOOR_LOW_DBFS: Final = -70.0
"""Below this a floor is the converter's, not the room's."""
_FULL_SCALE: Final = 32768.0


class EnergyEngine:
    """See VadEngine."""

    name = "energy"
    window_samples = _WINDOW_SAMPLES

    def open(self) -> VadStream:
        """See VadEngine.open."""
        return WindowedStream(_Energy(), self.window_samples)


class _Energy:
    def __init__(self) -> None:
        self._floor_dbfs = _FLOOR_START_DBFS

    def probability(self, window: bytes) -> float:
        level_dbfs = _level_dbfs(window)
        over_db = level_dbfs - self._floor_dbfs
        self._adapt(level_dbfs)
        return 1.0 / (1.0 + math.exp(min(60.0, (_HALF_DB - over_db) / _SLOPE_DB)))

    def reset(self) -> None:
        self._floor_dbfs = _FLOOR_START_DBFS

    def _adapt(self, level_dbfs: float) -> None:
        floor = self._floor_dbfs
        change = level_dbfs - floor
        floor += min(_RISE_DB, change) if change > 0 else _SMOOTH * change
        self._floor_dbfs = max(_FLOOR_LOW_DBFS, floor)


def _level_dbfs(window: bytes) -> float:
    """Return the window's level without its constant part, dB of full scale."""
    samples = array("h", window)
    mean = sum(samples) / len(samples)
    square = sum([sample * sample for sample in samples]) / len(samples) - mean * mean
    return 10.0 * math.log10(max(square, 1e-3) / _FULL_SCALE**2)
