"""Conversations: what was said and done, as far as the owner keeps it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from antiphon_hub.errors import ConsoleError, StorageError
from antiphon_hub.identity.people import Scope
from antiphon_hub.recordings.shelf import files_of
from antiphon_hub.turns.history import History, StoredTurn, Wanted, WrongMark
from antiphon_hub.turns.waterfall import Bar, bars
from antiphon_hub.web.deed import Asked, Desk, Done, Record, deed
from antiphon_hub.web.waves import Wave, wave_of
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Name

T = TypeVar("T")
PAGE: Final = 25
WAVE_COLUMNS: Final = 240


class Search(Asked, frozen=True, kw_only=True):
    """Which conversations; the newest first."""

    text: Name = ""
    """Stands in what was heard, meant or replied."""
    room: Name = ""
    outcome: Name = ""
    """`answered`, `failed`, `cancelled`, or a reason such as `not-understood`."""
    wrong: bool = False
    """Only those that were marked as wrong."""
    before_us: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    """Only older ones, microseconds since 1970; 0: from the newest on."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = PAGE


class OneTurn(Asked, frozen=True, kw_only=True):
    """A conversation."""

    turn: Slug


class Meant(Asked, frozen=True, kw_only=True):
    """What was wrong."""

    turn: Slug
    meant: Annotated[str, msgspec.Meta(max_length=240)] = ""
    """What was said or meant in truth; empty: only that it was wrong."""


class Conversations(Record, frozen=True, kw_only=True):
    """Some of them."""

    turns: tuple[StoredTurn, ...]
    more: bool
    """There are older ones."""
    rooms: tuple[str, ...]
    """Rooms that conversations are known of."""
    kept: Literal["words", "meanings", "nothing"]
    """What the owner lets the house keep."""


class Sound(Record, frozen=True, kw_only=True):
    """Audio of a conversation that is kept."""

    number: int
    seconds: float
    peaks: tuple[float, ...]
    """The wave, 0 to 1, evenly over time."""


class Conversation(Record, frozen=True, kw_only=True):
    """One of them, with all that is known."""

    turn: StoredTurn
    bars: tuple[Bar, ...]
    sounds: tuple[Sound, ...]
    wrong: WrongMark | None


@deed("GET", "/conversations", Scope.CONVERSATIONS)
async def search(desk: Desk, asked: Search) -> Conversations:
    """Find conversations."""
    wanted = Wanted(
        text=asked.text,
        room=asked.room,
        outcome=asked.outcome,
        wrong=asked.wrong,
        before_us=asked.before_us,
        limit=asked.limit + 1,
    )

    def read(history: History) -> tuple[list[StoredTurn], list[str]]:
        return history.find(wanted), history.rooms()

    found, rooms = await _read(desk, read)
    kept = desk.house.settings.journal
    return Conversations(
        turns=tuple(found[: asked.limit]),
        more=len(found) > asked.limit,
        rooms=tuple(rooms),
        kept="nothing" if not kept.keep_days else "words" if kept.keep_text else "meanings",
    )


@deed("GET", "/conversations/{turn}", Scope.CONVERSATIONS)
async def show(desk: Desk, asked: OneTurn) -> Conversation:
    """Tell all that is known of one conversation."""
    folder = desk.house.state_dir

    def read(history: History) -> Conversation:
        found = history.exactly(asked.turn)
        if found is None:
            raise ConsoleError(404, "this conversation is no longer kept, or never was")
        sounds = [
            (number, wave)
            for number, file in enumerate(files_of(folder, found.turn))
            if (wave := _wave(file)) is not None
        ]
        return Conversation(
            turn=found,
            bars=tuple(bars(found)),
            sounds=tuple(
                Sound(number=number, seconds=wave.seconds, peaks=wave.peaks)
                for number, wave in sounds
            ),
            wrong=history.wrong(found.turn),
        )

    return await _read(desk, read)


@deed("POST", "/conversations/{turn}/wrong", Scope.CONVERSATIONS)
async def wrong(desk: Desk, asked: Meant) -> Done:
    """Mark a conversation as wrong, perhaps with what was meant."""
    marked = await desk.house.mark_wrong(asked.turn, asked.meant.strip(), desk.who.person.name)
    if not marked:
        raise ConsoleError(404, "this conversation is no longer kept, or never was")
    await desk.audit("marked a conversation as wrong", asked.turn)
    return Done(message="Noted. Thank you: this is how it gets better.")


def sound_file(folder: Path, turn: str, number: int) -> Path | None:
    """Return the file of a conversation's audio; None: it is not kept. Blocking."""
    found = files_of(folder, turn)
    return found[number] if 0 <= number < len(found) else None


def _wave(file: Path) -> Wave | None:
    try:
        return wave_of(file, WAVE_COLUMNS)
    except (OSError, ValueError):
        return None  # it is past its retention since a moment, or damaged


async def _read(desk: Desk, work: Callable[[History], T]) -> T:
    def read() -> T:
        with History(desk.house.state_dir) as history:
            return work(history)

    try:
        return await asyncio.to_thread(read)
    except StorageError as error:
        raise ConsoleError(503, f"the journal cannot be read now: {error}") from None
