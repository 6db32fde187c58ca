"""When a wall clock shows a time: weekdays, halves of the day, daylight saving (pure).

A local time that is skipped in spring counts with the offset before the change, so that it comes as
long after midnight as on any other day; one that comes twice in autumn means the first of both
(RFC 5545, section 3.3.5).
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

import msgspec

Part = Literal["am", "pm", "morning", "afternoon", "evening", "night"]
WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HALF: Final = 12
_FIRST_MORNING_HOUR: Final = 4
"""Before four nobody gets up: a bare "three" is in the afternoon, a bare "four" in the morning."""
_NIGHT_FROM: Final = 6
"""`six at night` is in the evening, `five at night` before dawn."""


class Said(msgspec.Struct, frozen=True):
    """A time of the day as people say it."""

    hour: int
    """0-23; 1-12 without a part of the day may mean either half."""
    minute: int = 0
    part: Part | None = None

    @property
    def exact(self) -> bool:
        """Whether it names one time of the day."""
        return self.part is not None or not 1 <= self.hour <= _HALF

    def times(self) -> tuple[time, ...]:
        """Return the times of the day that it may mean, in order."""
        if self.exact:
            return (time(self._hour(), self.minute),)
        hour = self.hour % _HALF
        return (time(hour, self.minute), time(hour + _HALF, self.minute))

    def likely(self) -> time:
        """Return what it means on some other day: seven is when people get up, two is not."""
        morning, *rest = self.times()
        if not rest or morning.hour >= _FIRST_MORNING_HOUR:
            return morning
        return rest[0]

    def _hour(self) -> int:
        if self.part is None or not 1 <= self.hour <= _HALF:
            return self.hour
        hour = self.hour % _HALF
        if self.part == "night":
            return hour + _HALF if hour >= _NIGHT_FROM else hour
        return hour if self.part in ("am", "morning") else hour + _HALF


class Wanted(msgspec.Struct, frozen=True):
    """On which days."""

    day: date | None = None
    """One day; None: the next one that fits."""
    days: tuple[int, ...] = ()
    """Weekdays, Monday is 0: every week on these."""
    waking: bool = False
    """Somebody wants to be woken: in the morning, if nothing else is said."""


def instant(day: date, at: time, now: datetime, *, fold: Literal[0, 1] = 0) -> datetime:
    """Return when the clock shows that time on that day, in UTC.

    Args:
        day: The day.
        at: The time of the day.
        now: Any time with the home's zone.
        fold: 1: the second time, where the clock shows it twice.
    """
    return datetime.combine(day, at, now.tzinfo).replace(fold=fold).astimezone(UTC)


def next_time(said: Said, wanted: Wanted, now: datetime) -> datetime | None:
    """Return when it is to ring, in UTC; None if that has passed.

    Args:
        said: The time of the day.
        wanted: On which days.
        now: The time, with the home's zone.
    """
    if wanted.days:
        return next_weekly(said.likely(), wanted.days, now)
    if wanted.day is not None and wanted.day != now.date():
        at = (said.likely(),)
        return _first_after(now, (instant(wanted.day, one, now) for one in at))
    times = (said.likely(),) if wanted.waking else said.times()
    days = [now.date()] if wanted.day is not None else _days_from(now.date(), 2)
    return _first_after(now, _showings(days, times, now))


def tonight(said: Said, now: datetime) -> datetime | None:
    """Return that time of the evening or night that is at hand, in UTC; None if it has passed."""
    at = Said(said.hour, said.minute, said.part or "night").times()[0]
    # Before dawn, "tonight at one" is this night's; the night of a day begins in its evening.
    begins = now.date() if now.hour >= _NIGHT_FROM else now.date() - timedelta(days=1)
    day = begins if at.hour >= _NIGHT_FROM else begins + timedelta(days=1)
    return _first_after(now, [instant(day, at, now)])


def next_weekly(at: time, days: Collection[int], now: datetime) -> datetime:
    """Return the next time that it is `at` on one of these weekdays, in UTC.

    It comes once a day, also on the day when the clock shows it twice.
    """
    candidates = (
        instant(day, at, now) for day in _days_from(now.date(), 9) if day.weekday() in days
    )
    found = _first_after(now, candidates)
    if found is None:
        raise ValueError(f"no weekday of {sorted(days)} comes within a week")
    return found


def _days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=more) for more in range(count)]


def _showings(days: list[date], times: tuple[time, ...], now: datetime) -> Iterator[datetime]:
    """Yield every time that the clock shows one of these, both of a doubled hour included."""
    for day in days:
        for at in times:
            first = instant(day, at, now)
            yield first
            second = instant(day, at, now, fold=1)
            if second > first:  # in a gap the second is the earlier: that is no showing at all
                yield second


def _first_after(now: datetime, candidates: Iterator[datetime] | list[datetime]) -> datetime | None:
    # Compared in UTC: two local times of one zone are compared as the clock shows them.
    moment = now.astimezone(UTC)
    return min((one for one in candidates if one > moment), default=None)
