"""Trying engines: a recording for a recogniser, a text for a voice, without a turn."""

import asyncio

import pytest

from antiphon_hub.errors import JobTimeoutError, WorkerLostError, WorkError
from antiphon_hub.workers import Chosen
from antiphon_hub.workers.trial import HEAR_S, SATELLITE
from antiphon_protocol.messages.presence import WorkerGoodbye
from antiphon_protocol.messages.work import Cancel, Finish, Synthesize, Transcribe
from tests.support import virtual_time
from tests.support.light_worker import SAMPLES_PER_LETTER, LightWorker

PCM = bytes(range(256)) * 250


async def heard(light: LightWorker, engine: str = "other") -> str:
    (worker,) = light.pool
    return (await light.trials.hear(worker, engine, PCM, "en")).text


def test_a_recording_is_a_stream_like_any_other() -> None:
    async def story() -> None:
        light = LightWorker()
        light.join()
        assert await heard(light) == f"{len(PCM) // 2} samples"
        asked = next(one for one in light.taken if isinstance(one, Transcribe))
        assert (asked.engine, asked.satellite, asked.wake) == ("other", SATELLITE, None)
        assert asked.endpointing.silence_s > len(PCM) / 32_000, "it is heard to its end"
        assert next(one for one in light.taken if isinstance(one, Finish)).frames == 8
        assert not next(iter(light.pool)).jobs

    virtual_time.run(story())


def test_frames_that_got_lost_are_sent_again() -> None:
    async def story() -> None:
        light = LightWorker()
        light.join()
        light.loses = {0, 3, 7}
        assert await heard(light) == f"{len(PCM) // 2} samples"

    virtual_time.run(story())


def test_what_goes_wrong_is_told_and_leaves_no_job() -> None:
    async def story() -> None:
        light = LightWorker()
        light.join()
        light.fails = "no model"
        with pytest.raises(WorkError, match="no model"):
            await heard(light)
        light.silent = True
        (worker,) = light.pool
        trying = asyncio.ensure_future(light.trials.speak(worker, "mouth", "", "a", "en"))
        await asyncio.sleep(1)
        assert worker.jobs
        light.pool.left("light", WorkerGoodbye(worker="light", epoch=1, reason="lost"))
        with pytest.raises(WorkerLostError):
            await trying
        assert not worker.jobs

    virtual_time.run(story())


def test_a_worker_that_says_nothing_is_given_up_and_told() -> None:
    async def story() -> None:
        light = LightWorker()
        light.join()
        light.silent = True
        began = asyncio.get_running_loop().time()
        with pytest.raises(JobTimeoutError):
            await heard(light)
        assert asyncio.get_running_loop().time() - began == HEAR_S
        assert isinstance(light.taken[-1], Cancel)

    virtual_time.run(story())


def test_a_new_worker_is_settled_once_it_has_heard_some_quiet() -> None:
    async def story() -> None:
        light = LightWorker()
        light.join()
        (worker,) = light.pool
        await light.trials.settle(worker)
        assert next(one for one in light.taken if isinstance(one, Transcribe)).engine == ""
        light.fails = "no such grammar"
        with pytest.raises(WorkError, match="no such grammar"):
            await light.trials.settle(worker)

    virtual_time.run(story())


def test_speech_is_for_us_alone_and_comes_in_any_order() -> None:
    async def story() -> None:
        light = LightWorker()
        light.join()
        (worker,) = light.pool
        spoken = await light.trials.speak(worker, "mouth", "high", "abcd", "en")
        assert spoken.pcm == b"\x01\x02" * (4 * SAMPLES_PER_LETTER)
        assert (spoken.engine, spoken.engine_ms) == ("mouth", 7.0)
        asked = next(one for one in light.taken if isinstance(one, Synthesize))
        assert asked.voice == "high"
        assert asked.group not in ("all", ""), "no satellite may read it"
        light.loses = {0}
        assert len((await light.trials.speak(worker, "mouth", "", "abcd", "en")).pcm) > 0
        light.loses = {0, 1}
        with pytest.raises(JobTimeoutError, match="nothing was heard"):
            await light.trials.speak(worker, "mouth", "", "abcd", "en")

    virtual_time.run(story())


def test_engines_can_be_tried_once_a_machine_and_not_on_one_that_goes() -> None:
    async def story() -> None:
        light = LightWorker()
        light.join("one")
        light.join("two", epoch=2)
        assert [offer.name for _, offer in light.trials.candidates("stt")] == ["ear", "other"]
        assert [one.id for one, _ in light.trials.candidates("tts", "mouth")] == ["one"]
        first = light.pool.get("one")
        assert first is not None
        first.retiring = True
        assert [one.id for one, _ in light.trials.candidates("tts", "mouth")] == ["two"]
        found = await light.pool.find("tts", "en", tried=(), within_s=0.1)
        assert found is not None
        assert found.id == "two"

    virtual_time.run(story())


def test_the_owners_choice_is_asked_for_where_it_can_be_had() -> None:
    async def story() -> None:
        wanted = {"stt": Chosen(engine="other"), "tts": Chosen(engine="mouth", voice="high")}
        light = LightWorker(lambda kind, _: wanted[kind])
        light.join()
        (worker,) = light.pool
        assert worker.engine("stt", "en").engine == "other"
        assert worker.engine("tts", "en") == Chosen(engine="mouth", voice="high")
        wanted["stt"] = Chosen(engine="gone")
        wanted["tts"] = Chosen(engine="mouth", voice="gone")
        assert worker.engine("stt", "en") == Chosen()
        assert worker.engine("tts", "en") == Chosen(engine="mouth")
        assert worker.engine("tts", "de") == Chosen(), "it does not speak that"
        found = await light.pool.find("stt", "en", tried=(), within_s=0.1)
        assert found is worker, "another engine is better than none"

    virtual_time.run(story())
