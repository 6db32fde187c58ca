"""Timers: set, asked for and changed by voice, from any room."""

from collections.abc import Awaitable, Callable
from typing import Final

from antiphon_hub.errors import TimersError
from antiphon_hub.home.spoken import number_words
from antiphon_hub.skills.port import Reply, Request
from antiphon_hub.skills.timer_wording import TimerWording
from antiphon_hub.skills.wording import sentence
from antiphon_hub.timers.desk import Desk
from antiphon_hub.timers.finding import Wanted
from antiphon_hub.timers.model import Entry, EntryState
from antiphon_hub.timers.slots import length_s
from antiphon_hub.timers.words import bare_phrase, duration_words

_PREFERRED: Final[dict[str, EntryState]] = {
    "HassPauseTimer": "running",
    "HassUnpauseTimer": "paused",
}
"""Of several, those that can be meant."""

Doing = Callable[[Request, Entry, TimerWording], Awaitable[str]]


class TimerSkill:
    """Sets timers, tells what is left, changes and cancels them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one: dict[str, Doing] = {
            "HassCancelTimer": self._cancel,
            "HassIncreaseTimer": self._lengthen,
            "HassDecreaseTimer": self._lengthen,
            "HassPauseTimer": self._pause,
            "HassUnpauseTimer": self._resume,
        }
        self.intents = frozenset(
            {"HassStartTimer", "HassTimerStatus", "HassCancelAllTimers", *self._one}
        )

    async def do(self, request: Request) -> Reply:
        """Do it and say what came of it."""
        words = TimerWording(request.room, self._desk.now, self._desk.same_room)
        try:
            match request.intent:
                case "HassStartTimer":
                    return await self._start(request, words)
                case "HassTimerStatus":
                    return self._status(request, words)
                case "HassCancelAllTimers":
                    return await self._cancel_all(request)
            return await self._change(request, words)
        except TimersError as error:
            return Reply(str(error), ok=False, code="timers")

    async def _start(self, request: Request, words: TimerWording) -> Reply:
        if "conversation_command" in request.slots:
            what = "Sorry, I can't do that later. I can set a timer, or remind you."
            return Reply(what, ok=False, code="no-skill")
        entry = await self._desk.start(
            "timer",
            f"{request.turn} {sorted(request.slots.items())}",
            length_s=length_s(request.slots),
            room=str(request.slots.get("area", request.room)),
            name=str(request.slots.get("name", "")),
        )
        called = words.phrase(entry if entry.name else _without_length(entry))
        return Reply(sentence(f"{called} set for {duration_words(entry.length_s)}"))

    def _status(self, request: Request, words: TimerWording) -> Reply:
        wanted = _wanted(request)
        if request.response != "all" and not wanted.vague:
            found = self._desk.meant(wanted, request.room)
        else:
            found = self._desk.all(wanted)
        if not found:
            return Reply(_none(wanted).text)  # who asks has been answered
        if len(found) == 1:
            return Reply(sentence(words.left(found[0])))
        return Reply(f"{number_words(len(found)).capitalize()} timers: {words.all_left(found)}")

    async def _cancel_all(self, request: Request) -> Reply:
        found = self._desk.all(_wanted(request))
        if not found:
            return _none(_wanted(request))
        for entry in found:
            await self._desk.end(entry)
        count = number_words(len(found))
        return Reply(sentence(f"{count} timer{'' if len(found) == 1 else 's'} cancelled"))

    async def _change(self, request: Request, words: TimerWording) -> Reply:
        wanted = _wanted(request)
        found = self._desk.meant(wanted, request.room)
        state = _PREFERRED.get(request.intent)
        found = [one for one in found if one.state == state] or found
        if not found:
            return _none(wanted)
        if len({words.phrase(one) for one in found}) > 1:
            return Reply(words.which(found), ok=False, code="ambiguous")
        return Reply(sentence(await self._one[request.intent](request, found[0], words)))

    async def _cancel(self, request: Request, entry: Entry, words: TimerWording) -> str:
        del request
        await self._desk.end(entry)
        return f"{words.phrase(entry)} {'stopped' if entry.state == 'ringing' else 'cancelled'}"

    async def _lengthen(self, request: Request, entry: Entry, words: TimerWording) -> str:
        sign = -1 if request.intent == "HassDecreaseTimer" else 1
        after = await self._desk.lengthen(entry, sign * length_s(request.slots), request.turn)
        return words.left(after)

    async def _pause(self, request: Request, entry: Entry, words: TimerWording) -> str:
        return words.left(await self._desk.pause(entry, request.turn))

    async def _resume(self, request: Request, entry: Entry, words: TimerWording) -> str:
        return words.left(await self._desk.resume(entry, request.turn))


def _wanted(request: Request) -> Wanted:
    return Wanted(
        kinds=("timer",),
        name=str(request.slots.get("name", "")),
        length_s=length_s(request.slots, "start_"),
        room=str(request.slots.get("area", "")),
    )


def _none(wanted: Wanted) -> Reply:
    called = Entry(id="", kind="timer", due_us=0, name=wanted.name, length_s=wanted.length_s)
    where = f" in the {wanted.room}" if wanted.room else ""
    return Reply(f"There is no {bare_phrase(called)}{where}.", ok=False, code="no-timer")


def _without_length(entry: Entry) -> Entry:
    return Entry(id=entry.id, kind=entry.kind, due_us=entry.due_us, room=entry.room)
