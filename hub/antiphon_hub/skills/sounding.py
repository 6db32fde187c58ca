"""Telling other rooms something, and how loud this one is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from antiphon_hub.home.spoken import number_words
from antiphon_hub.nlu.meaning import Interpretation
from antiphon_hub.nlu.questions import Question
from antiphon_hub.skills.port import Reply, Request
from antiphon_hub.skills.wording import sentence
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskVolume

Volume = Callable[[AskVolume], Awaitable[Answer]]

TELLING_MAX: Final = 8
"""Announcements by voice that are under way; policy: reject."""
REFUSED_WITHIN_S: Final = 0.2
"""An announcement that nobody can hear is refused at once; any other takes longer."""


class Announce(Protocol):
    """Says something in other rooms."""

    def __call__(
        self, asked: AskAnnounce, *, turn: str, answer: Question | None
    ) -> Awaitable[Answer]:
        """Let them hear it, in the voice that spoke to that turn where it can be had.

        With an `answer`, the one room that is told may answer it at once.
        """
        ...


class SoundSkill:
    """Lets others hear what the speaker says, sets the volume, keeps a room undisturbed."""

    intents = frozenset(
        {"HassBroadcast", "AntiphonMessage", "AntiphonDoNotDisturb"}
        | {"HassSetVolume", "HassSetVolumeRelative"}
    )

    def __init__(self, announce: Announce, volume: Volume) -> None:
        self._announce = announce
        self._volume = volume
        self._telling: set[asyncio.Task[Answer]] = set()

    async def do(self, request: Request) -> Reply:
        """Do it; an announcement goes on while its speaker is answered."""
        match request.intent:
            case "HassBroadcast":
                return await self._tell(request)
            case "AntiphonMessage":
                return _ask_for_message(request)
            case "AntiphonDoNotDisturb":
                return await self._disturb(request)
            case _:
                return await self._set_volume(request)

    async def _tell(self, request: Request) -> Reply:
        room, call = str(request.slots.get("area", "")), bool(request.slots.get("call"))
        if len(self._telling) >= TELLING_MAX:
            return Reply("Too much is being announced already.", ok=False, code="busy")
        asked = AskAnnounce(
            text=sentence(str(request.slots.get("message", ""))),
            rooms=(room,) if room else (),
            except_rooms=() if room else (request.room,),
        )
        answer = _message("", request.room, call=True) if call else None
        announced = self._announce(asked, turn=request.turn, answer=answer)
        telling = asyncio.ensure_future(announced)
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)
        await asyncio.wait((telling,), timeout=REFUSED_WITHIN_S)
        where = f"the {room}" if room else "anybody else"
        if telling.done() and not telling.result().ok:
            return Reply(f"I can't tell {where} now.", ok=False, code="nobody-told")
        if call:
            return Reply("")  # two people talk: the house does not put in a word
        return Reply(f"I'm telling {f'the {room}' if room else 'everyone'}.")

    async def _disturb(self, request: Request) -> Reply:
        on = request.slots.get("state", "on") == "on"
        answer = await self._volume(AskVolume(room=request.room, do_not_disturb=on))
        if not answer.ok:
            return Reply("Sorry, that did not work.", ok=False, code="not-set")
        return Reply("I won't disturb you here." if on else "Announcements are heard here again.")

    async def _set_volume(self, request: Request) -> Reply:
        percent = request.slots.get("volume_level")
        step = request.slots.get("volume_step", 0)
        if percent is None:
            asked = AskVolume(room=request.room, change=int(step))
        else:
            asked = AskVolume(room=request.room, percent=int(percent))
        answer = await self._volume(asked)
        if not answer.ok:
            return Reply("Sorry, I can't set the volume here.", ok=False, code="not-set")
        now = max(one["percent"] for one in answer.slots["rooms"].values())
        return Reply(f"The volume is at {number_words(now)} percent.")


def _ask_for_message(request: Request) -> Reply:
    room = str(request.slots.get("area", ""))
    text = f"What shall I tell {f'the {room}' if room else 'everyone'}?"
    return Reply("", question=_message(text, room, call=bool(request.slots.get("call"))))


def _message(text: str, room: str, *, call: bool) -> Question:
    """Return the question for a message to a room, or to all; in a call it can be answered."""
    slots = {**({"area": room} if room else {}), **({"call": True} if call else {})}
    then = Interpretation("HassBroadcast", slots, (), "")
    return Question(kind="message", text=text, then=then)
