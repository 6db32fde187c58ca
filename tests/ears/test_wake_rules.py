"""The pure parts: when a score counts, how bytes become windows, the level gate, the fake."""

import itertools
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_ears.vad.energy import EnergyEngine
from antiphon_ears.wake.fake import FakeWakeEngine, marker
from antiphon_ears.wake.joint import ALONE, JointEngine
from antiphon_ears.wake.trigger import (
    REFRACTORY_SAMPLES,
    TOGETHER_SAMPLES,
    JointTrigger,
    Trigger,
)
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


THRESHOLDS = ({"a": 0.8, "b": 0.7}, {"a": 0.9})
MOMENTS = st.lists(
    st.tuples(
        st.integers(0, 1), st.floats(0, 1), st.sampled_from([1, 1000, TOGETHER_SAMPLES, 20_000])
    ),
    max_size=100,
)


def joint_hits(
    moments: list[tuple[int, float, int]], together: float
) -> list[tuple[int, float, tuple[int, ...]]]:
    """Return where the phrase fired, its score and who heard it; a moment says how much later."""
    trigger, end, found = JointTrigger(THRESHOLDS, together), 0, []
    for engine, score, later in moments:
        end += later
        if judged := trigger.judge(engine, {"a": score}, end):
            found.append((judged[0].end, judged[0].score, judged[1]))
    return found


def test_two_that_are_unsure_agree_within_half_a_second() -> None:
    assert joint_hits([(0, 0.4, 1), (1, 0.35, TOGETHER_SAMPLES)], 0.3) == [(8001, 0.35, (0, 1))]
    assert joint_hits([(0, 0.4, 1), (1, 0.35, TOGETHER_SAMPLES + 1)], 0.3) == []
    assert joint_hits([(0, 0.4, 1), (0, 0.5, 10), (1, 0.2, 10)], 0.3) == []


def test_one_that_is_sure_needs_nobody() -> None:
    assert joint_hits([(0, 0.81, 1)], 0.3) == [(1, 0.81, (0,))]
    assert joint_hits([(1, 0.81, 1)], 0.3) == []


def test_different_phrases_do_not_agree() -> None:
    trigger = JointTrigger(({"a": 0.9, "b": 0.9}, {"a": 0.9, "b": 0.9}), 0.3)
    assert trigger.judge(0, {"a": 0.5}, 100) is None
    assert trigger.judge(1, {"b": 0.5}, 200) is None


def test_a_phrase_that_shall_not_count_alone_does_not_count_together() -> None:
    trigger = JointTrigger(({"a": 1.0}, {"a": 1.0}), 0.3)
    assert trigger.judge(0, {"a": 1.0}, 100) is None
    assert trigger.judge(1, {"a": 1.0}, 200) is None


def test_a_joint_reset_ends_the_rest_and_forgets_what_was_heard() -> None:
    trigger = JointTrigger(THRESHOLDS, 0.3)
    assert trigger.judge(0, {"a": 0.85}, 5000)
    trigger.reset()
    assert trigger.judge(1, {"a": 0.5}, 5100) is None
    assert trigger.judge(0, {"a": 0.5}, 5200)


@given(moments=MOMENTS)
def test_joint_detections_are_apart_and_have_a_reason(
    moments: list[tuple[int, float, int]],
) -> None:
    hits = joint_hits(moments, 0.3)
    assert all(b[0] - a[0] >= REFRACTORY_SAMPLES for a, b in itertools.pairwise(hits))
    for _, score, agreed in hits:
        assert score > 0.3
        assert len(agreed) == 2 or score > THRESHOLDS[agreed[0]]["a"]


@given(moments=MOMENTS)
def test_the_first_call_is_heard_no_later_together_than_apart(
    moments: list[tuple[int, float, int]],
) -> None:
    together, apart = joint_hits(moments, 0.3), joint_hits(moments, 1.0)
    if apart:
        assert together
        assert together[0][0] <= apart[0][0]


def test_where_two_listen_one_alone_must_be_surer() -> None:
    names = ["hey mycroft", "okay nabu"]
    engines = [FakeWakeEngine(phrases=names), FakeWakeEngine(phrases=names[:1])]
    both, mine = JointEngine(engines), JointEngine(engines[:1])
    parts = both.open(names).parts
    assert [part.thresholds for part in parts] == [
        {"hey mycroft": ALONE, "okay nabu": 0.5},
        {"hey mycroft": ALONE},
    ]
    assert both.open(names[:1], 0.7).parts[0].thresholds == {"hey mycroft": 0.7}
    assert mine.open(names).parts[0].thresholds == dict.fromkeys(names, 0.5)


def test_a_joint_stream_says_who_heard_the_call() -> None:
    engines = [FakeWakeEngine(at=(16_000,)), FakeWakeEngine(at=(16_000, 80_000))]
    found = JointEngine(engines).open(["hey mycroft"]).feed(bytes(2 * 96_000))
    assert [(one.end, one.engine) for one in found] == [(16_000, "fake"), (80_000, "fake")]


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
