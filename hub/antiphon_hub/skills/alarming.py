"""Alarms and reminders by voice, and silencing what rings."""

from collections.abc import Awaitable, Callable

from antiphon_hub.errors import TimersError
from antiphon_hub.home.spoken import number_words
from antiphon_hub.skills.port import Reply, Request
from antiphon_hub.skills.timer_wording import TimerWording
from antiphon_hub.skills.wording import listed, sentence
from antiphon_hub.timers.desk import Desk
from antiphon_hub.timers.finding import Wanted
from antiphon_hub.timers.model import Entry
from antiphon_hub.timers.slots import due, length_s, said_time, weekdays_said
from antiphon_hub.timers.words import duration_words, turned
from antiphon_protocol.messages.timer import TimerKind

_KIND: dict[str, TimerKind] = {"Alarm": "alarm", "Reminder": "reminder"}


class AlarmSkill:
    """Sets alarms and reminders, tells of them, cancels them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._doing: dict[str, Callable[[Request, TimerKind], Awaitable[Reply]]] = {
            "AntiphonSet": self._set,
            "AntiphonCancel": self._cancel,
            "Antiphon": self._status,
        }
        self.intents = frozenset(
            {
                *("AntiphonSetAlarm", "AntiphonCancelAlarm", "AntiphonAlarmStatus"),
                *("AntiphonSetReminder", "AntiphonCancelReminder", "AntiphonReminderStatus"),
            }
        )

    async def do(self, request: Request) -> Reply:
        """Do it and say what came of it."""
        noun = "Alarm" if "Alarm" in request.intent else "Reminder"
        doing = self._doing[request.intent.partition(noun)[0]]
        try:
            return await doing(request, _KIND[noun])
        except TimersError as error:
            return Reply(str(error), ok=False, code="timers")

    async def _set(self, request: Request, kind: TimerKind) -> Reply:
        slots, now = request.slots, self._desk.now
        seconds, at, said = length_s(slots), due(slots, now), said_time(slots)
        if at is None and not seconds:
            text = "When?" if said is None else "That time has passed already."
            return Reply(text, ok=False, code="no-time")
        local = at.astimezone(now.tzinfo) if at else None
        days = weekdays_said(slots)
        likely = said.likely() if said and days else local
        entry = await self._desk.start(
            kind,
            f"{request.turn} {sorted(slots.items())}",
            length_s=seconds if at is None else 0.0,
            due=at,
            at_minute=likely.hour * 60 + likely.minute if likely else None,
            days=days,
            room=request.room,
            text=str(slots.get("text", "")),
        )
        words = self._words(request)
        when = f"in {duration_words(seconds)}" if at is None else f"at {words.when(entry)}"
        if kind == "reminder":
            return Reply(f"I will remind you to {turned(entry.text)} {when}.")
        return Reply(f"Alarm set {when.replace('at ', 'for ', 1) if at else when}.")

    async def _cancel(self, request: Request, kind: TimerKind) -> Reply:
        wanted, words = _wanted(request, kind), self._words(request)
        everything = bool(request.slots.get("all"))
        found = self._desk.all(wanted) if everything else self._desk.meant(wanted, request.room)
        if not found:
            return _none(kind)
        if len(found) > 1 and not everything:
            return Reply(words.which(found), ok=False, code="ambiguous")
        for entry in found:
            await self._desk.end(entry)
        if len(found) > 1:
            return Reply(sentence(f"{number_words(len(found))} {kind}s cancelled"))
        done = "stopped" if found[0].state == "ringing" else "cancelled"
        return Reply(sentence(f"{words.spoken(found[0])} {done}"))

    async def _status(self, request: Request, kind: TimerKind) -> Reply:
        found = self._desk.all(_wanted(request, kind))
        if not found:
            return Reply(_none(kind).text)  # who asks has been answered
        words = self._words(request)
        each = [_about(one, words) for one in found]
        noun = f"one {kind}" if len(found) == 1 else f"{number_words(len(found))} {kind}s"
        return Reply(f"You have {noun}: {listed(each)}.")

    def _words(self, request: Request) -> TimerWording:
        return TimerWording(request.room, self._desk.now, self._desk.same_room)


class SilencingSkill:
    """Stops what rings, or lets it ring again later.

    `stop` is said to silence a reply as well: where nothing rings, there is nothing to say.
    """

    intents = frozenset({"AntiphonSnooze", "AntiphonStopRinging", "AntiphonStop"})

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def do(self, request: Request) -> Reply:
        """Silence it."""
        found = [one for one in self._desk.all(Wanted()) if one.state == "ringing"]
        here = [one for one in found if self._desk.same_room(one.room, request.room)]
        if request.intent == "AntiphonStop":
            await self._stop(here)
            return Reply("")
        found = here or found
        if not found:
            return Reply("Nothing is ringing.", ok=False, code="no-alarm")
        if request.intent == "AntiphonStopRinging":
            await self._stop(found)
            return Reply("Okay.")
        for entry in found:
            after = await self._desk.snooze(entry, length_s(request.slots), request.turn)
        return Reply(f"Snoozed for {duration_words(after.left_at(self._desk.now_us))}.")

    async def _stop(self, entries: list[Entry]) -> None:
        for entry in entries:
            await self._desk.end(entry)


def _wanted(request: Request, kind: TimerKind) -> Wanted:
    said = said_time(request.slots)
    at = said.likely() if said else None
    return Wanted(
        kinds=(kind,),
        name=str(request.slots.get("text", "")),
        at_minute=None if at is None else at.hour * 60 + at.minute,
        exact=said is None or said.exact,
        room=str(request.slots.get("area", "")),
    )


def _about(entry: Entry, words: TimerWording) -> str:
    if entry.state == "ringing":
        return f"the {words.phrase(entry)} is ringing"
    what = f"{turned(entry.text)} at " if entry.text else ""
    return f"{what}{words.when(entry)}"


def _none(kind: TimerKind) -> Reply:
    return Reply(f"There is no {kind}.", ok=False, code=f"no-{kind}")
