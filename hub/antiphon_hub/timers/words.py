"""What timers are called and how long things take, in words as they are spoken (pure)."""

from typing import Final

from antiphon_hub.home.spoken import number_words
from antiphon_hub.timers.model import SECOND_US, Entry

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_TURNED: Final = {"my": "your", "me": "you", "our": "your", "us": "you", "i": "you"}
_EXACT_S: Final = 600
"""From ten minutes on nobody wants to hear the seconds."""


def duration_words(seconds: float) -> str:
    """Return a length of time: `one hour and thirty minutes`."""
    left, parts = max(0, round(seconds)), list[str]()
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{number_words(count)} {unit}{'' if count == 1 else 's'}")
    if not parts:
        return "no time"
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"  # noqa: PLR2004 - two parts need no comma


def left_words(seconds: float) -> str:
    """Return what is left, as exactly as somebody wants to know: `twelve minutes`."""
    if seconds >= _DAY:
        return duration_words(round(seconds / _HOUR) * _HOUR)
    if seconds >= _EXACT_S:
        return duration_words(round(seconds / _MINUTE) * _MINUTE)
    return duration_words(max(1, round(seconds)))


def length_name(seconds: float) -> str:
    """Return a length as it stands before a noun: `ten minute`, `one hour thirty minute`."""
    words = duration_words(seconds).replace(" and ", " ").replace(",", "").split()
    units = {"days": "day", "hours": "hour", "minutes": "minute", "seconds": "second"}
    return " ".join(units.get(word, word) for word in words)


def turned(text: str) -> str:
    """Return what somebody said of themselves as it is said to them: `take your pills`."""
    return " ".join(_TURNED.get(word, word) for word in text.split())


def bare_phrase(entry: Entry) -> str:
    """Return what to call it behind `the` or `your`: `pasta timer`, `ten minute timer`."""
    if entry.kind == "reminder":
        return f"reminder to {turned(entry.text)}" if entry.text else "reminder"
    if entry.name:
        return f"{entry.name} {entry.kind}"
    if entry.kind == "timer" and entry.length_s:
        return f"{length_name(entry.length_s)} timer"
    return entry.kind


def ringing_text(entry: Entry, now_us: int) -> str:
    """Return what to say as it begins to ring; empty: the sound says it all."""
    if (now_us - entry.due_us) / SECOND_US >= _MINUTE:
        return missed_text(entry, now_us)
    if entry.kind == "reminder":
        return f"Reminder: {turned(entry.text)}." if entry.text else "This is your reminder."
    if entry.kind == "alarm":
        return f"This is your {entry.name} alarm." if entry.name else ""
    return f"Your {bare_phrase(entry)} is done."


def missed_text(entry: Entry, now_us: int) -> str:
    """Return what to say of one that was due a while ago."""
    ago = f"{left_words(max(_MINUTE, (now_us - entry.due_us) / SECOND_US))} ago"
    if entry.kind == "reminder":
        return f"You wanted to be reminded {ago}: {turned(entry.text) or 'of something'}."
    if entry.kind == "alarm":
        return f"Your {bare_phrase(entry)} was due {ago}."
    return f"Your {bare_phrase(entry)} ended {ago}."
