"""The offset between two programs' clocks, from timed exchanges (RFC 5905, section 8)."""

from collections import deque
from typing import Final

import msgspec

EXCHANGES_KEPT: Final = 16
"""Enough to outlive a burst of Wi-Fi delay, few enough to follow a drifting crystal."""


class Exchange(msgspec.Struct, frozen=True):
    """One question and answer; all times in microseconds, `asked` and `answered` on our clock."""

    asked_us: int
    received_us: int
    replied_us: int
    answered_us: int

    @property
    def offset_us(self) -> int:
        """What to add to our clock to read theirs, microseconds."""
        return ((self.received_us - self.asked_us) + (self.replied_us - self.answered_us)) // 2

    @property
    def delay_us(self) -> int:
        """Time on the way, both directions, microseconds: half of it bounds the offset's error."""
        return (self.answered_us - self.asked_us) - (self.replied_us - self.received_us)


class OffsetEstimator:
    """Keeps the last exchanges and trusts the one that was least delayed."""

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_KEPT)

    def add(self, exchange: Exchange) -> None:
        """Take in an exchange; a negative delay (a clock was set meanwhile) starts anew."""
        if exchange.delay_us < 0:
            self._exchanges.clear()
            return
        self._exchanges.append(exchange)

    @property
    def best(self) -> Exchange | None:
        """The least delayed exchange of those kept; None before the first."""
        return min(self._exchanges, key=lambda one: one.delay_us, default=None)

    @property
    def offset_us(self) -> int | None:
        """What to add to our clock to read theirs, microseconds; None before the first exchange."""
        return None if self.best is None else self.best.offset_us
