"""From the words of a sentence to a length of time or a time of the day (pure)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, cast

from antiphon_hub.timers.schedule import WEEK, Part, Said, Wanted, next_time, next_weekly, tonight

_UNITS: Final = (("hours", 3600), ("minutes", 60), ("seconds", 1))


def length_s(slots: Mapping[str, Any], prefix: str = "") -> float:
    """Return the length that `hours`, `minutes` and `seconds` make, seconds; 0: none was said."""
    return float(sum(int(slots.get(f"{prefix}{name}", 0)) * size for name, size in _UNITS))


def said_time(slots: Mapping[str, Any]) -> Said | None:
    """Return the time of the day that was said; None: none was."""
    if "named" in slots:
        return Said(12, 0, "pm") if slots["named"] == "12:00" else Said(0)
    if "hour" not in slots:
        return None
    hour, minute = int(slots["hour"]), int(slots.get("minute", slots.get("shift", 0)))
    if minute < 0:  # a quarter to eight
        hour, minute = (hour - 1 if hour > 1 else 12 if hour else 23), minute + 60
    return Said(hour, minute, _part(slots))


def weekdays_said(slots: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the weekdays on which it is to ring every week, Monday is 0."""
    return tuple(WEEK.index(day) for day in str(slots.get("days", "")).split() if day in WEEK)


def due(slots: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when the time that was said comes, in UTC; None: none was said, or it has passed.

    Args:
        slots: Of an alarm's or a reminder's sentence.
        now: The time, with the home's zone.
    """
    said = said_time(slots)
    if said is None:
        return None
    day, *_ = [*str(slots.get("day", "")).split(), ""]
    if day == "tonight":
        return tonight(said, now)
    if day in WEEK:
        return next_weekly(said.likely(), (WEEK.index(day),), now)
    days_ahead = {"today": 0, "tomorrow": 1}.get(day)
    date = None if days_ahead is None else now.date() + timedelta(days=days_ahead)
    waking = bool(slots.get("waking"))
    return next_time(said, Wanted(date, weekdays_said(slots), waking), now)


def _part(slots: Mapping[str, Any]) -> Part | None:
    """Return the part of the day, also the one that came with the day: `tomorrow morning`."""
    words = [slots.get("part"), *str(slots.get("day", "")).split()[1:]]
    parts = ("am", "pm", "morning", "afternoon", "evening", "night")
    return next((cast("Part", word) for word in words if word in parts), None)
