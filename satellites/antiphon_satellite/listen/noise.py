"""The room's noise floor, so that satellites at different places can be compared. Pure."""

from typing import Final

from antiphon_satellite.levels import SILENCE_DBFS

RISE_DB_PER_S: Final = 2.0
"""Slow: a second of speech must hardly lift the floor; a fan is learned within ten seconds."""
FALL_SHARE_PER_S: Final = 4.0
"""Fast: pauses between words already show the room."""
QUIETEST_DBFS: Final = -96.0
"""One 16-bit step; from digital silence (-200) the floor would need minutes to come back."""


class NoiseFloor:
    """Follows the level's lower edge."""

    def __init__(self) -> None:
        self._floor_dbfs: float | None = None

    @property
    def dbfs(self) -> float:
        """The floor, dB relative to full scale; -200 before the first frame."""
        return SILENCE_DBFS if self._floor_dbfs is None else self._floor_dbfs

    def take(self, level_dbfs: float, seconds: float) -> None:
        """Take in the level of the next piece of audio, and how long it lasted."""
        floor, level_dbfs = self._floor_dbfs, max(level_dbfs, QUIETEST_DBFS)
        if floor is None:
            self._floor_dbfs = level_dbfs
        elif level_dbfs >= floor:
            self._floor_dbfs = min(level_dbfs, floor + RISE_DB_PER_S * seconds)
        else:
            self._floor_dbfs = floor + (level_dbfs - floor) * min(1.0, FALL_SHARE_PER_S * seconds)
