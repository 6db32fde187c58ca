"""JSON requests about timers and lists, answered."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time
from typing import Any

import msgspec

from antiphon_hub.errors import HubError, TimersError
from antiphon_hub.timers.desk import Desk
from antiphon_hub.timers.finding import Wanted
from antiphon_hub.timers.lists import Lists
from antiphon_hub.timers.model import Entry, shown
from antiphon_hub.timers.schedule import WEEK, instant, next_weekly
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.ask import Answer
from antiphon_protocol.messages.timer import AskList, AskTimer

Change = Callable[[Entry], Awaitable[object]]


class TimerRequests:
    """Answers requests; every refusal says what was wrong and what to do."""

    def __init__(self, desk: Desk, lists: Lists) -> None:
        self._desk = desk
        self._lists = lists

    async def about_timer(self, request: AskTimer) -> Answer:
        """Set, show or change timers."""
        try:
            if request.action == "start":
                return self._shown([await self._start(request)])
            if request.action == "list":
                return self._shown(self._desk.all(_wanted(request)))
            return await self._change(request)
        except HubError as error:
            return Answer(ok=False, error=str(error))

    async def about_list(self, request: AskList) -> Answer:
        """Show or change a list."""
        item = request.item.strip()
        if request.action in ("add", "remove") and not item:
            return Answer(ok=False, error='which item? give {"item": "..."}')
        try:
            match request.action:
                case "add":
                    await self._lists.add(request.list, item)
                case "remove":
                    if not await self._lists.remove(request.list, item):
                        error = f"{item!r} is not on the list {request.list!r}"
                        return Answer(ok=False, error=error)
                case "clear":
                    await self._lists.clear(request.list)
                case "show":
                    pass  # the answer shows it
            return Answer(ok=True, items=await self._lists.items(request.list))
        except HubError as error:
            return Answer(ok=False, error=str(error))

    async def _start(self, request: AskTimer) -> Entry:
        kind = request.kind or ("alarm" if request.at else "timer")
        known: dict[str, Any] = {
            "room": request.room,
            "name": request.name.strip(),
            "text": request.text.strip(),
        }
        if kind == "reminder" and not known["text"]:
            raise TimersError('a reminder needs what it is about: {"text": "..."}')
        if not request.at:
            if request.days:
                raise TimersError('days need a time of the day: {"at": "07:30"}')
            return await self._desk.start(kind, new_id(kind), length_s=_length_s(request), **known)
        if _length_s(request):
            raise TimersError("give either `at` or a length, not both")
        at, due = _due(request, self._desk.now)
        days = tuple(WEEK.index(day) for day in request.days)
        minute = at.hour * 60 + at.minute
        return await self._desk.start(
            kind, new_id(kind), due=due, at_minute=minute, days=days, **known
        )

    async def _change(self, request: AskTimer) -> Answer:
        found = self._desk.all(_wanted(request))
        if request.action in ("stop", "snooze"):
            found = [one for one in found if one.state == "ringing"]
        if not found:
            return Answer(ok=False, error='none fits; ask for all: {"action": "list"}')
        # What rings is heard as one: `stop` means all of it.
        if len(found) > 1 and not request.all and request.action not in ("stop", "snooze"):
            answer = self._shown(found)
            error = 'several fit: name one by {"timer": "ID"}, or give {"all": true}'
            return msgspec.structs.replace(answer, ok=False, error=error)
        change = self._how(request)
        for entry in found:
            await change(entry)
        return self._shown([self._desk.get(one.id) or one for one in found])

    def _how(self, request: AskTimer) -> Change:
        length_s = _length_s(request)
        if request.action == "add" and not length_s:
            raise TimersError('by how much? give {"minutes": 5}')
        by_s = -length_s if request.less else length_s
        changes: dict[str, Change] = {
            "cancel": self._desk.end,
            "stop": self._desk.end,
            "pause": self._desk.pause,
            "resume": self._desk.resume,
            "add": lambda one: self._desk.lengthen(one, by_s),
            "snooze": lambda one: self._desk.snooze(one, length_s),
        }
        return changes[request.action]

    def _shown(self, entries: list[Entry]) -> Answer:
        return Answer(ok=True, timers=tuple(shown(one, self._desk.now) for one in entries))


def _length_s(request: AskTimer) -> float:
    return request.hours * 3600 + request.minutes * 60 + request.seconds


def _wanted(request: AskTimer) -> Wanted:
    changes_length = request.action in ("add", "snooze")
    return Wanted(
        kinds=(request.kind,) if request.kind else ("timer", "alarm", "reminder"),
        id=request.timer or "",
        name=request.name or request.text,
        length_s=0.0 if changes_length else _length_s(request),
        room=request.room,
    )


def _due(request: AskTimer, now: datetime) -> tuple[time, datetime]:
    """Return what the clock shows then, and when that is."""
    day, at = _parsed(request.at)
    if request.days:
        if day is not None:
            raise TimersError("give either a date or `days`, not both")
        days = [WEEK.index(one) for one in request.days]
        return at, next_weekly(at, days, now)
    if day is None:
        return at, next_weekly(at, range(7), now)
    due = instant(day, at, now)
    if due <= now:
        raise TimersError(f"{request.at} has passed already")
    return at, due


def _parsed(text: str) -> tuple[date | None, time]:
    try:
        if "T" not in text:
            at = time.fromisoformat(text)
            return None, _plain(at)
        moment = datetime.fromisoformat(text)
        return moment.date(), _plain(moment.timetz())
    except ValueError:
        raise TimersError(
            f"{text!r} is no time: write 07:30 or 2026-11-22T07:30, in the home's time zone"
        ) from None


def _plain(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("a zone of its own")
    return at.replace(second=0, microsecond=0)
