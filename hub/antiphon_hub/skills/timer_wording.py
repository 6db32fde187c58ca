"""How replies speak of timers, alarms and reminders (pure)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from antiphon_hub.skills.calendar import date_words
from antiphon_hub.skills.clock import time_words
from antiphon_hub.skills.wording import listed, sentence
from antiphon_hub.timers.model import SECOND_US, Entry
from antiphon_hub.timers.words import bare_phrase, left_words

_WEEKDAYS: Final = (0, 1, 2, 3, 4)
_WEEKEND: Final = (5, 6)
_WEEK_DAYS: Final = 7
_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class TimerWording:
    """Speaks to somebody in a room."""

    def __init__(self, room: str, now: datetime, same_room: Callable[[str, str], bool]) -> None:
        self._room = room
        self._now = now
        self._same_room = same_room

    def phrase(self, entry: Entry) -> str:
        """Return `pasta timer`, with its room where that is another one."""
        elsewhere = entry.room and not (self._room and self._same_room(entry.room, self._room))
        return f"{bare_phrase(entry)}{f' in the {entry.room}' if elsewhere else ''}"

    def which(self, entries: Sequence[Entry]) -> str:
        """Return the question which one is meant."""
        phrases = list(dict.fromkeys(f"the {self.spoken(one)}" for one in entries))
        return f"Which one: {listed(phrases, 'or')}?"

    def spoken(self, entry: Entry) -> str:
        """Return what to call it among others: an alarm by its time."""
        if entry.kind == "alarm" and not entry.name:
            return f"alarm for {self.when(entry)}"
        return self.phrase(entry)

    def left(self, entry: Entry) -> str:
        """Return `twelve minutes left on the pasta timer`."""
        if entry.state == "ringing":
            return f"the {self.phrase(entry)} is ringing"
        left = left_words(entry.left_at(round(self._now.timestamp() * SECOND_US)))
        if entry.state == "paused":
            return f"the {self.phrase(entry)} is paused, with {left} left"
        return f"{left} left on the {self.phrase(entry)}"

    def all_left(self, entries: Sequence[Entry]) -> str:
        """Return the sentence about several."""
        return sentence(listed([self.left(one) for one in entries]))

    def when(self, entry: Entry) -> str:
        """Return `seven o'clock in the morning tomorrow`."""
        due = datetime.fromtimestamp(entry.due_us / SECOND_US, UTC).astimezone(self._now.tzinfo)
        clock = time_words(due)
        if entry.days and not entry.snoozed:
            return f"{clock} {days_words(entry.days)}"
        return f"{clock}{self._day(due)}"

    def _day(self, due: datetime) -> str:
        days = (due.date() - self._now.date()).days
        if days <= 0:
            return ""
        if days == 1:
            return " tomorrow"
        if days < _WEEK_DAYS:
            return f" on {_NAMES[due.weekday()]}"
        return f" on {date_words(due)}"


def days_words(days: Sequence[int]) -> str:
    """Return on which weekdays: `on weekdays`, `every Monday and Friday`."""
    chosen = tuple(sorted(set(days)))
    if len(chosen) == _WEEK_DAYS:
        return "every day"
    if chosen in (_WEEKDAYS, _WEEKEND):
        return "on weekdays" if chosen == _WEEKDAYS else "on weekends"
    return f"every {listed([_NAMES[day] for day in chosen])}"
