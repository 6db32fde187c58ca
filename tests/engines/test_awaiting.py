"""When an answer begins: by table, and for any course of voice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.awaiting import SOFT_SILENCE_S, WITHIN_S, Awaiting, Begun
from antiphon_protocol.audio import SAMPLE_RATE_HZ

WINDOW = 512
CALL_DBFS = -20.0

Part = tuple[float, bool, float]
"""Level, whether there is voice, and for how many seconds."""
QUIET, NOISE = -60.0, -38.0


def begun(
    parts: list[Part], *, begin: int = 0, call_dbfs: float = CALL_DBFS
) -> tuple[Begun | None, float]:
    """Return how the answer begins, and when, seconds from the begin."""
    awaiting, at = Awaiting(call_dbfs, begin), begin
    for level_dbfs, voiced, seconds in parts:
        for _ in range(round(seconds * SAMPLE_RATE_HZ / WINDOW)):
            how = awaiting.hear(at, at + WINDOW, level_dbfs, voiced=voiced)
            at += WINDOW
            if how is not None:
                return how, (at - begin) / SAMPLE_RATE_HZ
    return None, (at - begin) / SAMPLE_RATE_HZ


@pytest.mark.parametrize(
    ("parts", "how", "at_s"),
    [
        # as loud as the call, or nearly
        ([(QUIET, False, 0.5), (-20.0, True, 0.2)], Begun.NEAR, 0.5),
        ([(QUIET, False, 0.5), (-27.0, True, 0.2)], Begun.NEAR, 0.5),
        # loud, but no voice
        ([(-10.0, False, 1.0)], None, 1.0),
        # a television, and the answer through it
        ([(-32.0, True, 2.0), (-22.0, True, 0.2)], Begun.NEAR, 2.0),
        # softly, in a quiet room
        ([(QUIET, False, 0.3), (-35.0, True, 0.3), (QUIET, False, 2)], Begun.SOFT, 1.3),
        # a click is no answer
        ([(QUIET, False, 0.3), (-35.0, True, 0.06), (QUIET, False, 2)], None, 2.36),
        # others pause, and the room goes on
        ([(-32.0, True, 0.5), (-58.0, False, 0.5), (-32.0, True, 0.5)], None, 1.5),
        ([(-36.0, True, 0.5), (NOISE, False, 1.5)], None, 2.0),
        # nobody spoke up
        ([(-32.0, True, 5.0)], Begun.LATE, WITHIN_S),
        ([(QUIET, False, 5.0)], Begun.LATE, WITHIN_S),
    ],
)
@pytest.mark.parametrize("begin", [0, 12_345])
def test_table(parts: list[Part], how: Begun | None, at_s: float, begin: int) -> None:
    found, found_s = begun(parts, begin=begin)
    assert found is how
    assert found_s == pytest.approx(at_s, abs=2.5 * WINDOW / SAMPLE_RATE_HZ)


courses = st.lists(st.tuples(st.integers(-90, 0), st.booleans(), st.just(0.032)), max_size=200)


@given(courses)
def test_it_waits_no_longer_than_it_says(course: list[Part]) -> None:
    how, at_s = begun([*course, (QUIET, False, WITHIN_S)])
    assert how is not None
    assert at_s <= WITHIN_S + WINDOW / SAMPLE_RATE_HZ


@given(courses, st.integers(-30, 30))
def test_only_differences_count(course: list[Part], gain_db: int) -> None:
    louder = [(level + gain_db, voiced, seconds) for level, voiced, seconds in course]
    assert begun(course) == begun(louder, call_dbfs=CALL_DBFS + gain_db)


@given(courses)
def test_a_soft_answer_is_over_when_it_is_taken(course: list[Part]) -> None:
    awaiting, at = Awaiting(CALL_DBFS, 0), 0
    for level_dbfs, voiced, _ in course:
        at += WINDOW
        how = awaiting.hear(at - WINDOW, at, level_dbfs, voiced=voiced)
        if how is Begun.SOFT:
            assert not voiced
            assert at - awaiting.soft_end >= SOFT_SILENCE_S * SAMPLE_RATE_HZ
        if how is not None:
            return
