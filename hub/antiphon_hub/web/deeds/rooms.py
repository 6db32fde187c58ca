"""Rooms: what they are doing, saying something there, volume, and telling the house what to do."""

from typing import Annotated, Any

import msgspec

from antiphon_hub.errors import ConsoleError
from antiphon_hub.identity.people import Scope
from antiphon_hub.web.board import RoomNow
from antiphon_hub.web.deed import Asked, Desk, Done, Nothing, Record, deed
from antiphon_protocol.limits import LIST_ITEMS_MAX
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskIntent, AskVolume
from antiphon_protocol.messages.fields import Name, Seconds, Text

SomeText = Annotated[Text, msgspec.Meta(min_length=1)]
SomeName = Annotated[Name, msgspec.Meta(min_length=1)]


class Rooms(Record, frozen=True, kw_only=True):
    """Every room that has or had a satellite since the hub's start."""

    rooms: tuple[RoomNow, ...]


class Volume(Record, frozen=True, kw_only=True):
    """How loud a room is."""

    room: str
    percent: int
    """What counts now: in quiet hours less than what was set."""
    do_not_disturb: bool


class Volumes(Record, frozen=True, kw_only=True):
    """The rooms' volumes."""

    rooms: tuple[Volume, ...]


class Told(Record, frozen=True, kw_only=True):
    """What became of an announcement."""

    message: str
    rooms: dict[str, str]


class Command(Asked, frozen=True, kw_only=True):
    """A sentence to do."""

    text: SomeText
    room: Name = ""
    """Where it counts as said."""
    speak: bool = False
    """Say the reply there, too."""


class Replied(Record, frozen=True, kw_only=True):
    """What the house made of a sentence."""

    message: str
    """The reply."""
    turn: str | None
    intent: str
    slots: dict[str, Any]


class Announce(Asked, frozen=True, kw_only=True):
    """Something to tell."""

    text: SomeText
    rooms: Annotated[tuple[SomeName, ...], msgspec.Meta(max_length=LIST_ITEMS_MAX)] = ()
    """Where; none: everywhere."""
    urgent: bool = False
    """Before everything else, at any time."""


class SetVolume(Asked, frozen=True, kw_only=True):
    """A room's volume or do-not-disturb."""

    room: SomeName
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    do_not_disturb: bool | None = None
    for_s: Seconds = 0.0
    """Do-not-disturb ends by itself after so long, seconds; 0: when somebody ends it."""


@deed("GET", "/rooms", Scope.READ)
async def now(desk: Desk, asked: Nothing) -> Rooms:
    """Tell what every room is doing."""
    del asked
    rooms = tuple(sorted(desk.live.board.rooms.values(), key=lambda one: one.name.lower()))
    if not desk.who.may(Scope.CONVERSATIONS):
        rooms = tuple(msgspec.structs.replace(one, partial="", heard="", reply="") for one in rooms)
    return Rooms(rooms=rooms)


@deed("POST", "/commands", Scope.CONTROL)
async def command(desk: Desk, asked: Command) -> Replied:
    """Do a sentence, as if it had been said in a room."""
    request = AskIntent(text=asked.text, room=asked.room, speak=asked.speak)
    answer = granted(await desk.house.ask.intent(request))
    return Replied(
        message=answer.reply or "Done.",
        turn=answer.turn,
        intent=answer.intent,
        slots=answer.slots,
    )


@deed("POST", "/announcements", Scope.CONTROL)
async def announce(desk: Desk, asked: Announce) -> Told:
    """Tell rooms something, all at the same moment."""
    request = AskAnnounce(
        text=asked.text, rooms=asked.rooms, priority="urgent" if asked.urgent else "normal"
    )
    answer = granted(await desk.house.ask.announce(request))
    rooms = {str(room): str(what) for room, what in answer.slots.get("rooms", {}).items()}
    told = ", ".join(f"{room}: {what}" for room, what in rooms.items())
    return Told(message=f"Told. {told}".strip(), rooms=rooms)


@deed("GET", "/volumes", Scope.READ)
async def volumes(desk: Desk, asked: Nothing) -> Volumes:
    """Tell the rooms' volumes."""
    del asked
    answer = await desk.house.ask.volume(AskVolume(room=""))
    return Volumes(rooms=_volumes(answer))


@deed("PUT", "/volumes/{room}", Scope.CONTROL)
async def set_volume(desk: Desk, asked: SetVolume) -> Volumes:
    """Set a room's volume or its do-not-disturb."""
    request = AskVolume(
        room=asked.room,
        percent=asked.percent,
        do_not_disturb=asked.do_not_disturb,
        for_s=asked.for_s,
    )
    return Volumes(rooms=_volumes(granted(await desk.house.ask.volume(request))))


@deed("POST", "/quiet", Scope.CONTROL)
async def hush(desk: Desk, asked: Nothing) -> Done:
    """Let nobody be disturbed anywhere, until somebody ends it."""
    del asked
    granted(await desk.house.ask.volume(AskVolume(room="", do_not_disturb=True)))
    return Done(message="Nobody is disturbed until you end it.")


def granted(answer: Answer) -> Answer:
    """Return an answer that is a yes.

    Raises:
        ConsoleError: it is a no; the message says why.
    """
    if not answer.ok:
        raise ConsoleError(409, answer.error or "the house could not do that")
    return answer


def _volumes(answer: Answer) -> tuple[Volume, ...]:
    rooms = answer.slots.get("rooms", {}) if answer.ok else {}
    return tuple(
        Volume(room=room, percent=one["percent"], do_not_disturb=one["do_not_disturb"])
        for room, one in sorted(rooms.items())
    )
