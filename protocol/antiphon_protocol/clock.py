"""The offset between two programs' clocks, from timed exchanges.

One exchange bounds the offset from both sides (RFC 5905, section 8). Of many, each direction's
quickest message counts by itself: the line of offset over time is sought that keeps the most room
to the bounds of either side (the idea of Geng et al., "Exploiting a natural network effect for
scalable, fine-grained clock synchronization", NSDI 2018). It knows the crystals' drift, too.
"""

from collections import deque
from collections.abc import Collection
from typing import Final

import msgspec

EXCHANGES_KEPT: Final = 160
"""Enough for a quick message in each direction, with 0-80 ms on the way: of 96, one home in some
fifty was apart by more than 20 ms. Eight minutes, so that a crystal may warm up."""
SKEW_MAX: Final = 250e-6
"""No two crystals differ more, seconds per second: even bad boards are within 100e-6 each."""
_SKEW_DOUBT_US: Final = 12e6
"""A slope must win this much room, microseconds times slope: few exchanges fit any slope."""
_STEPS: Final = 20
"""Of the search for the slope: 250e-6 times (2/3)^20 is 0.1 ms in eight minutes."""
_SLACK_US: Final = 100.0
"""What clocks that tick in steps and the search's end may lack of a fit."""


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
    """Keeps the last exchanges, and the line that fits them best."""

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_KEPT)
        self._line: tuple[float, float] | None = None

    def add(self, exchange: Exchange) -> None:
        """Take in an exchange; a negative delay (a clock was set meanwhile) starts anew."""
        self._line = None
        if exchange.delay_us < 0:
            self._exchanges.clear()
            return
        self._exchanges.append(exchange)

    @property
    def offset_us(self) -> int | None:
        """What to add to our clock to read theirs, microseconds; None before the first exchange."""
        return self.offset_at(self._exchanges[-1].answered_us) if self._exchanges else None

    def offset_at(self, our_us: int) -> int | None:
        """Return what to add to our clock at this time; None before the first exchange."""
        if not self._exchanges:
            return None
        if self._line is None:
            self._line = self._fit()
        offset_us, slope = self._line
        return round(offset_us + slope * (our_us - self._exchanges[-1].answered_us))

    def _fit(self) -> tuple[float, float]:
        """Return the offset at the last exchange, and the slope.

        Where no line fits a clock was set meanwhile: the older half is forgotten until one does.
        """
        while True:
            bounds = _Bounds(self._exchanges)
            slope = bounds.best_slope()
            least, most = bounds.at(slope)
            if most - least > -_SLACK_US or len(self._exchanges) == 1:
                return (least + most) / 2, slope
            for _ in range(len(self._exchanges) // 2):
                self._exchanges.popleft()


class _Bounds:
    """What exchanges tell of the offset: above each answer, below each question."""

    def __init__(self, exchanges: Collection[Exchange]) -> None:
        at_us = max(one.answered_us for one in exchanges)
        self._least = [
            (float(one.replied_us - one.answered_us), float(one.answered_us - at_us))
            for one in exchanges
        ]
        self._most = [
            (float(one.received_us - one.asked_us), float(one.asked_us - at_us))
            for one in exchanges
        ]

    def best_slope(self) -> float:
        """Return the slope of most room; the room is concave, thus a search by thirds finds it."""
        low, high = -SKEW_MAX, SKEW_MAX
        for _ in range(_STEPS):
            third = (high - low) / 3
            if self._worth(low + third) < self._worth(high - third):
                low += third
            else:
                high -= third
        return (low + high) / 2

    def at(self, slope: float) -> tuple[float, float]:
        """Return the least and the largest offset at the last exchange, for a slope."""
        least = max(offset_us - slope * ago_us for offset_us, ago_us in self._least)
        most = min(offset_us - slope * ago_us for offset_us, ago_us in self._most)
        return least, most

    def _worth(self, slope: float) -> float:
        least, most = self.at(slope)
        return most - least - _SKEW_DOUBT_US * abs(slope)
