"""Several satellites hear one call: one answers, the others stay silent and stand by."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_hub.turns.arbitration.arbiter import WINDOW_S
from antiphon_hub.turns.caller import CHECK_THRESHOLD
from antiphon_protocol.limits import STAND_BY_SECONDS
from antiphon_protocol.messages.event import TurnStarted
from antiphon_protocol.messages.satellite import Counters, Listen, Play, ShowTurn, StopListening
from antiphon_protocol.messages.work import Cancel, Transcribe, WakeConfirmed, WorkFailed
from tests.support import virtual_time
from tests.support.examples import examples
from tests.support.turn_world import World, obliging

ROOMS = ("kitchen", "hall", "bath")


def played_out(folder: Path, story: Callable[[World], Awaitable[Any]], **options: bool) -> World:
    """A house with a satellite in each room, each of the room's name."""
    worlds: list[World] = []

    async def main() -> None:
        async with World(folder / "turns.sqlite", **options) as world:
            worlds.append(world)
            for room in ROOMS:
                world.satellite(room, room, wake="local")
            world.worker()
            await story(world)

    virtual_time.run(main())
    return worlds[0]


def told(world: World, satellite: str) -> list[str]:
    """What the satellite was told: the messages' names, and why it was stopped."""
    return [
        f"stop:{one.reason}" if isinstance(one, StopListening) else type(one).__name__
        for name, one in world.commands
        if name == satellite
    ]


ANSWERED = ["Listen", "stop:speech-ended", "Release", "ShowTurn", "Play", "ShowTurn"]
SILENT = ["stop:lost-arbitration"]


@pytest.mark.parametrize("order", [("kitchen", "hall"), ("hall", "kitchen")])
def test_the_best_answers_and_the_other_stays_silent(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    async def story(world: World) -> None:
        for name in order:
            world.call(f"s-{name}", name=name, level=-30.0 if name == "kitchen" else -50.0)
            await asyncio.sleep(0.1)
        await world.ended()
        await asyncio.sleep(10.0)

    world = played_out(tmp_path, story)
    assert told(world, "kitchen") == ANSWERED
    assert told(world, "hall") == SILENT
    assert told(world, "bath") == []
    (end,) = world.endings
    assert (end.outcome, end.room) == ("answered", "kitchen")
    assert [one.room for one in world.publisher.events if isinstance(one, TurnStarted)] == [
        "kitchen"
    ]
    table = end.trace["arbitration"]
    assert [row["satellite"] for row in table] == ["kitchen", "hall"]
    assert table[0]["score_db"] > table[1]["score_db"]
    assert world.mind.did == [end.turn]


def test_the_first_is_heard_at_once_and_a_better_one_takes_its_place(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call("s-hall", name="hall", level=-50.0)
        await asyncio.sleep(0.01)
        assert [type(job) for _, job in world.jobs] == [Transcribe]
        assert world.sent(Listen) == []
        await asyncio.sleep(0.15)
        world.call("s-kitchen", name="kitchen", level=-30.0)
        await world.ended()

    world = played_out(tmp_path, story)
    jobs = [job for _, job in world.jobs if isinstance(job, Transcribe | Cancel)]
    assert sorted(type(job).__name__ for job in jobs) == ["Cancel", "Transcribe", "Transcribe"]
    assert [job.stream for job in jobs if isinstance(job, Transcribe)] == ["s-hall", "s-kitchen"]
    assert world.turns.counts["turns"] == 2
    assert len(world.endings) == 1, "a turn that never began is nobody's"


def test_who_could_be_alone_does_not_wait(tmp_path: Path) -> None:
    """One satellite, and a second one without a wake engine: `Listen` leaves at once."""

    async def main() -> float:
        async with World(tmp_path / "turns.sqlite") as world:
            world.satellite("kitchen", "kitchen", wake="local")
            world.satellite("bath", "bath", wake="none")
            world.worker()
            world.call(name="kitchen")
            assert [type(one) for _, one in world.commands] == [Listen]
            await world.ended()
            return world.endings[0].timings["total"]

    assert virtual_time.run(main()) > 0


def test_with_others_listen_waits_for_the_window_and_no_longer(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call(name="kitchen")
        await asyncio.sleep(WINDOW_S - 0.01)
        assert world.commands == []
        await asyncio.sleep(0.02)
        assert told(world, "kitchen") == ["Listen"]
        await world.ended()

    played_out(tmp_path, story)


def test_a_button_is_answered_where_it_was_pressed(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call("s-hall", "button", "hall", level=-80.0)
        assert told(world, "hall") == ["Listen"]
        world.call("s-kitchen", name="kitchen", level=-30.0)
        await world.ended(2)

    world = played_out(tmp_path, story)
    assert {end.room for end in world.endings} == {"hall", "kitchen"}


def test_a_report_that_comes_late_but_was_of_the_same_call_stays_silent(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        now_s = asyncio.get_running_loop().time()
        world.call("s-kitchen", name="kitchen", heard_at_s=now_s)
        await asyncio.sleep(1.5)
        world.call("s-hall", name="hall", level=-10.0, heard_at_s=now_s + 0.1)
        await world.ended()

    world = played_out(tmp_path, story)
    assert told(world, "hall") == SILENT
    assert len(world.endings) == 1


def test_two_calls_a_second_apart_are_both_answered(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        now_s = asyncio.get_running_loop().time()
        world.call("s-kitchen", name="kitchen", heard_at_s=now_s - 1.0)
        world.call("s-hall", name="hall", heard_at_s=now_s)  # the other one's report was slow
        await world.ended(2)

    world = played_out(tmp_path, story)
    assert [end.outcome for end in world.endings] == ["answered"] * 2


def test_a_repeated_report_is_told_again_what_became_of_it(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        for _ in range(2):
            world.call("s-kitchen", name="kitchen", level=-30.0)
            world.call("s-hall", name="hall", level=-50.0)
        await world.ended()

    world = played_out(tmp_path, story)
    assert told(world, "hall") == SILENT * 2
    assert told(world, "kitchen") == ANSWERED


def test_a_loser_takes_over_when_the_winner_is_gone(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call("s-kitchen", name="kitchen", level=-30.0)
        world.call("s-hall", name="hall", level=-45.0)
        world.call("s-bath", name="bath", level=-50.0)
        await asyncio.sleep(1.0)
        world.lose_satellite("kitchen")
        await world.ended(2)

    world = played_out(tmp_path, story)
    assert told(world, "hall") == SILENT + ANSWERED
    assert told(world, "bath") == SILENT
    assert [(end.room, end.outcome, end.code) for end in world.endings] == [
        ("kitchen", "cancelled", "satellite-lost"),
        ("hall", "answered", ""),
    ]
    assert world.mind.did == [world.endings[1].turn]


def test_a_winner_that_goes_before_the_decision_leaves_the_call_to_the_next(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        world.call("s-kitchen", name="kitchen", level=-30.0)
        world.call("s-hall", name="hall", level=-45.0)
        await asyncio.sleep(0.1)
        world.lose_satellite("kitchen")
        await world.ended()

    world = played_out(tmp_path, story)
    assert told(world, "hall") == SILENT + ANSWERED
    assert [(end.room, end.outcome) for end in world.endings] == [("hall", "answered")]


def silent_stream(stream: str) -> Callable[[World, str, Any], None]:
    """A worker to which that stream says nothing."""

    def react(world: World, worker: str, command: Any) -> None:
        if isinstance(command, Transcribe) and command.stream == stream:
            text = "no audio for 2 s"
            failed = WorkFailed(job=command.job, code="no-audio", text=text, retryable=False)
            world.later(0.9, world.pool.fact, failed)
        else:
            obliging("do light")(world, worker, command)

    return react


def test_a_loser_takes_over_when_no_audio_comes_from_the_winner(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = silent_stream("s-kitchen")
        world.call("s-kitchen", name="kitchen", level=-30.0)
        world.call("s-hall", name="hall", level=-45.0)
        await world.ended(2)

    world = played_out(tmp_path, story)
    assert told(world, "hall") == SILENT + ANSWERED
    assert [(end.room, end.outcome) for end in world.endings] == [
        ("kitchen", "cancelled"),
        ("hall", "answered"),
    ]


def test_without_anybody_who_stands_by_a_dead_stream_fails_audibly(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = silent_stream("s-kitchen")
        world.call("s-kitchen", name="kitchen", level=-30.0)
        await world.ended()

    world = played_out(tmp_path, story)
    (end,) = world.endings
    assert (end.outcome, end.code) == ("failed", "no-audio")
    assert world.sent(ShowTurn)[-1].cue == "failed"


def test_nobody_takes_over_once_the_kept_audio_is_gone(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = lambda *_: None  # a worker that says nothing of the job for long
        world.call("s-kitchen", name="kitchen", level=-30.0)
        world.call("s-hall", name="hall", level=-45.0)
        await asyncio.sleep(0.5)
        for _ in range(int(STAND_BY_SECONDS)):
            await asyncio.sleep(1.0)
        world.lose_satellite("kitchen")
        await world.ended()

    world = played_out(tmp_path, story)
    assert told(world, "hall") == SILENT


def confirming(score_of: dict[str, float]) -> Callable[[World, str, Any], None]:
    """A worker that finds the wake phrase in these satellites' streams only."""

    def react(world: World, worker: str, command: Any) -> None:
        if not isinstance(command, Transcribe):
            obliging("do light")(world, worker, command)
            return
        assert command.wake is not None
        score = score_of.get(command.satellite)
        if score is None:
            text = "the wake phrase is not in the stream"
            failed = WorkFailed(job=command.job, code="no-wake", text=text, retryable=False)
            world.later(0.1, world.pool.fact, failed)
            return
        woken = WakeConfirmed(
            job=command.job, phrase="hey mycroft", engine="fake", score=score, end=16000
        )
        world.later(0.1, world.pool.fact, woken)
        obliging("do light")(world, worker, command)

    return react


def test_voices_compete_once_the_phrase_is_found_in_them(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = confirming({"kitchen": 0.9, "hall": 0.9})
        world.call("s-hall", "voice", "hall", level=-50.0)
        world.call("s-bath", "voice", "bath", level=-20.0)
        await asyncio.sleep(0.1)
        world.call("s-kitchen", "voice", "kitchen", level=-30.0)
        await world.ended()

    world = played_out(tmp_path, story)
    assert [(end.room, end.outcome) for end in world.endings] == [("kitchen", "answered")]
    assert told(world, "hall") == ["Listen", *SILENT]
    assert told(world, "bath")[:2] == ["Listen", "stop:no-wake"]


def test_the_second_look_rejects_silently(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = confirming({})
        world.call("s-kitchen", name="kitchen")
        await asyncio.sleep(20.0)

    world = played_out(tmp_path, story, check_wake=True)
    assert "stop:no-wake" in told(world, "kitchen")
    assert "Listen" not in told(world, "kitchen"), "no cue, no light"
    assert not world.sent(Play)
    assert world.endings == []
    assert all(one.cue is None for one in world.sent(ShowTurn))


def test_the_second_look_lets_a_call_through_that_it_hears_too(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = confirming({"kitchen": 0.7, "hall": 0.7})
        world.call("s-kitchen", name="kitchen", level=-30.0)
        world.call("s-hall", name="hall", level=-50.0)
        await world.ended()

    world = played_out(tmp_path, story, check_wake=True)
    assert told(world, "kitchen") == ANSWERED
    assert told(world, "hall") == SILENT
    (job,) = (one for _, one in world.jobs if isinstance(one, Transcribe))
    assert job.wake is not None
    assert (job.wake.phrases, job.wake.heard_by) == (("hey mycroft",), "one")
    assert job.wake.threshold == CHECK_THRESHOLD
    assert job.wake.household == b"of hey mycroft"


def test_two_engines_that_agree_need_no_second_look(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call("s-kitchen", name="kitchen", engine="one+other")
        await world.ended()

    world = played_out(tmp_path, story, check_wake=True)
    assert told(world, "kitchen") == ANSWERED
    (job,) = (one for _, one in world.jobs if isinstance(one, Transcribe))
    assert job.wake is None


def test_what_was_learned_survives_a_restart(tmp_path: Path) -> None:
    async def learn(world: World) -> None:
        for satellite in ("hall", "nobody"):
            world.turns.did(satellite, Counters(counts={}, noise_dbfs=-61.0))
        for number in range(3):
            world.call(f"s-{number}", name="kitchen", level=-40.0)
            await world.ended(number + 1)

    played_out(tmp_path, learn)

    async def read(world: World) -> None:
        await asyncio.sleep(0.1)
        known = world.gains.gains.known("kitchen")
        assert len(known.floors_dbfs) == len(known.wins_dbfs) == 3
        assert world.gains.gains.known("hall").floors_dbfs == [-61.0]
        assert world.gains.gains.known("nobody").floors_dbfs == []

    played_out(tmp_path, read)


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    reports=st.permutations(ROOMS),
    levels=st.lists(st.floats(-60, -20), min_size=3, max_size=3, unique=True),
    gaps_s=st.lists(st.floats(0, 0.12), min_size=3, max_size=3),
    lost=st.none() | st.tuples(st.sampled_from(ROOMS), st.floats(0.0, 2.5)),
)
def test_whatever_comes_when_one_room_answers_and_acts_once(
    tmp_path_factory: pytest.TempPathFactory,
    reports: list[str],
    levels: list[float],
    gaps_s: list[float],
    lost: tuple[str, float] | None,
) -> None:
    async def story(world: World) -> None:
        if lost is not None:
            world.later(lost[1], world.lose_satellite, lost[0])
        for name, level, gap_s in zip(reports, levels, gaps_s, strict=True):
            world.call(f"s-{name}", name=name, level=level)
            await asyncio.sleep(gap_s)
        await asyncio.sleep(30.0)

    world = played_out(tmp_path_factory.mktemp("house"), story)
    answered = [end for end in world.endings if end.outcome == "answered"]
    assert len(answered) <= 1
    assert len(world.mind.did) <= 1
    assert answered or lost is not None
    assert len({end.turn for end in world.endings}) == len(world.endings)
