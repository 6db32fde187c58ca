"""What a satellite says of a call."""

import math
from typing import Final

import msgspec

SURE_MAX: Final = 0.99
"""Scores of wake engines are no probabilities above it: 0.999 says no more than 0.99."""
LEAST_SHARE: Final = 0.05
"""A level within noise's reach: the call itself may be as faint as this share of it."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One satellite heard a call."""

    satellite: str
    stream: str
    at_us: int
    """When the wake engine fired, hub's clock, microseconds since 1970."""
    level_dbfs: float
    noise_dbfs: float
    confidence: float
    """The wake engine's score, 0 to 1."""

    @property
    def signal_dbfs(self) -> float:
        """Level of the call alone: what was measured less the noise floor's power."""
        measured = 10.0 ** (self.level_dbfs / 10.0)
        noise = 10.0 ** (self.noise_dbfs / 10.0)
        return 10.0 * math.log10(max(measured - noise, LEAST_SHARE * measured))

    @property
    def sureness_db(self) -> float:
        """Weight of the confidence: its log odds, -4.6 to 4.6, at one decibel each."""
        confidence = min(SURE_MAX, max(1.0 - SURE_MAX, self.confidence))
        return math.log(confidence / (1.0 - confidence))
