"""Satellites and hubs that vanish in mid-turn and come back: one turn, one act, one ending."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.turns.calls import CALLS_REMEMBERED, Calls, turn_of
from antiphon_protocol.ids import is_slug
from antiphon_protocol.messages.satellite import Listen, ShowTurn, StopListening
from antiphon_protocol.messages.work import Transcribe
from tests.support import virtual_time
from tests.support.turn_world import World

SLUGS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True)


def played_out(
    tmp_path: Path, story: Callable[[World], Awaitable[Any]], *, known: bool = False
) -> World:
    async def main() -> World:
        async with World(tmp_path / "turns.sqlite") as world:
            if known:
                await world.journal.unfinished()
                world.turns.calls.recall(await world.journal.recent(CALLS_REMEMBERED))
            world.satellite()
            world.worker()
            await story(world)
            return world

    return virtual_time.run(main())


@given(SLUGS)
def test_a_turns_id_follows_from_its_streams(stream: str) -> None:
    assert is_slug(turn_of(stream))
    assert turn_of(stream) == turn_of(stream)


@given(st.lists(st.integers(0, 2000), max_size=1500))
def test_calls_are_bounded_and_each_begins_once(numbers: list[int]) -> None:
    calls, began = Calls(), list[int]()
    for number in numbers:
        if calls.begin(f"turn-{number}"):
            began.append(number)
    recent = began[-CALLS_REMEMBERED:]
    assert not any(calls.begin(f"turn-{number}") for number in recent)
    assert len(calls._outcomes) <= CALLS_REMEMBERED


def test_a_satellite_that_is_soon_back_is_reminded_and_answered(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call()
        await asyncio.sleep(1.0)
        world.turns.left("sat")
        await asyncio.sleep(1.5)  # the speech has ended meanwhile, and nobody was told
        world.turns.joined("sat")
        await world.ended()

    world = played_out(tmp_path, story)
    assert [end.outcome for end in world.endings] == ["answered"]
    first, again = world.sent(Listen)
    assert first == again
    assert [one.reason for one in world.sent(StopListening)] == ["speech-ended"] * 2


def started_anew(tmp_path: Path, after_s: float) -> World:
    """Have a satellite's program start anew so long after a call."""

    async def story(world: World) -> None:
        world.call()
        await asyncio.sleep(after_s)
        world.turns.left("sat")
        world.satellite(instance="two")
        world.turns.joined("sat")
        await world.ended()

    return played_out(tmp_path, story)


def test_a_satellite_that_was_started_anew_opens_no_microphone_by_itself(tmp_path: Path) -> None:
    world = started_anew(tmp_path, 0.2)
    assert [(end.outcome, end.code) for end in world.endings] == [("cancelled", "satellite-lost")]
    assert len(world.sent(Listen)) == 1


def test_what_was_said_before_its_satellite_was_started_anew_is_answered(tmp_path: Path) -> None:
    world = started_anew(tmp_path, 2.5)
    assert [end.outcome for end in world.endings] == ["answered"]


def test_a_call_that_comes_again_in_mid_turn_is_confirmed_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call("stream-7")
        await asyncio.sleep(1.0)
        world.call("stream-7")
        await world.ended()

    world = played_out(tmp_path, story)
    assert len(world.sent(Listen)) == 2
    assert len(world.mind.did) == 1
    assert [end.turn for end in world.endings] == ["turn-7"]


def test_a_call_whose_turn_is_over_is_told_so_and_had_no_second_time(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call("stream-7")
        await world.ended()
        world.call("stream-7")
        await asyncio.sleep(30)

    world = played_out(tmp_path, story)
    assert len(world.endings) == len(world.mind.did) == 1
    assert world.sent(ShowTurn)[-1] == ShowTurn(turn="turn-7", state="answered")


def copied(folder: Path, left: Path) -> None:
    left.mkdir()
    for file in folder.glob("turns.sqlite*"):
        shutil.copy(file, left)


def killed_after(tmp_path: Path, seconds: float) -> Path:
    """Let a hub be killed in mid-turn; return the folder with the journal that it left."""
    left = tmp_path / "left"

    async def story(world: World) -> None:
        world.call("stream-7")
        await asyncio.sleep(seconds)
        assert not world.endings
        copied(tmp_path, left)

    played_out(tmp_path, story)
    return left


async def called_again(world: World) -> None:
    world.call("stream-7")
    await asyncio.sleep(30)


def test_a_hub_started_again_takes_a_call_that_was_not_acted_on(tmp_path: Path) -> None:
    world = played_out(killed_after(tmp_path, 1.0), called_again, known=True)
    assert world.mind.did == ["turn-7"]
    assert [end.outcome for end in world.endings] == ["answered"]


def test_a_hub_started_again_never_acts_twice_and_gives_a_sign(tmp_path: Path) -> None:
    world = played_out(killed_after(tmp_path, 2.5), called_again, known=True)
    assert world.mind.did == []
    assert not any(isinstance(job, Transcribe) for _, job in world.jobs)
    assert world.sent(ShowTurn) == [ShowTurn(turn="turn-7", state="cancelled", cue="failed")]
