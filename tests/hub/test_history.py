"""The journal read from outside: beside a running hub, after a stopped or a killed one."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from antiphon_hub.errors import StorageError
from antiphon_hub.turns.history import History, StoredTurn
from antiphon_hub.turns.journal import MIGRATIONS
from antiphon_hub.turns.record import without_speech, without_words
from antiphon_protocol.messages.event import TurnEnded
from tests.support import virtual_time
from tests.support.turn_world import World, obliging


def lived(
    state_dir: Path, calls: tuple[str, ...] = ("do light",), **options: bool
) -> list[TurnEnded]:
    """Have a house in which this is said, one after the other."""

    async def story() -> list[TurnEnded]:
        async with World(state_dir / "turns.sqlite", **options) as world:
            world.satellite()
            world.worker()
            for number, text in enumerate(calls):
                world.script = obliging(text)
                world.call(f"s{number}")
                await world.ended(number + 1)
            return world.endings

    return virtual_time.run(story())


def newest(state_dir: Path) -> StoredTurn:
    with History(state_dir) as history:
        return history.turn("last")


def test_a_turn_is_read_as_it_was_lived(tmp_path: Path) -> None:
    (end,) = lived(tmp_path, keep_text=True)
    turn = newest(tmp_path)
    assert (turn.turn, turn.room, turn.outcome) == (end.turn, "kitchen", "answered")
    assert (turn.transcript, turn.reply) == ("do light", "done light")
    assert turn.timings == end.timings
    assert turn.trace == end.trace
    assert turn.trace["streams"] == [{"id": "s0", "begin": 0, "wake_end": 0}]
    marks = list(turn.marks.values())
    assert marks == sorted(marks)
    assert turn.marks["woken"] == 0.0
    assert turn.marks["played"] - turn.marks["reply-began"] == pytest.approx(turn.timings["play"])


def test_nothing_spoken_is_in_it_unless_asked(tmp_path: Path) -> None:
    lived(tmp_path)
    turn = newest(tmp_path)
    assert (turn.transcript, turn.reply) == ("", "")
    assert "alternatives" not in turn.trace
    assert turn.trace["worker"] == "worker-1"


def test_no_depth_hides_what_was_spoken() -> None:
    trace = {"rooms": [{"id": "sat", "text": "secret", "level": 1}], "heard": {"said": "secret"}}
    assert without_speech(trace) == {"rooms": [{"id": "sat", "level": 1}], "heard": {}}


def test_slots_are_kept_without_words_of_ones_own() -> None:
    slots = {"area": "kitchen", "brightness": 40, "on": True, "what": "call mum", "items": ["tea"]}
    assert without_words(slots) == {"area": "kitchen", "brightness": 40, "on": True}


@pytest.mark.parametrize(
    ("wanted", "outcomes"),
    [
        ({}, ["cancelled", "failed", "answered"]),
        ({"outcome": "failed"}, ["failed"]),
        ({"outcome": "not-understood"}, ["failed"]),
        ({"room": "kitchen", "limit": 2}, ["cancelled", "failed"]),
        ({"room": "hall"}, []),
        ({"since_us": 2**62}, []),
    ],
)
def test_the_list_has_the_newest_that_fit(
    tmp_path: Path, wanted: dict[str, object], outcomes: list[str]
) -> None:
    lived(tmp_path, ("do light", "gibberish", ""))
    with History(tmp_path) as history:
        assert [turn.outcome for turn in history.turns(**wanted)] == outcomes  # type: ignore[arg-type]


def test_a_turn_is_named_by_the_begin_of_its_id(tmp_path: Path) -> None:
    (end,) = lived(tmp_path)
    with History(tmp_path) as history:
        for name in (end.turn, end.turn[:12], end.turn.removeprefix("turn-")[:6], "last"):
            assert history.turn(name).turn == end.turn


@pytest.mark.parametrize("name", ["turn-nothing", "", "%", "' OR 1=1 --"])
def test_a_wrong_name_is_said(tmp_path: Path, name: str) -> None:
    lived(tmp_path, ("do light", "do light"))
    with History(tmp_path) as history, pytest.raises(StorageError, match=r"turns? "):
        history.turn(name)


def test_a_begin_of_several_ids_is_no_name(tmp_path: Path) -> None:
    lived(tmp_path, ("do light", "do light"))
    with History(tmp_path) as history, pytest.raises(StorageError, match="several"):
        history.turn("turn-")


def test_it_is_read_while_the_hub_writes_and_after_it_was_killed(tmp_path: Path) -> None:
    lived(tmp_path)
    writer = sqlite3.connect(tmp_path / "turns.sqlite")
    writer.execute("UPDATE turns SET room = 'attic'")
    writer.commit()
    writer.execute("BEGIN IMMEDIATE")
    assert newest(tmp_path).room == "attic"
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in ("turns.sqlite", "turns.sqlite-wal"):
        shutil.copy(tmp_path / name, killed / name)
    writer.close()
    assert newest(killed).room == "attic", "it stands only in the log that the dead hub left"


def test_no_journal_is_said_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="--state-dir"):
        History(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", [1, len(MIGRATIONS) + 1])
def test_a_journal_of_another_version_is_said(tmp_path: Path, version: int) -> None:
    with sqlite3.connect(tmp_path / "turns.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(StorageError, match=f"version {version}"):
        History(tmp_path)


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "turns.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="database"):
        History(tmp_path)


def test_the_journal_is_for_one_account(tmp_path: Path) -> None:
    lived(tmp_path)
    assert (tmp_path / "turns.sqlite").stat().st_mode & 0o777 == 0o600
