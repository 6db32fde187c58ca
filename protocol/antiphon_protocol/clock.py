"""The offset between two programs' clocks, from timed exchanges.

One exchange bounds the offset from both sides (RFC 5905, section 8). Of many, each direction's
quickest message counts by itself (the idea of Geng et al., "Exploiting a natural network effect for
scalable, fine-grained clock synchronization", NSDI 2018). Whatever line of offset over time keeps
all bounds may be the true one; where messages take as long either way none of them is likelier than
another, so that their middle is told, and their spread is how much the middle is in doubt.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

EXCHANGES_KEPT: Final = 160
"""Enough for a quick message in each direction, with 0-80 ms on the way: of 96, one home in some
fifty was apart by more than 20 ms."""
KEPT_US: Final = 480_000_000
"""Older exchanges are forgotten, so that a crystal may warm up, microseconds."""
SKEW_MAX: Final = 250e-6
"""No two crystals differ more, seconds per second: even bad boards are within 100e-6 each."""
_SKEW_USUAL: Final = 60e-6
"""Standard deviation of what two crystals differ by: few exchanges fit any slope."""
_STEPS: Final = 20
"""Of the search for the slope: 250e-6 times (2/3)^20 is 0.04 ms in eight minutes."""
_SLOPES: Final = 13
"""So many of the slopes that fit are looked at."""
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
    """Keeps the last exchanges, and what they tell of the offset."""

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_KEPT)
        self._fit: _Fit | None = None

    def add(self, exchange: Exchange) -> None:
        """Take in an exchange; a negative delay (a clock was set meanwhile) starts anew."""
        self._fit = None
        if exchange.delay_us < 0:
            self._exchanges.clear()
            return
        while self._exchanges and exchange.asked_us - self._exchanges[0].asked_us > KEPT_US:
            self._exchanges.popleft()
        self._exchanges.append(exchange)

    @property
    def offset_us(self) -> int | None:
        """What to add to our clock to read theirs, microseconds; None before the first exchange."""
        return self.offset_at(self._exchanges[-1].answered_us) if self._exchanges else None

    def offset_at(self, our_us: int) -> int | None:
        """Return what to add to our clock at this time; None before the first exchange."""
        fit = self._fitted()
        return None if fit is None else round(fit.offset_us(our_us))

    def doubt_at(self, our_us: int) -> float:
        """Return the standard error of the offset at this time, us; infinite before the first."""
        fit = self._fitted()
        return math.inf if fit is None else fit.doubt_us(our_us)

    def _fitted(self) -> "_Fit | None":
        """Return what fits; where nothing does a clock was set: the older half is forgotten."""
        while self._fit is None and self._exchanges:
            bounds = _Bounds(self._exchanges)
            slope = bounds.best_slope()
            if bounds.room_us(slope) > -_SLACK_US or len(self._exchanges) == 1:
                self._fit = _Fit(bounds, slope)
            else:
                for _ in range(len(self._exchanges) // 2):
                    self._exchanges.popleft()
        return self._fit


class _Bounds:
    """What exchanges tell of the offset: above each answer, below each question.

    Only the bounds of the convex hull are kept: the others bind at no slope.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        told = list(exchanges)
        self.at_us = at_us = told[-1].answered_us
        self._least = _hull(
            (float(one.answered_us - at_us), float(one.replied_us - one.answered_us))
            for one in told
        )
        self._most = _hull(
            (float(one.asked_us - at_us), float(one.asked_us - one.received_us)) for one in told
        )

    def best_slope(self) -> float:
        """Return the slope of most room; the room is concave, thus a search by thirds finds it."""
        low, high = -SKEW_MAX, SKEW_MAX
        for _ in range(_STEPS):
            third = (high - low) / 3
            if self.room_us(low + third) < self.room_us(high - third):
                low += third
            else:
                high -= third
        return (low + high) / 2

    def furthest_slope(self, fits: float, limit: float) -> float:
        """Return the slope furthest from one that fits, towards a limit, that fits as well."""
        if self.room_us(limit) >= 0:
            return limit
        for _ in range(_STEPS):
            middle = (fits + limit) / 2
            if self.room_us(middle) >= 0:
                fits = middle
            else:
                limit = middle
        return fits

    def at(self, slope: float) -> tuple[float, float]:
        """Return the least and the largest offset at the last exchange, for a slope."""
        least = max(bound_us - slope * at_us for at_us, bound_us in self._least)
        most = -max(bound_us + slope * at_us for at_us, bound_us in self._most)
        return least, most

    def room_us(self, slope: float) -> float:
        """Return how far apart least and largest are; negative: the slope does not fit."""
        least, most = self.at(slope)
        return most - least


class _Fit:
    """The middle of all lines that fit, and their spread, as moments of offset and slope."""

    def __init__(self, bounds: _Bounds, best: float) -> None:
        low, high = (bounds.furthest_slope(best, limit) for limit in (-SKEW_MAX, SKEW_MAX))
        slopes = [low + (high - low) * (number + 0.5) / _SLOPES for number in range(_SLOPES)]
        ranges = [bounds.at(slope) for slope in slopes]
        # What slack lets pass has no room anywhere; then all slopes are as good, and hardly differ.
        weights = [
            max(most - least, 1e-3) * math.exp(-((slope / _SKEW_USUAL) ** 2) / 2)
            for slope, (least, most) in zip(slopes, ranges, strict=True)
        ]
        whole = sum(weights)
        shares = [weight / whole for weight in weights]
        middles = [(least + most) / 2 for least, most in ranges]
        self._at_us = bounds.at_us
        self._offset_us = _mean(shares, middles)
        self._slope = _mean(shares, slopes)
        offsets = [middle - self._offset_us for middle in middles]
        turns = [slope - self._slope for slope in slopes]
        within = [(most - least) ** 2 / 12 for least, most in ranges]
        self._offset_variance = _mean(shares, [x * x for x in offsets]) + _mean(shares, within)
        self._slope_variance = _mean(shares, [y * y for y in turns])
        self._covariance = _mean(shares, [x * y for x, y in zip(offsets, turns, strict=True)])

    def offset_us(self, our_us: int) -> float:
        """Return the middle's offset."""
        return self._offset_us + self._slope * (our_us - self._at_us)

    def doubt_us(self, our_us: int) -> float:
        """Return the standard deviation of the lines' offsets."""
        later_us = our_us - self._at_us
        return math.sqrt(
            max(
                0.0,  # rounding
                self._offset_variance
                + 2 * self._covariance * later_us
                + self._slope_variance * later_us**2,
            )
        )


def _mean(shares: list[float], values: list[float]) -> float:
    return sum(share * value for share, value in zip(shares, values, strict=True))


def _hull(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the upper convex hull (Andrew's monotone chain)."""
    hull: list[tuple[float, float]] = []
    for x, y in sorted(points):
        while len(hull) > 1:
            (first_x, first_y), (last_x, last_y) = hull[-2:]
            if (last_x - first_x) * (y - first_y) < (last_y - first_y) * (x - first_x):
                break
            hull.pop()
        hull.append((x, y))
    return hull
