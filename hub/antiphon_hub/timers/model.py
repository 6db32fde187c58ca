"""What is kept of a timer, an alarm or a reminder, and how it changes (pure).

Times are microseconds since 1970 on the hub's wall clock.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final, Literal

import msgspec

from antiphon_hub.timers.schedule import WEEK, next_weekly
from antiphon_protocol.messages.timer import TimerInfo, TimerKind

SECOND_US: Final = 1_000_000
RING_S: Final[dict[TimerKind, float]] = {"timer": 900.0, "alarm": 900.0, "reminder": 120.0}
"""How long each rings when nobody stops it, seconds; a reminder has been spoken, too."""
SNOOZE_S: Final = 540.0
"""Nine minutes, as alarm clocks have done it since their gears allowed no ten."""
LENGTH_S_MAX: Final = 604_800.0
"""A week: what is further away is an alarm."""
ENTRIES_MAX: Final = 256
"""Kept at a time; policy: reject. More than any home sets, and memory stays bounded."""

EntryState = Literal["running", "paused", "ringing", "missed"]
"""`missed`: it was due, nothing rang, and nobody has been told yet."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A timer, an alarm or a reminder."""

    id: str
    kind: TimerKind
    due_us: int
    """When it rings next, or began to ring; of a paused one, when it would have."""
    state: EntryState = "running"
    room: str = ""
    """Where it rings, as people call the room; empty: everywhere."""
    name: str = ""
    text: str = ""
    """What a reminder is about."""
    length_s: float = 0.0
    """A timer's whole length."""
    left_s: float = 0.0
    """Of a paused one: what is left."""
    at_minute: int | None = None
    """What the clock shows when it rings, minutes since midnight; None: it rings after a length."""
    days: tuple[int, ...] = ()
    """Weekdays on which it rings every week, Monday is 0."""
    snoozed: bool = False
    touched: str = ""
    """The turn that changed it last: the same turn changes it once."""

    def left_at(self, now_us: int) -> float:
        """Return how long it takes until it rings, seconds."""
        if self.state == "paused":
            return self.left_s
        return max(0.0, (self.due_us - now_us) / SECOND_US)

    def rings_until_us(self) -> int:
        """Return when it stops ringing by itself."""
        return self.due_us + round(RING_S[self.kind] * SECOND_US)

    @property
    def at(self) -> time | None:
        """What the clock shows when it rings."""
        return None if self.at_minute is None else time(*divmod(self.at_minute, 60))


def paused(entry: Entry, now_us: int) -> Entry:
    """Return it standing still; only what runs can be paused."""
    if entry.state != "running":
        return entry
    return _with(entry, state="paused", left_s=entry.left_at(now_us))


def resumed(entry: Entry, now_us: int) -> Entry:
    """Return it running on."""
    if entry.state != "paused":
        return entry
    return _with(entry, state="running", due_us=_after(now_us, entry.left_s), left_s=0.0)


def lengthened(entry: Entry, by_s: float, now_us: int) -> Entry:
    """Return it with more time, or less: then a second is left at least.

    One that rings already runs again for as long as was added.
    """
    left_s = min(max(1.0, entry.left_at(now_us) + by_s), LENGTH_S_MAX)
    length_s = max(1.0, entry.length_s + by_s)
    if entry.state == "paused":
        return _with(entry, left_s=left_s, length_s=length_s)
    return _with(entry, state="running", due_us=_after(now_us, left_s), length_s=length_s)


def snoozed(entry: Entry, for_s: float, now_us: int) -> Entry:
    """Return it silent, to ring once more."""
    return _with(entry, state="running", snoozed=True, due_us=_after(now_us, for_s))


def ringing(entry: Entry) -> Entry:
    """Return it as it rings."""
    return _with(entry, state="ringing")


def again(entry: Entry, now: datetime) -> Entry | None:
    """Return an alarm with weekdays set for its next day; None for what rings only once.

    Args:
        entry: What has rung or was passed over.
        now: The time, with the home's zone.
    """
    if not entry.days or entry.at is None:
        return None
    due = next_weekly(entry.at, entry.days, now)
    return _with(entry, state="running", snoozed=False, due_us=round(due.timestamp()) * SECOND_US)


def shifted(entry: Entry, by_us: int) -> Entry:
    """Return it with the same time left although the wall clock was set."""
    return _with(entry, due_us=entry.due_us + by_us)


def shown(entry: Entry, now: datetime) -> TimerInfo:
    """Return it as requests and events show it; the zone of `now` is the home's."""
    due = datetime.fromtimestamp(entry.due_us / SECOND_US, UTC).astimezone(now.tzinfo)
    return TimerInfo(
        timer=entry.id,
        kind=entry.kind,
        state="running" if entry.state == "missed" else entry.state,
        name=entry.name,
        text=entry.text,
        room=entry.room,
        due_at="" if entry.state == "paused" else due.isoformat(timespec="seconds"),
        left_s=round(entry.left_at(microseconds(now)), 1),
        length_s=entry.length_s,
        days=weekdays(entry.days),
        snoozed=entry.snoozed,
    )


def weekdays(
    days: Sequence[int],
) -> tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]:
    """Return weekdays by name, in the week's order."""
    return tuple(WEEK[day] for day in sorted(days))


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970."""
    return round(moment.timestamp() * SECOND_US)


def _after(now_us: int, seconds: float) -> int:
    return now_us + round(seconds * SECOND_US)


def _with(entry: Entry, **changed: object) -> Entry:
    return msgspec.structs.replace(entry, **changed)
