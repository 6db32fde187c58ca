"""Telling other rooms something, and how loud this one is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from antiphon_hub.home.spoken import number_words
from antiphon_hub.skills.port import Reply, Request
from antiphon_hub.skills.wording import sentence
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskVolume

Announce = Callable[[AskAnnounce], Awaitable[Answer]]
Volume = Callable[[AskVolume], Awaitable[Answer]]

TELLING_MAX: Final = 8
"""Announcements by voice that are under way; policy: reject."""
REFUSED_WITHIN_S: Final = 0.2
"""An announcement that nobody can hear is refused at once; any other takes longer."""


class SoundSkill:
    """Announces what the speaker says, sets the volume, keeps a room undisturbed."""

    intents = frozenset(
        {"HassBroadcast", "HassSetVolume", "HassSetVolumeRelative", "AntiphonDoNotDisturb"}
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
            case "AntiphonDoNotDisturb":
                return await self._disturb(request)
            case _:
                return await self._set_volume(request)

    async def _tell(self, request: Request) -> Reply:
        room = str(request.slots.get("area", ""))
        if len(self._telling) >= TELLING_MAX:
            return Reply("Too much is being announced already.", ok=False, code="busy")
        asked = AskAnnounce(
            text=sentence(str(request.slots.get("message", ""))),
            rooms=(room,) if room else (),
            except_rooms=() if room else (request.room,),
        )
        telling = asyncio.ensure_future(self._announce(asked))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)
        await asyncio.wait((telling,), timeout=REFUSED_WITHIN_S)
        where = f"the {room}" if room else "anybody else"
        if telling.done() and not telling.result().ok:
            return Reply(f"I can't tell {where} now.", ok=False, code="nobody-told")
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
