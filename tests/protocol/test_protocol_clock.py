import math
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_protocol.audio import AudioFormat, AudioFrame
from antiphon_protocol.clock import KEPT_US, SKEW_MAX, Exchange, OffsetEstimator
from antiphon_protocol.errors import VersionError
from antiphon_protocol.version import OURS, PROTOCOL_MAJOR, VersionRange, negotiate

DELAYS_US = st.integers(0, 5_000_000)


def exchange(at_us: int, offset_us: int, there_us: int, thinking_us: int, back_us: int) -> Exchange:
    received_us = at_us + there_us + offset_us
    replied_us = received_us + thinking_us
    return Exchange(at_us, received_us, replied_us, replied_us - offset_us + back_us)


@given(
    offset_us=st.integers(-(10**12), 10**12),
    skew=st.floats(-200e-6, 200e-6),
    trips=st.lists(st.tuples(DELAYS_US, DELAYS_US, DELAYS_US), min_size=1, max_size=40),
)
def test_the_error_is_at_most_half_a_delay_and_what_clocks_drift_meanwhile(
    offset_us: int, skew: float, trips: list[tuple[int, int, int]]
) -> None:
    estimator = OffsetEstimator()
    begin_us = 10**12
    at_us, errors_us = begin_us, []
    for there_us, thinking_us, back_us in trips:
        now_us = offset_us + round(skew * (at_us - begin_us))
        one = exchange(at_us, now_us, there_us, thinking_us, back_us)
        assert one.delay_us == there_us + back_us
        assert abs(one.offset_us - now_us) <= one.delay_us / 2 + 1
        estimator.add(one)
        errors_us.append((at_us, one.delay_us / 2 + 2000))
        at_us += 20_000_000
    bounds = [
        delay_us + (one.answered_us - asked_us) * (SKEW_MAX + abs(skew))
        for asked_us, delay_us in errors_us
        if one.asked_us - asked_us <= KEPT_US
    ]
    assert estimator.offset_us is not None
    assert abs(estimator.offset_us - now_us) <= min(bounds) + 5000


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("skew", [-200e-6, 0.0, 130e-6])
def test_many_delayed_exchanges_tell_offset_and_drift(seed: int, skew: float) -> None:
    random = Random(seed)
    estimator = OffsetEstimator()
    for number in range(60):
        at_us = number * 10_000_000
        there_us, back_us = (round(random.uniform(0, 80_000)) for _ in range(2))
        estimator.add(exchange(at_us, 7_000_000 + round(skew * at_us), there_us, 50, back_us))
    for later_us in (0, 10_000_000):
        true_us = 7_000_000 + skew * (at_us + later_us)
        told_us = estimator.offset_at(at_us + later_us)
        assert told_us is not None
        assert abs(told_us - true_us) < 6_000


def test_doubt_tells_how_wrong_the_offset_may_be() -> None:
    """Half a minute of an exchange each second, a thousand times, with 0-80 ms either way."""
    random, squares, later_squares = Random(8), [], []
    for _ in range(1000):
        estimator, skew = OffsetEstimator(), random.gauss(0.0, 60e-6)
        for number in range(30):
            there_us, back_us = (round(random.uniform(0, 80_000)) for _ in range(2))
            at_us = number * 1_000_000
            estimator.add(exchange(at_us, round(skew * at_us), there_us, 50, back_us))
        for later_us, kept in ((0, squares), (20_000_000, later_squares)):
            told_us = estimator.offset_at(at_us + later_us)
            assert told_us is not None
            error_us = told_us - skew * (at_us + later_us)
            kept.append((error_us / estimator.doubt_at(at_us + later_us)) ** 2)
    assert 0.8 < mean(squares) < 1.25
    assert 0.8 < mean(later_squares) < 1.25


def test_what_is_long_ago_counts_no_more() -> None:
    """A crystal that warms up: quick messages of ten minutes ago would fit no line of today's."""
    estimator = OffsetEstimator()
    for number in range(20):
        estimator.add(exchange(number * 1_000_000, 1000, 10, 0, 10))
    for number in range(20):
        at_us = 2 * KEPT_US + number * 1_000_000
        estimator.add(exchange(at_us, 31_000, 10_000, 0, 10_000))
    assert estimator.offset_us == pytest.approx(31_000, abs=100)
    assert estimator.doubt_at(at_us) == pytest.approx(20_000 / 12**0.5, rel=0.1)


def test_more_exchanges_leave_less_doubt() -> None:
    random, estimator, doubts_us = Random(2), OffsetEstimator(), []
    for number in range(64):
        there_us, back_us = (round(random.uniform(0, 80_000)) for _ in range(2))
        estimator.add(exchange(number * 1_000_000, 0, there_us, 50, back_us))
        doubts_us.append(estimator.doubt_at(number * 1_000_000))
    assert doubts_us[0] > 3_000
    assert doubts_us[-1] < 2_000
    assert estimator.doubt_at(600_000_000) > doubts_us[-1], "what lies ahead is less sure"


def test_nothing_is_known_before_the_first_exchange() -> None:
    assert OffsetEstimator().offset_us is None
    assert OffsetEstimator().offset_at(0) is None
    assert OffsetEstimator().doubt_at(0) == math.inf


def test_a_clock_that_was_set_forward_starts_anew() -> None:
    estimator = OffsetEstimator()
    for number in range(3):
        estimator.add(exchange(number * 1_000_000, 500, 10, 0, 10))
    estimator.add(exchange(4_000_000, 3_600_000_000, 10, 0, 10))
    assert estimator.offset_us == pytest.approx(3_600_000_000, abs=10)


def test_a_clock_that_was_set_meanwhile_starts_anew() -> None:
    estimator = OffsetEstimator()
    estimator.add(exchange(0, 500, 10, 0, 10))
    estimator.add(Exchange(1_000_000, 2_000_000, 2_000_000, 900_000))
    assert estimator.offset_us is None
    estimator.add(exchange(2_000_000, 700, 30, 0, 30))
    assert estimator.offset_us == pytest.approx(700, abs=1)


@pytest.mark.parametrize(
    ("ours", "theirs", "spoken"),
    [((1, 1), (1, 1), 1), ((1, 3), (2, 5), 3), ((2, 5), (1, 3), 3), ((3, 3), (1, 9), 3)],
)
def test_the_highest_common_version_is_spoken(
    ours: tuple[int, int], theirs: tuple[int, int], spoken: int
) -> None:
    assert negotiate(VersionRange(*ours), VersionRange(*theirs)) == spoken


@pytest.mark.parametrize(
    ("ours", "theirs", "culprit"),
    [((2, 3), (1, 1), "update the other program"), ((1, 1), (2, 3), "update this program")],
)
def test_strangers_are_told_who_must_be_updated(
    ours: tuple[int, int], theirs: tuple[int, int], culprit: str
) -> None:
    with pytest.raises(VersionError, match=culprit):
        negotiate(VersionRange(*ours), VersionRange(*theirs))


@given(st.integers(-3, 9), st.integers(-3, 9))
def test_a_version_range_is_never_empty(oldest: int, newest: int) -> None:
    if 0 < oldest <= newest:
        assert negotiate(VersionRange(oldest, newest), VersionRange(oldest, newest)) == newest
    else:
        with pytest.raises(ValueError, match="empty or not positive"):
            VersionRange(oldest, newest)


def test_we_speak_our_own_version() -> None:
    assert negotiate(OURS, OURS) == PROTOCOL_MAJOR


def test_a_frame_counts_its_samples() -> None:
    assert AudioFrame(0, 0, 0, bytes(1024)).samples == 512
    assert AudioFrame(3, 1536, 0, b"", last=True).samples == 0
    assert AudioFormat(rate_hz=22_050).seconds(44_100) == 1.0


@pytest.mark.parametrize(
    ("pcm", "last", "mistake"), [(b"abc", False, "half a sample"), (b"", False, "empty frame")]
)
def test_a_frame_that_cannot_be_is_not_made(pcm: bytes, last: bool, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        AudioFrame(0, 0, 0, pcm, last=last)
