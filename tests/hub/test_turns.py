"""Turns as dialogues in virtual time: each ends once, and the person gets a sign."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_hub.errors import StorageError
from antiphon_protocol.messages.ask import AskIntent, AskSay
from antiphon_protocol.messages.event import TurnEnded
from antiphon_protocol.messages.satellite import (
    Listen,
    Play,
    Release,
    Resend,
    ShowTurn,
    StopListening,
    StopPlaying,
)
from antiphon_protocol.messages.work import (
    Cancel,
    Endpointing,
    FramesMissing,
    Heard,
    SpeechBegan,
    Synthesize,
    Transcribe,
    WakeConfirmed,
    WorkBegan,
    WorkFailed,
)
from tests.support import virtual_time
from tests.support.examples import examples
from tests.support.turn_world import Script, World, hear, obliging, speak


def played_out(tmp_path: Path, story: Callable[[World], Awaitable[Any]], **options: bool) -> World:
    world: list[World] = []

    async def main() -> None:
        async with World(tmp_path / "turns.sqlite", **options) as one:
            world.append(one)
            one.satellite()
            one.worker()
            await story(one)

    virtual_time.run(main())
    return world[0]


async def called_and_ended(world: World) -> None:
    world.call()
    await world.ended()


def test_a_call_is_heard_understood_done_and_answered(tmp_path: Path) -> None:
    world = played_out(tmp_path, called_and_ended)
    assert world.kinds == [
        "SatelliteJoined",
        "WorkerJoined",
        "RoomDucked",
        "TurnStarted",
        "PartlyHeard",
        "CommandHeard",
        "Understood",
        "ReplyBegan",
        "RoomDucked",
        "TurnEnded",
    ]
    (end,) = world.endings
    assert (end.outcome, end.transcript, end.intent) == ("answered", "do light", "light")
    assert (end.reply, end.room) == ("done light", "kitchen")
    assert world.mind.did == [end.turn]


def test_the_satellite_is_told_each_step_in_order(tmp_path: Path) -> None:
    world = played_out(tmp_path, called_and_ended)
    steps = [type(command) for _, command in world.commands]
    assert steps == [Listen, StopListening, Release, ShowTurn, Play, ShowTurn]
    listen, play = world.sent(Listen)[0], world.sent(Play)[0]
    assert listen.playback == play.playback
    assert [one.state for one in world.sent(ShowTurn)] == ["thinking", "answered"]


def test_timings_tell_engines_from_what_is_ours(tmp_path: Path) -> None:
    (end,) = played_out(tmp_path, called_and_ended).endings
    timings = end.timings
    assert timings["endpoint"] == pytest.approx(250.0)
    assert timings["recognise_engine"] == 50.0
    assert timings["synthesize_engine"] == 5.0
    assert timings["ours"] == pytest.approx(timings["answer"] - 55.0, abs=0.1)
    assert timings["listen"] == pytest.approx(2000, abs=1)


def test_the_journal_keeps_no_speech_unless_asked(tmp_path: Path) -> None:
    played_out(tmp_path, called_and_ended)
    stored = (tmp_path / "turns.sqlite").read_bytes() + (
        (tmp_path / "turns.sqlite-wal").read_bytes()
        if (tmp_path / "turns.sqlite-wal").exists()
        else b""
    )
    assert b"do light" not in stored
    assert b"done light" not in stored
    kept = tmp_path / "kept"
    kept.mkdir()
    played_out(kept, called_and_ended, keep_text=True)
    assert b"done light" in (kept / "turns.sqlite").read_bytes()


def test_nothing_said_is_cancelled_in_silence(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = obliging("")
        await called_and_ended(world)

    world = played_out(tmp_path, story)
    (end,) = world.endings
    assert (end.outcome, end.code) == ("cancelled", "nothing-said")
    assert not world.sent(Play)
    assert world.sent(ShowTurn)[-1].state == "cancelled"


@pytest.mark.parametrize(
    ("text", "rejected", "say"),
    [("gibberish", False, "What did you mean?"), ("x", True, "Sorry, I didn't catch that.")],
)
def test_what_is_not_understood_is_asked_back(
    tmp_path: Path, text: str, rejected: bool, say: str
) -> None:
    async def story(world: World) -> None:
        world.script = obliging(text, rejected=rejected, confidence=0.2)
        await called_and_ended(world)

    world = played_out(tmp_path, story)
    (end,) = world.endings
    assert (end.outcome, end.code, end.reply) == ("failed", "not-understood", say)
    assert world.mind.did == []
    assert world.sent(ShowTurn)[-1].cue is None


def test_a_lost_workers_job_goes_to_the_next_with_all_audio_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.worker("worker-2")

        def script(inner: World, worker: str, command: Any) -> None:
            match command:
                case Transcribe() if len(inner.jobs) == 1:
                    began = WorkBegan(job=command.job, worker=worker, engine="fake")
                    inner.later(0.01, inner.pool.fact, began)
                    inner.later(1.0, inner.lose_worker, worker)
                case Transcribe():
                    hear(inner, worker, command, "do light")
                case Synthesize():
                    speak(inner, worker, command)

        world.script = script
        await called_and_ended(world)

    world = played_out(tmp_path, story)
    (end,) = world.endings
    assert end.outcome == "answered"
    (again,) = world.sent(Resend)
    assert again.first == 0
    assert len(world.mind.did) == 1


def test_without_another_worker_the_person_knows_within_three_seconds(tmp_path: Path) -> None:
    times: list[float] = []

    async def story(world: World) -> None:
        world.script = lambda *_: None
        world.call()
        await asyncio.sleep(0.5)
        world.lose_worker()
        times.append(asyncio.get_running_loop().time())
        await world.ended()
        times.append(asyncio.get_running_loop().time())

    world = played_out(tmp_path, story)
    (end,) = world.endings
    assert (end.outcome, end.code) == ("failed", "worker-lost")
    assert times[1] - times[0] < 3.0
    assert world.sent(ShowTurn)[-1].cue == "failed"


def test_a_worker_that_is_back_soon_takes_the_job(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        silent: Script = lambda *_: None  # noqa: E731 - a script in place
        world.script = silent
        world.call()
        await asyncio.sleep(0.5)
        world.lose_worker()
        world.script = obliging("do light")
        await asyncio.sleep(1.5)
        world.worker()
        await world.ended()

    (end,) = played_out(tmp_path, story).endings
    assert end.outcome == "answered"


def test_a_job_that_nobody_takes_is_no_hang(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.script = lambda *_: None
        await called_and_ended(world)

    world = played_out(tmp_path, story)
    assert world.endings[0].code == "worker-lost"
    assert any(isinstance(command, Cancel) for _, command in world.jobs)


def test_holes_in_the_stream_are_asked_for_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        def script(inner: World, worker: str, command: Any) -> None:
            if isinstance(command, Transcribe):
                hole = FramesMissing(job=command.job, stream=command.stream, first=3, last=5)
                inner.later(0.5, inner.pool.fact, hole)
            obliging("do light")(inner, worker, command)

        world.script = script
        await called_and_ended(world)

    (again,) = played_out(tmp_path, story).sent(Resend)
    assert (again.first, again.last) == (3, 5)


def test_a_voice_without_the_wake_phrase_is_nobodys_turn(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        def script(inner: World, _: str, command: Any) -> None:
            if isinstance(command, Transcribe):
                assert command.wake is not None
                fact = WorkFailed(job=command.job, code="no-wake", text="", retryable=False)
                inner.later(1.0, inner.pool.fact, fact)

        world.script = script
        world.call(cause="voice")
        await asyncio.sleep(5)

    world = played_out(tmp_path, story)
    assert world.kinds == ["SatelliteJoined", "WorkerJoined"]
    assert world.sent(StopListening)[0].reason == "no-wake"


def test_a_voice_with_the_wake_phrase_becomes_a_turn_when_it_is_confirmed(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        def script(inner: World, worker: str, command: Any) -> None:
            if isinstance(command, Transcribe):
                woken = WakeConfirmed(
                    job=command.job, phrase="hey mycroft", engine="fake", score=0.8, end=16000
                )
                inner.later(0.3, inner.pool.fact, woken)
            obliging("do light")(inner, worker, command)

        world.script = script
        world.call(cause="voice")
        await world.ended()

    world = played_out(tmp_path, story)
    assert world.kinds.count("TurnStarted") == 1
    assert world.endings[0].outcome == "answered"


def test_a_new_call_supersedes_the_running_turn(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call("s1")
        await asyncio.sleep(1.0)
        world.call("s2")
        await world.ended(2)

    world = played_out(tmp_path, story)
    assert [end.outcome for end in world.endings] == ["cancelled", "answered"]
    assert world.endings[0].code == "superseded"
    assert world.sent(StopPlaying)


def test_the_same_call_delivered_twice_is_one_turn(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call("s1")
        world.call("s1")
        await world.ended()
        await asyncio.sleep(10)

    world = played_out(tmp_path, story)
    assert len(world.endings) == 1
    assert len(world.mind.did) == 1


def test_a_call_of_a_stranger_is_ignored(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call(name="stranger")
        await asyncio.sleep(5)

    world = played_out(tmp_path, story)
    assert world.endings == []
    assert world.turns.counts["refused"] == 1


def test_a_turn_dies_with_a_satellite_that_stays_away(tmp_path: Path) -> None:
    def listens_for_ever(world: World, worker: str, command: object) -> None:
        if isinstance(command, Transcribe):
            began = WorkBegan(job=command.job, worker=worker, engine="fake")
            world.later(0.01, world.pool.fact, began)

    async def story(world: World) -> None:
        world.script = listens_for_ever
        world.call()
        await asyncio.sleep(1.0)
        world.turns.left("sat")
        await asyncio.sleep(5.5)
        assert not world.endings, "it may come back"
        await world.ended()

    (end,) = played_out(tmp_path, story).endings
    assert (end.outcome, end.code) == ("cancelled", "satellite-lost")


def test_a_broken_skill_ends_its_own_turn_only(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.mind.breaks = True
        world.call("s1")
        await world.ended()
        world.mind.breaks = False
        world.call("s2")
        await world.ended(2)

    world = played_out(tmp_path, story)
    assert [end.outcome for end in world.endings] == ["failed", "answered"]


def test_nothing_is_done_when_the_journal_cannot_be_written(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async def full(*_: object) -> bool:
            raise StorageError("disk full")

        world.journal.act_once = full  # type: ignore[method-assign, assignment]
        await called_and_ended(world)

    world = played_out(tmp_path, story)
    (end,) = world.endings
    assert (end.outcome, end.code) == ("failed", "storage")
    assert world.mind.did == []


def test_a_turn_left_by_a_stopped_hub_is_ended_and_never_done_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.call()
        await asyncio.sleep(2.5)  # it has acted, and is speaking

    world = played_out(tmp_path, story)
    assert [end.code for end in world.endings] == ["hub-stopped"]

    async def look() -> list[Any]:
        async with World(tmp_path / "turns.sqlite") as again:
            return await again.journal.unfinished()

    assert virtual_time.run(look()) == []


def test_a_reply_that_is_never_played_fails_the_turn(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.plays = False
        await called_and_ended(world)

    (end,) = played_out(tmp_path, story).endings
    assert (end.outcome, end.code) == ("failed", "no-speaker")


def test_a_voice_that_breaks_off_is_not_said_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.worker("worker-2")

        def script(inner: World, worker: str, command: Any) -> None:
            match command:
                case Transcribe():
                    hear(inner, worker, command, "do light")
                case Synthesize():
                    began = SpeechBegan(job=command.job, engine="fake", engine_ms=1.0)
                    inner.later(0.01, inner.pool.fact, began)
                    inner.later(0.1, inner.lose_worker, worker)

        world.script = script
        await called_and_ended(world)

    world = played_out(tmp_path, story)
    assert world.endings[0].code == "no-voice"
    assert sum(isinstance(command, Synthesize) for _, command in world.jobs) == 1


def test_a_satellite_without_a_speaker_is_answered_by_its_light(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.satellite("mute", "hall", speaks=False)
        world.call(name="mute")
        await world.ended()

    world = played_out(tmp_path, story)
    assert world.endings[0].outcome == "answered"
    assert not world.sent(Play)


# -- requests -------------------------------------------------------------------------------------


def test_a_request_is_done_as_if_it_had_been_said(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        answer = await world.turns.intent(AskIntent(text="do light", room="kitchen"))
        assert (answer.ok, answer.intent, answer.reply) == (True, "light", "done light")
        assert not world.sent(Play)
        spoken = await world.turns.intent(AskIntent(text="do it", room="kitchen", speak=True))
        assert spoken.ok
        assert world.sent(Play)

    world = played_out(tmp_path, story)
    assert [end.outcome for end in world.endings] == ["answered", "answered"]


def test_a_request_that_is_not_understood_says_so(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        answer = await world.turns.intent(AskIntent(text="gibberish", room="kitchen"))
        assert not answer.ok
        assert "What did you mean?" in answer.error

    played_out(tmp_path, story)


def test_say_plays_in_the_named_room_only_and_names_rooms_otherwise(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.satellite("other", "hall")
        answer = await world.turns.say(AskSay(text="Dinner is ready", room="Hall"))
        assert answer.ok
        assert {
            satellite for satellite, command in world.commands if isinstance(command, Play)
        } == {"other"}
        wrong = await world.turns.say(AskSay(text="Dinner is ready", room="attic"))
        assert not wrong.ok
        assert "hall, kitchen" in wrong.error
        nothing = await world.turns.say(AskSay(text=" "))
        assert not nothing.ok

    played_out(tmp_path, story)


def test_two_announcements_for_one_room_come_one_after_the_other(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await asyncio.gather(
            world.turns.say(AskSay(text="one", room="kitchen")),
            world.turns.say(AskSay(text="two", room="kitchen")),
        )
        first, second = (
            index for index, (_, command) in enumerate(world.commands) if isinstance(command, Play)
        )
        assert first < second

    world = played_out(tmp_path, story)
    assert [end.outcome for end in world.endings] == ["answered", "answered"]


# -- any worker at all ----------------------------------------------------------------------------

FACTS = st.sampled_from(["began", "heard", "nothing", "rejected", "failed", "no-audio", "lost"])


def something_happens(inner: World, worker: str, job: str, what: str) -> None:
    match what:
        case "began":
            inner.pool.fact(WorkBegan(job=job, worker=worker, engine="fake"))
        case "lost":
            inner.lose_worker(worker)
        case "failed":
            inner.pool.fact(WorkFailed(job=job, code="engine-failed", text="", retryable=True))
        case "no-audio":
            inner.pool.fact(WorkFailed(job=job, code="no-audio", text="", retryable=False))
        case _:
            inner.pool.fact(
                Heard(
                    job=job,
                    text="do light" if what == "heard" else "",
                    source="grammar",
                    confidence=0.5,
                    engine="fake",
                    rejected=what == "rejected",
                )
            )


def test_a_room_and_what_is_awaited_decide_how_the_end_is_found(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.endpointing["kitchen"] = Endpointing(silence_s=0.9)
        await called_and_ended(world)

    world = played_out(tmp_path, story)
    (job,) = [command for _, command in world.jobs if isinstance(command, Transcribe)]
    assert job.endpointing == Endpointing(silence_s=0.9, expect="command")


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.floats(0.0, 6.0), FACTS), max_size=6))
def test_every_turn_ends_exactly_once_whatever_the_worker_says(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, str]]
) -> None:
    async def story(world: World) -> None:
        def script(inner: World, worker: str, command: Any) -> None:
            if isinstance(command, Synthesize):
                speak(inner, worker, command)
            if isinstance(command, Transcribe):
                for delay_s, what in steps:
                    inner.later(delay_s, something_happens, inner, worker, command.job, what)

        world.script = script
        world.call()
        await world.ended()
        await asyncio.sleep(300)

    world = played_out(tmp_path_factory.mktemp("turn"), story)
    assert len([one for one in world.publisher.events if isinstance(one, TurnEnded)]) == 1
    assert len(world.mind.did) <= 1
