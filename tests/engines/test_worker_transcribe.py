"""Transcribe jobs from frames to transcript, on a bus in memory with fake engines."""

import asyncio
import random

import msgspec
import pytest

from antiphon_ears.wake.fake import marker
from antiphon_engines.settings import StreamsSection, WorkerSection, WorkerSettings
from antiphon_protocol.messages.work import (
    Cancel,
    Endpointing,
    Finish,
    FramesMissing,
    Heard,
    LoadContext,
    Partial,
    SpeechEnded,
    Transcribe,
    WakeCheck,
    WakeConfirmed,
    WorkBegan,
    WorkFailed,
)
from tests.support.worker_world import FAKES, frames_of, loud, quiet, rebuilt, worker_world

JOB = Transcribe(job="job-1", turn="turn-1", satellite="hall", stream="stream-1")
CONTEXT = LoadContext(context="home", language="en", grammar="#JSGF V1.0; public <s> = yes;")
SPEECH = quiet(0.3) + loud(1.5) + quiet(1.0)
SHORT = WorkerSettings(engines=FAKES, streams=StreamsSection(stall_s=0.15))


def but(**changes: object) -> Transcribe:
    return msgspec.structs.replace(JOB, **changes)


async def test_a_command_that_was_over_before_its_job_began() -> None:
    async with worker_world() as world:
        world.speak(frames_of(SPEECH))
        world.do(CONTEXT)
        world.do(but(context="home"))
        heard = await world.fact(Heard)
        assert heard.text == "turn on the light"
        assert heard.source == "grammar"
        assert heard.engine == "fake"
        assert heard.alternatives[0].confidence == pytest.approx(0.95)
        assert world.kinds()[0] == "WorkBegan"
        assert world.kinds()[-2:] == ["SpeechEnded", "Heard"]
        ended = await world.fact(SpeechEnded)
        assert ended.why == "grammar-complete"
        assert ended.position == pytest.approx(1.8 * 16_000, abs=512)
        assert ended.decided_at == pytest.approx(2.1 * 16_000, abs=1024)
        assert heard.audio_s == pytest.approx(ended.decided_at / 16_000, abs=0.04)


async def test_a_command_while_it_is_spoken() -> None:
    async with worker_world() as world:
        frames = frames_of(SPEECH)
        world.do(JOB)
        began = await world.fact(WorkBegan)
        assert began.worker == "w1"
        for frame in frames[:40]:
            world.speak([frame])
            await asyncio.sleep(0)
        assert (await world.fact(Partial)).text == "turn"
        assert not any(isinstance(fact, SpeechEnded) for fact in world.facts)
        world.speak(frames[40:])
        heard = await world.fact(Heard)
        assert (heard.text, heard.source) == ("turn on the light", "dictation")
        assert (await world.fact(SpeechEnded)).why == "silence"


async def test_order_repetition_and_loss_change_nothing_but_the_asking() -> None:
    endings = []
    for seed in range(3):
        frames = frames_of(SPEECH)
        if seed:
            random.Random(seed).shuffle(frames)
        held_back = [frame for frame in frames if frame.sequence in (10, 11)] if seed == 2 else []
        async with worker_world() as world:
            world.do(JOB)
            world.speak(frame for frame in frames if frame not in held_back)
            world.speak(frame for frame in frames[:5] if frame not in held_back)
            if held_back:
                missing = await world.fact(FramesMissing)
                assert (missing.stream, missing.first, missing.last) == ("stream-1", 10, 11)
                world.speak(held_back)
            heard = await world.fact(Heard)
            endings.append((heard.text, heard.audio_s, await world.fact(SpeechEnded)))
    assert endings[0] == endings[1] == endings[2]


async def test_silence_is_heard_as_nothing() -> None:
    async with worker_world() as world:
        world.speak(frames_of(quiet(3)))
        world.do(but(endpointing=Endpointing(no_speech_s=2.0)))
        heard = await world.fact(Heard)
        assert (heard.text, heard.source, heard.rejected) == ("", "nothing", False)
        assert (await world.fact(SpeechEnded)).why == "no-speech"


async def test_speech_that_the_engine_does_not_stand_by_is_rejected() -> None:
    async with worker_world(rejected=True) as world:
        world.speak(frames_of(SPEECH))
        world.do(JOB)
        heard = await world.fact(Heard)
        assert (heard.text, heard.source, heard.rejected) == ("", "nothing", True)
        assert heard.alternatives[0].text == "turn on the light"


async def test_a_stream_that_ends_in_the_middle_of_a_word_is_heard() -> None:
    async with worker_world() as world:
        world.speak(frames_of(loud(1.0)))
        world.do(JOB)
        assert (await world.fact(Heard)).text == "turn on the light"
        assert (await world.fact(SpeechEnded)).why == "stream-ended"


async def test_finish_ends_a_stream_without_a_last_frame() -> None:
    async with worker_world() as world:
        frames = frames_of(loud(1.0), last=False)
        world.do(JOB)
        world.speak(frames)
        world.do(Finish(job="job-1", frames=len(frames)))
        assert (await world.fact(SpeechEnded)).why == "stream-ended"
        assert (await world.fact(Heard)).audio_s == pytest.approx(1.0, abs=0.001)


async def test_hearing_starts_at_begin() -> None:
    async with worker_world() as world:
        world.speak(frames_of(loud(1.0) + quiet(1.0) + loud(1.0) + quiet(1.0)))
        world.do(but(begin=24_100))
        ended = await world.fact(SpeechEnded)
        assert ended.position == pytest.approx(48_000, abs=1024)
        heard = await world.fact(Heard)
        assert heard.audio_s == pytest.approx((ended.decided_at - 24_100) / 16_000, abs=0.001)


async def test_a_stream_that_falls_silent_ends_the_job() -> None:
    async with worker_world(SHORT) as world:
        world.do(JOB)
        world.speak(frames_of(loud(0.5), last=False))
        failed = await world.fact(WorkFailed)
        assert failed.code == "no-audio"
        assert len(world.worker.jobs) == 0


async def test_the_wake_phrase_is_looked_for_when_asked() -> None:
    check = WakeCheck(phrases=("hey mycroft",), within_s=3.0)
    async with worker_world() as world:
        world.speak(frames_of(quiet(1.2) + marker(0.5) + quiet(0.5) + loud(1.0) + quiet(1.0)))
        world.do(but(wake=check))
        confirmed = await world.fact(WakeConfirmed)
        assert (confirmed.phrase, confirmed.engine) == ("hey mycroft", "fake")
        assert 1.2 * 16_000 < confirmed.end < 1.7 * 16_000
        ended = await world.fact(SpeechEnded)
        assert ended.position == pytest.approx(3.2 * 16_000, abs=1024)
        heard = await world.fact(Heard)
        looked_back_s = heard.audio_s - (ended.decided_at - confirmed.end) / 16_000
        assert looked_back_s == pytest.approx(1.0, abs=0.04)
        assert world.kinds().index("WakeConfirmed") < world.kinds().index("SpeechEnded")


@pytest.mark.parametrize("seconds", [5.0, 1.0], ids=["in time", "before the stream ended"])
async def test_without_the_wake_phrase_it_is_no_turn(seconds: float) -> None:
    async with worker_world() as world:
        world.speak(frames_of(loud(seconds)))
        world.do(but(wake=WakeCheck(phrases=("hey mycroft",), within_s=2.0)))
        failed = await world.fact(WorkFailed)
        assert (failed.code, failed.retryable) == ("no-wake", False)


BAD = {
    "unknown engine": (but(engine="ghost"), "no-engine", "ghost", True),
    "unknown language": (but(language="de"), "no-engine", "de", True),
    "unknown context": (but(context="other"), "no-context", "other", True),
    "unknown phrase": (but(wake=WakeCheck(phrases=("hey you",))), "no-engine", "hey you", True),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_job_that_cannot_be_done_here(name: str) -> None:
    job, code, names, retryable = BAD[name]
    async with worker_world() as world:
        world.do(job)
        failed = await world.fact(WorkFailed)
        assert (failed.code, failed.retryable) == (code, retryable)
        assert names in failed.text


async def test_a_grammar_that_does_not_compile_fails_the_jobs_that_name_it() -> None:
    async with worker_world() as world:
        world.do(LoadContext(context="home", language="en", grammar="nonsense"))
        world.do(but(context="home"))
        failed = await world.fact(WorkFailed)
        assert failed.code == "no-context"
        assert "no public rule" in failed.text


@pytest.mark.parametrize("at", ["open", "feed", "finish"])
async def test_an_engine_that_breaks_fails_its_job_and_is_built_anew(at: str) -> None:
    async with worker_world() as world:
        slot = world.worker._rack.stt("", "en", dictation=True)
        broken = slot.engine
        broken.options = msgspec.structs.replace(broken.options, fails=at)  # type: ignore[attr-defined]  # the fake's
        world.do(CONTEXT)
        world.speak(frames_of(SPEECH))
        world.do(but(context="home"))
        failed = await world.fact(WorkFailed)
        assert (failed.code, failed.retryable) == ("engine-failed", True)
        await rebuilt(slot)
        world.do(but(job="job-2", context="home"))
        assert (await world.fact(Heard, "job-2")).text == "turn on the light"


async def test_more_jobs_than_capacity_are_refused_and_the_others_go_on() -> None:
    settings = WorkerSettings(engines=FAKES, worker=WorkerSection(capacity=2))
    async with worker_world(settings) as world:
        for index in (1, 2, 3):
            world.do(but(job=f"job-{index}", stream=f"stream-{index}"))
        failed = await world.fact(WorkFailed, "job-3")
        assert (failed.code, failed.retryable) == ("busy", True)
        world.speak(frames_of(SPEECH), "stream-2")
        assert (await world.fact(Heard, "job-2")).text
        world.do(but(job="job-4", stream="stream-2"))
        assert (await world.fact(Heard, "job-4")).text


async def test_a_cancelled_job_says_nothing_more_and_frees_its_place() -> None:
    settings = WorkerSettings(engines=FAKES, worker=WorkerSection(capacity=1))
    async with worker_world(settings) as world:
        world.do(JOB)
        world.do(Cancel(job="job-1"))
        world.speak(frames_of(SPEECH))
        world.do(but(job="job-2"))
        assert (await world.fact(Heard, "job-2")).text
        assert "Heard" not in world.kinds("job-1")
        world.do(but(job="job-3", stream="other"))
        await world.fact(WorkBegan, "job-3")
        world.do(Cancel(job="job-3"))
        world.do(but(job="job-4"))
        assert (await world.fact(Heard, "job-4")).text
        assert world.worker.counts["cancelled"] == 2


async def test_a_job_that_the_broker_delivers_twice_is_done_once() -> None:
    async with worker_world() as world:
        world.do(JOB)
        world.do(JOB)
        world.speak(frames_of(SPEECH))
        await world.fact(Heard)
        assert world.kinds().count("WorkBegan") == 1
        assert world.worker.counts["repeated"] == 1


async def test_another_worker_may_take_the_same_stream_from_its_first_frame() -> None:
    async with worker_world() as world:
        world.speak(frames_of(SPEECH))
        world.do(JOB)
        first = await world.fact(Heard)
        world.do(but(job="job-2"))
        again = await world.fact(Heard, "job-2")
        assert again.audio_s == first.audio_s
