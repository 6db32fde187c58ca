"""One suite for every voice-activity engine: fake and real ones keep the port's promises."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_ears.vad.energy import EnergyEngine
from antiphon_ears.vad.fake import FakeVadEngine
from antiphon_ears.vad.microvad import MicroVadEngine
from antiphon_ears.vad.port import VadEngine, VadStream
from antiphon_ears.vad.silero import SileroEngine
from antiphon_tools import speech
from tests.support.examples import examples

RATE_HZ = 16_000
SECOND = bytes(2 * RATE_HZ)


@pytest.fixture(
    params=[FakeVadEngine, EnergyEngine, MicroVadEngine, SileroEngine],
    ids=["fake", "energy", "microvad", "silero"],
)
def engine(request: pytest.FixtureRequest) -> VadEngine:
    make: Callable[[], VadEngine] = request.param
    return make()


@pytest.fixture(scope="module")
def sentence() -> bytes:
    return speech.say("turn on the light in the living room please", speech.voices()[0])


def probabilities(stream: VadStream, pcm: bytes, sizes: Sequence[int] = (1024,)) -> list[float]:
    found: list[float] = []
    at = turn = 0
    while at < len(pcm):
        size = sizes[turn % len(sizes)]
        found += stream.feed(pcm[at : at + size])
        at += size
        turn += 1
    return found


def test_one_probability_a_window(engine: VadEngine) -> None:
    found = probabilities(engine.open(), SECOND * 2)
    assert len(found) == 2 * RATE_HZ // engine.window_samples
    assert all(0.0 <= one <= 1.0 for one in found)


def test_tells_speech_from_silence(engine: VadEngine, sentence: bytes) -> None:
    stream = engine.open()
    silent = probabilities(stream, SECOND * 2)
    spoken = probabilities(stream, sentence)
    after = probabilities(stream, SECOND * 2)
    assert max(silent) < 0.5
    assert sum(one > 0.5 for one in spoken) > 0.5 * len(spoken)
    assert max(after[len(after) // 2 :]) < 0.5


def test_any_chunking_hears_the_same(engine: VadEngine, sentence: bytes) -> None:
    audio = SECOND[:9000] + sentence[:40_000]
    whole = probabilities(engine.open(), audio, [len(audio)])

    @settings(max_examples=examples(8))
    @given(sizes=st.lists(st.integers(0, 4000), min_size=1, max_size=5).filter(any))
    def chunked(sizes: list[int]) -> None:
        assert probabilities(engine.open(), audio, sizes) == whole

    chunked()


def test_a_byte_at_a_time_hears_the_same(engine: VadEngine, sentence: bytes) -> None:
    audio = sentence[:16_001]
    whole = probabilities(engine.open(), audio)
    assert probabilities(engine.open(), audio, [1]) == whole


def test_reset_forgets_the_audio(engine: VadEngine, sentence: bytes) -> None:
    stream = engine.open()
    first = probabilities(stream, sentence)
    stream.feed(random.Random(3).randbytes(7777))
    stream.reset()
    assert probabilities(stream, sentence) == pytest.approx(first)


def test_streams_do_not_disturb_each_other(engine: VadEngine, sentence: bytes) -> None:
    alone = probabilities(engine.open(), sentence)
    one, other = engine.open(), engine.open()
    found: list[float] = []
    for at in range(0, len(sentence), 1024):
        found += one.feed(sentence[at : at + 1024])
        other.feed(sentence[-at - 1024 :][:700])
    assert found == pytest.approx(alone)


def test_extreme_samples_do_no_harm(engine: VadEngine) -> None:
    stream = engine.open()
    for sample in (b"\xff\x7f", b"\x00\x80", b"\xff\x7f\x00\x80"):
        assert all(0.0 <= one <= 1.0 for one in probabilities(stream, sample * RATE_HZ))
    assert list(stream.feed(b"")) == []
