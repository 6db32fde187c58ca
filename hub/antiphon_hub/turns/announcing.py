"""Which rooms an announcement goes to, and which only get to know that there was one."""

from collections.abc import Collection
from typing import Final

import msgspec

from antiphon_hub.nlu.questions import Question
from antiphon_hub.turns.ports import Rooms, Satellite
from antiphon_hub.turns.record import Spoken
from antiphon_protocol.messages.ask import AskAnnounce
from antiphon_protocol.messages.satellite import PlaybackKind

CHIMED: Final = "chimed"


class Voice(msgspec.Struct, frozen=True):
    """Whose voice announces, where that is not the house's."""

    turn: str = ""
    """The turn in which it was spoken: others hear it as it was said."""
    answer: Question | None = None
    """What an answer to it, spoken in the other room right behind it, leads to."""


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn announces, and how."""

    text: str
    kind: PlaybackKind
    spoken: Spoken | None = None
    answer: Question | None = None


class Plan(msgspec.Struct, frozen=True):
    """An announcement's way."""

    satellites: tuple[Satellite, ...] = ()
    """Those that play it."""
    rooms: dict[str, str] = {}
    """Rooms that do not: `chimed`, or why it is refused."""
    chime: tuple[str, ...] = ()
    """Rooms where a sound tells that there was one."""
    error: str = ""
    """Why it goes nowhere."""


def plan(request: AskAnnounce, here: Collection[Satellite], rooms: Rooms) -> Plan:
    """Return where the announcement goes; `here` are all satellites."""
    if not request.text.strip():
        return Plan(error='nothing to say: give {"text": "..."}')
    speakers = [one for one in here if one.speaks]
    known = {_key(one.room): one.room for one in speakers}
    wanted = {_key(room) for room in request.rooms} or set(known)
    missing = sorted(room for room in request.rooms if _key(room) not in known)
    wanted -= {_key(room) for room in request.except_rooms}
    if missing or not wanted:
        where = f"no satellite in {', '.join(map(repr, missing))}" if missing else "nobody to tell"
        names = ", ".join(sorted(known.values())) or "no room"
        return Plan(error=f"{where}; there are satellites in: {names}")
    urgent = request.priority == "urgent"
    verdicts = {known[room]: rooms.verdict(known[room], urgent=urgent) for room in sorted(wanted)}
    return Plan(
        satellites=tuple(one for one in speakers if verdicts.get(one.room) == "play"),
        rooms={
            room: CHIMED if verdict == "chime" else verdict
            for room, verdict in verdicts.items()
            if verdict != "play"
        },
        chime=tuple(room for room, verdict in verdicts.items() if verdict == "chime"),
    )


def _key(room: str) -> str:
    return room.strip().lower()
