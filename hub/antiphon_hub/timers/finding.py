"""Which timer is meant: by id, name, length, time or room; the asking room's first (pure)."""

from collections.abc import Callable, Sequence

import msgspec

from antiphon_hub.home.spoken import spoken
from antiphon_hub.timers.model import Entry
from antiphon_protocol.messages.timer import TimerKind

_NOISE = frozenset({"the", "a", "an", "my", "timer", "alarm", "reminder"})


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of it; what was left out may be anything."""

    kinds: tuple[TimerKind, ...] = ("timer", "alarm", "reminder")
    id: str = ""
    name: str = ""
    length_s: float = 0.0
    at_minute: int | None = None
    """Minutes since midnight; up to twelve hours later fits too where the half is not `exact`."""
    exact: bool = True
    room: str = ""
    """A room that was named."""

    @property
    def vague(self) -> bool:
        """Whether nothing tells one from another."""
        told = (self.id, self.name, self.length_s, self.room)
        return not any(told) and self.at_minute is None


def fitting(
    entries: Sequence[Entry], wanted: Wanted, same_room: Callable[[str, str], bool]
) -> list[Entry]:
    """Return all that fit what was said, those due first before the others."""
    fits = [one for one in entries if _fits(one, wanted, same_room)]
    return sorted(fits, key=lambda one: (one.state != "ringing", one.due_us))


def meant(
    entries: Sequence[Entry],
    wanted: Wanted,
    asking_room: str,
    same_room: Callable[[str, str], bool],
) -> list[Entry]:
    """Return what is meant by one: one entry, none, or several to choose from.

    What rings goes before what runs, then what is in the asking room before what is elsewhere.
    """
    found = fitting(entries, wanted, same_room)
    here = [one for one in found if asking_room and same_room(one.room, asking_room)]
    for circle in ([one for one in here if one.state == "ringing"], here, found):
        if circle:
            return circle
    return []


def _fits(entry: Entry, wanted: Wanted, same_room: Callable[[str, str], bool]) -> bool:
    return (
        entry.state != "missed"
        and entry.kind in wanted.kinds
        and (not wanted.id or entry.id == wanted.id)
        and (not wanted.name or _called(entry, wanted.name))
        and (not wanted.length_s or abs(entry.length_s - wanted.length_s) < 1.0)
        and (not wanted.room or same_room(entry.room, wanted.room))
        and _shows(entry, wanted)
    )


def _called(entry: Entry, name: str) -> bool:
    wanted = plain_name(name)
    return bool(wanted) and wanted in (plain_name(entry.name), plain_name(entry.text))


def plain_name(name: str) -> str:
    """Return a name without what may be left out of it: `the eggs timer` gives `egg`."""
    words = [word for word in spoken(name).split() if word not in _NOISE]
    return " ".join(word.removesuffix("s") for word in words)


def _shows(entry: Entry, wanted: Wanted) -> bool:
    if wanted.at_minute is None:
        return True
    if entry.at_minute is None:
        return False
    if wanted.exact:
        return entry.at_minute == wanted.at_minute
    return (entry.at_minute - wanted.at_minute) % (12 * 60) == 0
