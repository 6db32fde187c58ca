"""Synthesize jobs from text to frames, on a bus in memory with the fake voice."""

import time

import msgspec
import pytest

from antiphon_engines.fake import CHAR_S
from antiphon_engines.settings import SpeechSection, WorkerSettings
from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.messages.work import (
    Cancel,
    SpeechBegan,
    SpeechSynthesized,
    Synthesize,
    WorkFailed,
)
from tests.support.worker_world import FAKES, WorkerWorld, rebuilt, worker_world

TEXT = "The light is on. It is seven."
JOB = Synthesize(job="job-1", turn="turn-1", playback="playback-1", text=TEXT)
SOON = WorkerSettings(engines=FAKES, speech=SpeechSection(lead_s=30.0))


def but(**changes: object) -> Synthesize:
    return msgspec.structs.replace(JOB, **changes)


def samples(world: WorkerWorld) -> int:
    return sum(frame.samples for frame in world.played)


async def test_a_reply_goes_out_whole_and_in_order() -> None:
    async with worker_world(SOON) as world:
        world.do(JOB)
        done = await world.fact(SpeechSynthesized)
        assert world.kinds() == ["WorkBegan", "SpeechBegan", "SpeechSynthesized"]
        assert [frame.sequence for frame in world.played] == list(range(done.frames))
        assert world.played[-1].last
        assert samples(world) == done.samples
        spoken_s = (len(TEXT) - 1) * CHAR_S
        assert done.samples / 16_000 == pytest.approx(spoken_s, abs=0.01)
        loudest = max(abs(sample) for sample in memoryview(world.played[3].pcm).cast("h"))
        assert 7500 < loudest < 8500


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
async def test_a_reply_comes_at_the_rate_that_was_asked(rate_hz: int) -> None:
    async with worker_world(SOON) as world:
        world.do(but(text="Hello there.", format=AudioFormat(rate_hz=rate_hz)))
        done = await world.fact(SpeechSynthesized)
        assert done.samples / rate_hz == pytest.approx(12 * CHAR_S, abs=0.01)


async def test_the_first_frames_go_at_once_and_the_rest_at_the_pace_of_speech() -> None:
    settings = WorkerSettings(engines=FAKES, speech=SpeechSection(lead_s=0.4))
    async with worker_world(settings) as world:
        world.do(but(text="One two three."))
        await world.fact(SpeechBegan)
        began_s = time.monotonic()
        await world.until(lambda: samples(world) >= 0.3 * 16_000 or None)
        early_s = time.monotonic() - began_s
        done = await world.fact(SpeechSynthesized)
        took_s = time.monotonic() - began_s
        assert took_s >= done.samples / 16_000 - 0.4 - 0.1
        assert early_s < took_s


async def test_what_was_said_before_is_not_computed_again() -> None:
    async with worker_world(SOON, cost_ms=30) as world:
        world.do(JOB)
        first = await world.fact(SpeechSynthesized)
        heard = [frame.pcm for frame in world.played]
        world.played.clear()
        world.do(but(job="job-2"))
        again = await world.fact(SpeechSynthesized, "job-2")
        assert again.samples == first.samples
        assert [frame.pcm for frame in world.played] == heard
        assert (await world.fact(SpeechBegan)).engine_ms >= 30
        assert (await world.fact(SpeechBegan, "job-2")).engine_ms < 30
        assert world.worker.jobs.cache.hits == 2


async def test_what_several_say_at_once_is_computed_once() -> None:
    async with worker_world(SOON, cost_ms=200) as world:
        jobs = [f"job-{number}" for number in range(1, 4)]
        for job in jobs:
            world.do(but(job=job, playback=f"playback-{job}", text="It is seven."))
        for job in jobs:
            await world.fact(SpeechSynthesized, job)
        assert world.worker.jobs.cache.hits == len(jobs) - 1


async def test_the_first_sentence_is_sent_while_the_next_is_computed() -> None:
    async with worker_world(SOON, cost_ms=50) as world:
        world.do(but(text=" ".join(["This is a sentence."] * 1 + ["Another one follows."] * 1)))
        assert (await world.fact(SpeechBegan)).engine_ms < 100
        await world.until(lambda: world.played or None)
        assert "SpeechSynthesized" not in world.kinds()
        await world.fact(SpeechSynthesized)


BAD = {
    "no text": (but(text=""), "bad-request", "no text"),
    "blank text": (but(text=" \n"), "bad-request", "no text"),
    "unknown voice": (but(voice="ghost"), "bad-request", "tone, low"),
    "unknown engine": (but(engine="ghost"), "no-engine", "ghost"),
    "unknown language": (but(language="xx"), "no-engine", "xx"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_job_that_cannot_be_done(name: str) -> None:
    job, code, says = BAD[name]
    async with worker_world() as world:
        world.do(job)
        failed = await world.fact(WorkFailed)
        assert failed.code == code
        assert says in failed.text
        assert not world.played


async def test_a_voice_that_breaks_fails_its_job_and_is_built_anew() -> None:
    async with worker_world(SOON) as world:
        slot = world.worker._rack.voice("", "en").slot
        broken = slot.engine
        broken.options = msgspec.structs.replace(broken.options, fails="synthesize")  # type: ignore[attr-defined]  # the fake's
        world.do(JOB)
        failed = await world.fact(WorkFailed)
        assert (failed.code, failed.retryable) == ("engine-failed", True)
        await rebuilt(slot)
        world.do(but(job="job-2"))
        assert (await world.fact(SpeechSynthesized, "job-2")).frames > 1


async def test_a_cancelled_reply_stops() -> None:
    settings = WorkerSettings(engines=FAKES, speech=SpeechSection(lead_s=0.1))
    async with worker_world(settings) as world:
        world.do(but(text="A very long sentence that nobody wants to hear to its end. " * 10))
        await world.until(lambda: world.played or None)
        world.do(Cancel(job="job-1"))
        world.do(but(job="job-2", text="Short."))
        await world.fact(SpeechSynthesized, "job-2")
        assert "SpeechSynthesized" not in world.kinds("job-1")
        assert samples(world) < 5 * 16_000


async def test_a_long_reply_leaves_the_voice_to_others() -> None:
    settings = WorkerSettings(engines=FAKES, speech=SpeechSection(lead_s=0.2))
    async with worker_world(settings) as world:
        world.do(but(text="A very long reply that takes its time to be said. " * 20))
        await world.until(lambda: world.played or None)
        world.do(but(job="job-2", text="Short.", playback="playback-2"))
        await world.fact(SpeechSynthesized, "job-2")
        assert "SpeechSynthesized" not in world.kinds("job-1")
