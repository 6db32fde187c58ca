"""Relay jobs: a part of a stream, played in the voice that spoke it."""

import math
from array import array

import msgspec
import numpy as np
import pytest

from antiphon_engines.relaying import LOUD_DBFS, PEAK, levelled
from antiphon_engines.settings import SpeechSection, StreamsSection, WorkerSettings
from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.messages.work import FramesMissing, Relay, SpeechSynthesized, WorkFailed
from tests.support.worker_world import FAKES, WorkerWorld, frames_of, worker_world

AT_ONCE = WorkerSettings(
    engines=FAKES, speech=SpeechSection(lead_s=30.0), streams=StreamsSection(stall_s=0.2)
)
SECOND = 16_000


def tone(hz: float, seconds: float, level: float = 0.2) -> bytes:
    at = range(int(seconds * SECOND))
    return array(
        "h", (int(32767 * level * math.sin(2 * math.pi * hz * n / SECOND)) for n in at)
    ).tobytes()


def relay(begin: int, end: int, **changes: object) -> Relay:
    job = Relay(
        job="job-1",
        turn="turn-1",
        playback="playback-1",
        satellite="hall",
        stream="stream-1",
        begin=begin,
        end=end,
    )
    return msgspec.structs.replace(job, **changes)


def heard(world: WorkerWorld) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    pcm = b"".join(frame.pcm for frame in world.played)
    return np.frombuffer(pcm, dtype="<i2") / 32768.0


def loudest_hz(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]", rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.argmax(spectrum) * rate_hz / len(samples))


async def test_the_part_that_was_asked_for_is_played_and_nothing_else() -> None:
    stream = tone(300.0, 1.0) + tone(700.0, 1.0) + tone(1500.0, 1.0)
    async with worker_world(AT_ONCE) as world:
        world.speak(frames_of(stream))
        world.do(relay(SECOND, 2 * SECOND))
        done = await world.fact(SpeechSynthesized)
        assert world.kinds() == ["WorkBegan", "SpeechBegan", "SpeechSynthesized"]
        await world.until(lambda: (world.played and world.played[-1].last) or None)
        assert done.samples == SECOND == len(heard(world))
        assert loudest_hz(heard(world), SECOND) == pytest.approx(700.0, abs=5)


async def test_it_comes_at_the_rate_that_was_asked() -> None:
    async with worker_world(AT_ONCE) as world:
        world.speak(frames_of(tone(700.0, 1.0)))
        world.do(relay(0, SECOND, format=AudioFormat(rate_hz=48_000)))
        done = await world.fact(SpeechSynthesized)
        assert done.samples == 48_000
        await world.until(lambda: (world.played and world.played[-1].last) or None)
        assert loudest_hz(heard(world), 48_000) == pytest.approx(700.0, abs=5)


async def test_what_was_lost_on_the_way_is_asked_for_and_put_in_its_place() -> None:
    frames = frames_of(tone(700.0, 1.0))
    async with worker_world(AT_ONCE) as world:
        world.speak(frames[:10] + frames[12:])
        world.do(relay(0, SECOND))
        missing = await world.fact(FramesMissing)
        assert (missing.first, missing.last) == (10, 11)
        world.speak(frames[10:12])
        assert (await world.fact(SpeechSynthesized)).samples == SECOND


async def test_a_stream_that_is_not_here_is_said_to_be_none() -> None:
    async with worker_world(AT_ONCE) as world:
        world.do(relay(0, SECOND))
        failed = await world.fact(WorkFailed)
        assert (failed.code, failed.retryable) == ("no-audio", False)
        assert not world.played
        assert len(world.worker.jobs) == 0


def _loud_dbfs(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, dtype="<i2") / 32768.0
    return float(10 * np.log10(np.mean(samples**2)))


@pytest.mark.parametrize("level", [0.02, 0.1, 0.5])
def test_a_far_voice_and_a_near_one_sound_alike(level: float) -> None:
    assert _loud_dbfs(levelled(tone(440.0, 1.0, level))) == pytest.approx(LOUD_DBFS, abs=0.5)


def test_loud_peaks_stay_whole_and_silence_stays_silent() -> None:
    peaky = bytearray(tone(440.0, 1.0, 0.01))
    peaky[8_000:16_000] = tone(440.0, 0.25, 0.9)
    loudest = np.max(np.abs(np.frombuffer(levelled(bytes(peaky)), dtype="<i2")))
    assert loudest <= 32767 * PEAK
    assert levelled(bytes(2000)) == bytes(2000)
    assert levelled(b"\x01\x00") != b""
