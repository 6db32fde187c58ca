"""One suite for every wake engine: the fake and the real ones keep the port's promises."""

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_ears.errors import PhraseUnknownError
from antiphon_ears.wake.fake import FakeWakeEngine, marker
from antiphon_ears.wake.joint import JointEngine
from antiphon_ears.wake.microwakeword import MicroWakeWordEngine
from antiphon_ears.wake.openwakeword import OpenWakeWordEngine
from antiphon_ears.wake.port import WakeDetection, WakeEngine, WakeStream
from antiphon_tools import speech
from tests.support.examples import examples

RATE_HZ = 16_000
SECOND = bytes(2 * RATE_HZ)
HISS = random.Random(7).randbytes(2 * RATE_HZ)
"""A second of white noise at full scale."""


class Case(NamedTuple):
    """An engine, a phrase of its own, and a call that it hears."""

    engine: Callable[[], WakeEngine]
    phrase: str
    call: Callable[[], bytes]


def synthesized(phrase: str, voice: str) -> Callable[[], bytes]:
    def call() -> bytes:
        one = next(candidate for candidate in speech.voices() if candidate.name == voice)
        return speech.say(f"{phrase}.", one)

    return call


CASES = {
    "fake": Case(FakeWakeEngine, "hey mycroft", marker),
    "microwakeword": Case(MicroWakeWordEngine, "hey mycroft", synthesized("hey mycroft", "rms")),
    "joint": Case(
        lambda: JointEngine([OpenWakeWordEngine(), MicroWakeWordEngine()]),
        "hey jarvis",
        synthesized("hey jarvis", "slt"),
    ),
    "openwakeword": Case(OpenWakeWordEngine, "hey jarvis", synthesized("hey jarvis", "slt")),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    one: Case = request.param
    return one


def heard(stream: WakeStream, pcm: bytes, sizes: Sequence[int] = (1024,)) -> list[WakeDetection]:
    """Feed the audio in chunks of these sizes, in turn; return all detections."""
    found: list[WakeDetection] = []
    at = turn = 0
    while at < len(pcm):
        size = sizes[turn % len(sizes)]
        found += stream.feed(pcm[at : at + size])
        at += size
        turn += 1
    return found


def test_hears_its_phrase_once_and_says_where(case: Case) -> None:
    engine = case.engine()
    call = case.call()
    found = heard(engine.open([case.phrase]), SECOND + call + SECOND)
    assert [detection.phrase for detection in found] == [case.phrase]
    assert 0.0 < found[0].score <= 1.0
    assert RATE_HZ < found[0].end <= RATE_HZ + len(call) // 2 + RATE_HZ // 2


def test_hears_nothing_in_silence_and_noise(case: Case) -> None:
    stream = case.engine().open([case.phrase])
    assert heard(stream, SECOND * 2 + HISS + SECOND) == []


def test_hears_each_call_of_several(case: Case) -> None:
    audio = (SECOND * 2 + case.call()) * 3 + SECOND
    found = heard(case.engine().open([case.phrase]), audio)
    assert len(found) == 3
    assert [detection.end for detection in found] == sorted(detection.end for detection in found)


def test_listens_for_all_its_phrases_at_once(case: Case) -> None:
    engine = case.engine()
    found = heard(engine.open(engine.phrases), SECOND + case.call() + SECOND)
    assert len(found) == 1
    assert found[0].phrase in engine.phrases


def test_any_chunking_hears_the_same(case: Case) -> None:
    engine = case.engine()
    audio = SECOND + case.call() + SECOND
    whole = heard(engine.open([case.phrase]), audio, [len(audio)])
    assert whole

    @settings(max_examples=examples(6))
    @given(sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=5).filter(any))
    def chunked(sizes: list[int]) -> None:
        assert heard(engine.open([case.phrase]), audio, sizes) == whole

    chunked()


@pytest.mark.parametrize("size", [1, 2, 159, 161, 319, 1279, 2561])
def test_odd_sizes_hear_the_same(case: Case, size: int) -> None:
    audio, whole = _short(case)
    assert heard(case.engine().open([case.phrase]), audio, [size]) == whole


@cache
def _short(case: Case) -> tuple[bytes, list[WakeDetection]]:
    """Return a call with little around it, and what is heard in it at once."""
    audio = SECOND[:8000] + case.call() + SECOND[:16_000]
    return audio, heard(case.engine().open([case.phrase]), audio)


def test_reset_forgets_the_audio_and_counts_again(case: Case) -> None:
    stream = case.engine().open([case.phrase])
    audio = SECOND + case.call() + SECOND
    first = heard(stream, audio)
    heard(stream, HISS[:12_345])
    stream.reset()
    assert heard(stream, audio) == first


def test_peaks_are_the_highest_scores_since_they_were_asked_for(case: Case) -> None:
    stream = case.engine().open([case.phrase])
    assert set(stream.thresholds) == {case.phrase}
    heard(stream, SECOND + case.call() + SECOND)
    assert stream.thresholds[case.phrase] <= stream.peaks()[case.phrase] <= 1.0
    assert stream.peaks() == {}
    heard(stream, SECOND)
    assert stream.peaks()[case.phrase] < stream.thresholds[case.phrase]


def test_reset_in_mid_phrase_forgets_its_beginning(case: Case) -> None:
    stream = case.engine().open([case.phrase])
    call = case.call()
    heard(stream, SECOND + call[: len(call) // 8 * 2])
    stream.reset()
    assert heard(stream, SECOND) == []


def test_streams_do_not_disturb_each_other(case: Case) -> None:
    engine = case.engine()
    audio = SECOND + case.call() + SECOND
    alone = heard(engine.open([case.phrase]), audio)
    one, other = engine.open([case.phrase]), engine.open([case.phrase])
    found: list[WakeDetection] = []
    for at in range(0, len(audio), 1024):
        found += one.feed(audio[at : at + 1024])
        assert other.feed(HISS[at % 30_000 : at % 30_000 + 700]) == []
    assert found == alone


def test_a_threshold_of_one_hears_nothing(case: Case) -> None:
    assert heard(case.engine().open([case.phrase], 1.0), SECOND + case.call() + SECOND) == []


def test_a_lower_threshold_hears_no_later(case: Case) -> None:
    engine = case.engine()
    audio = SECOND + case.call() + SECOND
    default = heard(engine.open([case.phrase]), audio)
    low = heard(engine.open([case.phrase], 0.1), audio)
    assert low[0].end <= default[0].end


@pytest.mark.parametrize("phrases", [["open sesame"], ["hey mycroft", "open sesame"], []])
def test_an_unknown_phrase_is_refused(case: Case, phrases: list[str]) -> None:
    with pytest.raises(PhraseUnknownError, match="hey mycroft"):
        case.engine().open(phrases)


def test_nothing_fed_is_nothing_heard(case: Case) -> None:
    stream = case.engine().open([case.phrase])
    assert list(stream.feed(b"")) == []
    assert list(stream.feed(b"\1")) == []


def test_extreme_samples_do_no_harm(case: Case) -> None:
    stream = case.engine().open([case.phrase])
    for sample in (b"\xff\x7f", b"\x00\x80", b"\xff\x7f\x00\x80"):
        heard(stream, sample * RATE_HZ)
    stream.reset()
    assert heard(stream, SECOND + case.call() + SECOND)
