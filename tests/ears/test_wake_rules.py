"""The pure parts: when a score counts, how bytes become windows, the level gate, the fake."""

import itertools
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_ears.vad.energy import EnergyEngine
from antiphon_ears.wake.fake import FakeWakeEngine, marker
from antiphon_ears.wake.trigger import REFRACTORY_SAMPLES, Trigger
from antiphon_ears.windows import Windows

SCORES = st.lists(
    st.fixed_dictionaries({}, optional={"a": st.floats(0, 1), "b": st.floats(0, 1)}), max_size=200
)


def test_only_a_score_over_its_threshold_counts() -> None:
    trigger = Trigger({"a": 0.5})
    assert trigger.judge({"a": 0.5}, 100) is None
    detection = trigger.judge({"a": 0.51}, 200)
    assert detection
    assert (detection.phrase, detection.score, detection.end) == ("a", 0.51, 200)


def test_the_phrase_furthest_over_its_own_threshold_wins() -> None:
    detection = Trigger({"a": 0.9, "b": 0.3}).judge({"a": 0.95, "b": 0.6}, 100)
    assert detection
    assert detection.phrase == "b"


def test_a_reset_ends_the_rest() -> None:
    trigger = Trigger({"a": 0.5})
    assert trigger.judge({"a": 1.0}, 5000)
    trigger.reset()
    assert trigger.judge({"a": 1.0}, 100)


@given(scores=SCORES, step=st.integers(1, 5000))
def test_detections_are_apart_and_over_threshold(scores: list[dict[str, float]], step: int) -> None:
    trigger = Trigger({"a": 0.5, "b": 0.7})
    found = [trigger.judge(one, step * at) for at, one in enumerate(scores)]
    hits = [one for one in found if one]
    assert all(one.score > {"a": 0.5, "b": 0.7}[one.phrase] for one in hits)
    ends = [one.end for one in hits]
    assert all(b - a >= REFRACTORY_SAMPLES for a, b in itertools.pairwise(ends))


@given(scores=SCORES)
def test_nothing_over_threshold_is_missed_when_rested(scores: list[dict[str, float]]) -> None:
    trigger = Trigger({"a": 0.5, "b": 0.7})
    for at, one in enumerate(scores):
        over = one.get("a", 0) > 0.5 or one.get("b", 0) > 0.7
        assert bool(trigger.judge(one, at * REFRACTORY_SAMPLES)) == over


@given(chunks=st.lists(st.binary(max_size=50)), samples=st.integers(1, 20))
def test_windows_lose_and_invent_no_byte(chunks: list[bytes], samples: int) -> None:
    windows = Windows(samples)
    found = [window for chunk in chunks for window in windows.take(chunk)]
    data = b"".join(chunks)
    assert all(len(window) == 2 * samples for window in found)
    assert b"".join(found) == data[: len(data) - len(data) % (2 * samples)]


def tone(level: float, seconds: float) -> bytes:
    count = int(16_000 * seconds)
    return array("h", [int(level * (1 if n // 8 % 2 else -1)) for n in range(count)]).tobytes()


def test_the_level_gate_learns_a_steady_noise() -> None:
    stream = EnergyEngine().open()
    steady = stream.feed(tone(300, 20.48))
    assert max(steady[-10:]) < 0.1
    assert min(stream.feed(tone(3000, 0.512))) > 0.9
    assert max(stream.feed(tone(300, 1.0))) < 0.1


def test_the_level_gate_ignores_a_constant_offset() -> None:
    stream = EnergyEngine().open()
    assert max(stream.feed(array("h", [9000] * 16_000).tobytes())) < 0.1


def test_the_fake_fires_as_scripted() -> None:
    stream = FakeWakeEngine(at=(16_000, 60_001)).open(["hey mycroft"])
    found = stream.feed(bytes(2 * 80_000))
    assert [one.end for one in found] == [16_000, 60_160]


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_the_marker_is_heard_at_its_end(seconds: float) -> None:
    found = FakeWakeEngine().open(["okay nabu"]).feed(bytes(32_000) + marker(seconds))
    assert [one.phrase for one in found] == ["okay nabu"]
