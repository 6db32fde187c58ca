"""The last two seconds, so that a call's first word is not lost. Pure."""

from collections import deque
from typing import Final

import msgspec

from antiphon_protocol.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from antiphon_satellite.listen.microphone import PcmFrame

PREROLL_S: Final = 2.0
PREROLL_FRAMES: Final = int(PREROLL_S * SAMPLE_RATE_HZ / FRAME_SAMPLES)


class Measured(msgspec.Struct, frozen=True):
    """A frame with what was measured on it."""

    frame: PcmFrame
    level_dbfs: float
    noise_dbfs: float
    """The noise floor then."""


class PreRoll:
    """A ring of measured frames: full, the oldest goes."""

    def __init__(self) -> None:
        self._ring: deque[Measured] = deque(maxlen=PREROLL_FRAMES)
        self.position = 0
        """Samples heard since the start: the position behind the newest frame."""

    def push(self, measured: Measured) -> None:
        """Take in the newest frame."""
        self._ring.append(measured)
        self.position += FRAME_SAMPLES

    @property
    def begin(self) -> int:
        """Position of the oldest sample that is kept."""
        return self.position - len(self._ring) * FRAME_SAMPLES

    @property
    def frames(self) -> tuple[PcmFrame, ...]:
        """What is kept, oldest first."""
        return tuple(measured.frame for measured in self._ring)

    def since(self, position: int) -> list[Measured]:
        """Return the kept frames that end behind a position, oldest first."""
        count = -(-(self.position - max(position, self.begin)) // FRAME_SAMPLES)
        return list(self._ring)[len(self._ring) - count :] if count > 0 else []
