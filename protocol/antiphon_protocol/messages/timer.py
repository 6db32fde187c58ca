"""Timers, alarms, reminders and lists: what is asked of them, what rings, what became of it."""

from typing import Annotated, Literal

from msgspec import Meta

from antiphon_protocol.codec import Message, Record
from antiphon_protocol.ids import Slug
from antiphon_protocol.limits import ALARMS_MAX
from antiphon_protocol.messages.fields import Microseconds, Name, Seconds, Text

TimerKind = Literal["timer", "alarm", "reminder"]
TimerState = Literal["running", "paused", "ringing"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimerEnd = Literal["stopped", "cancelled", "unheard", "missed"]
StoppedBy = Literal["button", "voice", "hub", "limit"]
Amount = Annotated[float, Meta(ge=0.0, le=604_800.0)]


class Alarm(Record, frozen=True, kw_only=True):
    """Something that a satellite is to ring for."""

    alarm: Slug
    """Id of the timer, alarm or reminder."""
    kind: TimerKind
    due_us: Microseconds
    """When to ring, hub's clock; with the id it names this one ringing."""
    ring_s: Seconds
    """How long to ring when nobody stops it."""
    name: Name = ""


class SetAlarms(Message, frozen=True, kw_only=True, tag="set-alarms"):
    """Ring for these, with or without the hub, and for no others; replaces what was set before."""

    told_us: Microseconds
    """The hub's clock as it says this: only differences to it matter, whatever our clock shows."""
    alarms: Annotated[tuple[Alarm, ...], Meta(max_length=ALARMS_MAX)] = ()


class AlarmRang(Message, frozen=True, kw_only=True, tag="alarm-rang"):
    """It rings now; said again when the hub comes back meanwhile."""

    alarm: Slug
    due_us: Microseconds
    """Copied from the alarm."""


class AlarmStopped(Message, frozen=True, kw_only=True, tag="alarm-stopped"):
    """It has rung, and rings no more; said again when the hub comes back and still sets it."""

    alarm: Slug
    due_us: Microseconds
    """Copied from the alarm."""
    by: StoppedBy
    """`voice`: by the wake word alone, for the hub was away. `limit`: nobody stopped it."""


class TimerInfo(Record, frozen=True, kw_only=True):
    """A timer, an alarm or a reminder as it stands."""

    timer: Slug
    kind: TimerKind
    state: TimerState
    name: Name = ""
    text: Text = ""
    """What a reminder is about."""
    room: Name = ""
    """Where it rings; empty: everywhere."""
    due_at: Name = ""
    """When it rings, ISO 8601 in the home's time zone; empty while it is paused."""
    left_s: Annotated[float, Meta(ge=0.0)] = 0.0
    """Seconds until it rings."""
    length_s: Annotated[float, Meta(ge=0.0)] = 0.0
    """A timer's whole length, seconds."""
    days: tuple[Weekday, ...] = ()
    """An alarm's weekdays; empty: it rings once."""
    snoozed: bool = False


class TimerStarted(Message, frozen=True, kw_only=True, tag="timer-started"):
    """A timer, an alarm or a reminder was set."""

    timer: TimerInfo


class TimerChanged(Message, frozen=True, kw_only=True, tag="timer-changed"):
    """It was paused, resumed, lengthened, shortened, snoozed, or set to its next day."""

    timer: TimerInfo


class TimerRinging(Message, frozen=True, kw_only=True, tag="timer-ringing"):
    """It is due: the satellites of its room ring."""

    timer: TimerInfo


class TimerEnded(Message, frozen=True, kw_only=True, tag="timer-ended"):
    """It is over; an alarm with weekdays stays set for its next day."""

    timer: TimerInfo
    reason: TimerEnd
    """`unheard`: it rang, and nobody stopped it. `missed`: nothing rang, for the house was off."""


class ListChanged(Message, frozen=True, kw_only=True, tag="list-changed"):
    """Something was put on a list, or taken off it."""

    list: Name
    items: tuple[Text, ...] = ()
    """All that is on it now."""


class AskTimer(Record, frozen=True, kw_only=True):
    """Set, ask for or change timers: `{"action": "start", "minutes": 10, "name": "pasta"}`.

    All fields beside `action` say which one is meant; for `start` and `add` they say what to set.
    """

    action: Literal["start", "list", "cancel", "pause", "resume", "add", "snooze", "stop"]
    """`add` lengthens it; with `less` it shortens it. `stop` ends what rings."""
    kind: TimerKind | None = None
    """None: for `start` a timer, or an alarm if `at` is given; else any kind."""
    timer: Slug | None = None
    """Its id, from an answer or an event."""
    name: Name = ""
    room: Name = ""
    text: Text = ""
    """What a reminder is about."""
    hours: Amount = 0.0
    minutes: Amount = 0.0
    seconds: Amount = 0.0
    at: Name = ""
    """When: `07:30`, or `2026-11-22T07:30` in the home's time zone."""
    days: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()
    """An alarm's weekdays; it then rings every week."""
    less: bool = False
    all: bool = False
    """All that fit, where several do."""


class AskList(Record, frozen=True, kw_only=True):
    """Read or change a list: `{"action": "add", "item": "milk"}`."""

    action: Literal["show", "add", "remove", "clear"]
    list: Name = "shopping"
    item: Name = ""
