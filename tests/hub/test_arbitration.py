"""Which reports are one call, and who answers it: the pure rule."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.turns.arbitration.arbiter import WINDOW_S, Arbiter, heard_at_us
from antiphon_hub.turns.arbitration.gains import FLOORS_KEPT, WINS_KEPT, Gains
from antiphon_hub.turns.arbitration.report import Report
from tests.bench._homes import Home

WINDOW_US = int(WINDOW_S * 1e6)
DAY_US = 86_400_000_000


def heard(
    satellite: str,
    level: float = -40.0,
    noise: float = -65.0,
    *,
    at_ms: float = 0.0,
    confidence: float = 0.9,
) -> Report:
    return Report(
        satellite=satellite,
        stream=f"stream-{satellite}",
        at_us=DAY_US + int(at_ms * 1e3),
        level_dbfs=level,
        noise_dbfs=noise,
        confidence=confidence,
    )


def winner(reports: Sequence[Report], gains: Gains | None = None) -> str:
    """Report one after the other; return who leads in the end."""
    arbiter = Arbiter(gains or Gains())
    contest = arbiter.report(reports[0]).contest
    for report in reports[1:]:
        arbiter.report(report)
    return contest.leader.satellite


@pytest.mark.parametrize(
    ("why", "kitchen", "hall", "wins"),
    [
        ("the louder, all else equal", heard("k", -40), heard("h", -46), "k"),
        ("the one further above its own noise", heard("k", -40, -60), heard("h", -50, -80), "h"),
        ("the surer, about equally loud", heard("k", confidence=0.6), heard("h", -41.0), "h"),
        ("not the surer, far less loud", heard("k", confidence=0.6), heard("h", -52.0), "k"),
        ("noise that measures loud is no call", heard("k", -29.9, -30), heard("h", -60, -75), "h"),
    ],
)
def test_a_call_goes_to(why: str, kitchen: Report, hall: Report, wins: str) -> None:
    assert winner([kitchen, hall]) == wins, why
    assert winner([hall, kitchen]) == wins, why


@given(
    levels=st.lists(st.floats(-60, -20), min_size=2, max_size=12, unique=True),
    order=st.randoms(),
)
def test_the_order_of_the_reports_decides_nothing(
    levels: list[float], order: random.Random
) -> None:
    reports = [heard(f"s{n}", level) for n, level in enumerate(levels)]
    shuffled = list(reports)
    order.shuffle(shuffled)
    assert winner(shuffled) == winner(reports)


@given(st.floats(-12, 12), st.floats(-12, 12), st.floats(-55, -30), st.floats(-55, -30))
def test_a_devices_gain_decides_nothing(gain_a: float, gain_b: float, a: float, b: float) -> None:
    if abs(a - b) < 0.5:
        return  # a tie, but for rounding
    plain = winner([heard("a", a), heard("b", b)])
    amplified = [heard("a", a + gain_a, -65 + gain_a), heard("b", b + gain_b, -65 + gain_b)]
    assert winner(amplified) == plain


@given(
    st.lists(st.tuples(st.floats(-60, -20), st.floats(-90, -40)), min_size=1, max_size=12),
    st.floats(0, WINDOW_S * 1e3),
)
def test_of_one_call_exactly_one_leads_and_all_others_are_told(
    heard_levels: list[tuple[float, float]], late_ms: float
) -> None:
    arbiter = Arbiter(Gains())
    leads: set[str] = set()
    for number, (level, noise) in enumerate(heard_levels):
        report = heard(f"s{number}", level, noise, at_ms=late_ms if number else 0)
        verdict = arbiter.report(report)
        if verdict.before is not None:
            leads.remove(verdict.before.satellite)
        if verdict.place != "behind":
            leads.add(report.satellite)
        assert leads == {verdict.contest.leader.satellite}


@pytest.mark.parametrize(
    ("apart_ms", "one_call"), [(0, True), (250, True), (-250, True), (251, False), (5000, False)]
)
def test_reports_within_the_window_are_one_call(apart_ms: float, one_call: bool) -> None:
    arbiter = Arbiter(Gains())
    arbiter.report(heard("k"))
    verdict = arbiter.report(heard("h", -60, at_ms=apart_ms))
    assert (verdict.place == "behind") is one_call


def test_a_second_call_of_the_same_satellite_is_a_call_of_its_own() -> None:
    arbiter = Arbiter(Gains())
    arbiter.report(heard("k"))
    assert arbiter.report(heard("k", at_ms=200)).place == "first"


def test_who_reports_after_the_decision_stays_silent_however_loud() -> None:
    arbiter = Arbiter(Gains())
    contest = arbiter.report(heard("k", -60)).contest
    arbiter.settle(contest)
    assert arbiter.report(heard("h", -20, at_ms=100)).place == "behind"
    assert contest.leader.satellite == "k"


@pytest.mark.parametrize(
    ("stamped", "now", "at"),
    [
        (DAY_US, DAY_US + 180_000, DAY_US),
        (DAY_US + 3000, DAY_US, DAY_US + 3000),
        (0, DAY_US, DAY_US),
        (DAY_US + 3_600_000_000, DAY_US, DAY_US),
        (DAY_US - 3_600_000_000, DAY_US, DAY_US),
    ],
)
def test_a_clock_that_is_an_hour_off_is_not_believed(stamped: int, now: int, at: int) -> None:
    assert heard_at_us(stamped, now) == at


def test_a_television_beside_the_caller_loses_no_call_once_the_rooms_are_known() -> None:
    gains = Gains()
    for _ in range(3):  # calls on quiet evenings
        gains.learn([heard("living", -40, -65), heard("hall", -55, -65)])
    loud_evening = [heard("living", -40, -48), heard("hall", -50, -65)]
    assert winner(loud_evening) == "hall", "nothing known: only the signal over the noise counts"
    assert winner(loud_evening, gains) == "living"


def test_what_a_satellite_usually_wins_with_is_its_gain() -> None:
    """A noisy microphone (or a fridge) makes quiet look loud; its wins show what it is worth."""
    gains = Gains()
    call_in_hall = [heard("hall", -46, -70), heard("kitchen", -36.5, -56)]
    assert winner([heard("hall", -39, -70), heard("kitchen", -35, -56)], gains) == "hall"
    for _ in range(20):
        gains.learn([heard("hall", -38, -70), heard("kitchen", -46, -56, confidence=0.6)])
        gains.learn([heard("kitchen", -30, -56), heard("hall", -50, -70, confidence=0.6)])
    scores = gains.scores_db(call_in_hall)
    assert scores[1] > scores[0], "6 dB below its usual against 8 dB below its usual"


def test_what_is_remembered_is_bounded_and_a_doubtful_win_teaches_no_level() -> None:
    gains = Gains()
    for _ in range(200):
        gains.learn([heard("k", -30), heard("h", -50)])
    assert len(gains.known("k").floors_dbfs) == len(gains.known("h").floors_dbfs) == FLOORS_KEPT
    assert len(gains.known("k").wins_dbfs) == WINS_KEPT
    assert gains.known("h").wins_dbfs == []
    doubtful = Gains()
    doubtful.learn([heard("k", -30), heard("h", -30.5)])
    assert doubtful.known("k").wins_dbfs == []


def test_a_floor_between_calls_is_learned_once_in_ten_minutes() -> None:
    gains = Gains()
    kept = [gains.rest("k", -70.0, 30.0 * number) for number in range(60)]
    assert kept.count(True) == 3
    assert gains.known("k").floors_dbfs == [-70.0] * 3
    assert not gains.rest("h", -200.0, 0.0), "a microphone that heard nothing yet"


def test_a_television_at_the_very_first_call_loses_nothing_when_the_room_was_quiet_before() -> None:
    gains = Gains()
    for hour in range(5):
        gains.rest("living", -65.0, 3600.0 * hour)
        gains.rest("hall", -65.0, 3600.0 * hour)
    assert winner([heard("living", -40, -48), heard("hall", -50, -65)], gains) == "living"


def test_what_was_learned_decides_the_same_after_a_restart() -> None:
    gains, restored = Gains(), Gains()
    gains.learn([heard("k", -30, -50), heard("h", -50, -70)])
    for satellite in ("k", "h"):
        restored.restore(satellite, gains.known(satellite))
    reports = [heard("k", -41, -45), heard("h", -44, -70)]
    assert restored.scores_db(reports) == gains.scores_db(reports)


@pytest.mark.parametrize("seed", [101, 102])
def test_simulated_homes_are_answered_in_the_right_room(seed: int) -> None:
    """A small copy of the bench: better than both other rules, and hardly ever wrong."""
    right = first = loudest = calls = 0
    for size in (3, 6, 12):
        home, arbiter = Home(size, random.Random(seed * 100 + size)), Arbiter(Gains())
        for number in range(40):
            sounds = (call := home.call()).sounds
            if all(one.room != call.room for one in sounds):
                continue
            reports = [
                heard(
                    str(one.room),
                    one.level_dbfs,
                    one.noise_dbfs,
                    at_ms=number * 60_000 + 1e3 * one.captured_s,
                    confidence=one.confidence,
                )
                for one in sounds
            ]
            contest = arbiter.report(reports[0]).contest
            for report in reports[1:]:
                arbiter.report(report)
            arbiter.settle(contest)
            calls += 1
            right += contest.leader.satellite == str(call.room)
            first += sounds[0].room == call.room
            loudest += max(sounds, key=lambda one: one.level_dbfs).room == call.room
    assert right > loudest > first
    assert right >= 0.96 * calls
