"""Who is near: by level against the person's own and the room's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.nearness import (
    GONE_WINDOWS,
    ROOM_MIN_WINDOWS,
    SMOOTH_WINDOWS,
    Nearness,
)

PERSON_DBFS = -20.0


def settled(
    later_dbfs: float, *, room_dbfs: float | None = None, call_dbfs: float | None = None
) -> bool:
    """Return whether a level counts as the person once a syllable's hold is over."""
    nearness = Nearness() if call_dbfs is None else Nearness(call_dbfs)
    for _ in range(ROOM_MIN_WINDOWS if room_dbfs is not None else 0):
        nearness.hear_room(room_dbfs if room_dbfs is not None else 0.0)
    if call_dbfs is None:
        for _ in range(10):
            nearness.hear(PERSON_DBFS, voiced=True, commanding=True)
    for _ in range(SMOOTH_WINDOWS):
        near = nearness.hear(later_dbfs, voiced=True, commanding=True)
    return near


@pytest.mark.parametrize(
    ("later_dbfs", "room_dbfs", "near"),
    [
        (-20.0, None, True),
        (-39.0, None, True),
        (-41.0, None, False),
        # a quiet room before the call changes nothing
        (-39.0, -60.0, True),
        (-41.0, -60.0, False),
        # a television: as loud as before the call and a little more is the television
        (-33.0, -35.0, False),
        (-31.0, -35.0, True),
        # talk as loud as the person before the call tells nothing
        (-39.0, -25.0, True),
    ],
)
def test_table(later_dbfs: float, room_dbfs: float | None, near: bool) -> None:
    assert settled(later_dbfs, room_dbfs=room_dbfs) is near


def test_what_is_far_quieter_than_the_call_is_not_the_person() -> None:
    assert settled(-35.0, call_dbfs=PERSON_DBFS)
    assert not settled(-45.0, call_dbfs=PERSON_DBFS)


def test_after_a_while_the_person_must_come_back_as_the_person() -> None:
    nearness = Nearness()
    for _ in range(ROOM_MIN_WINDOWS):
        nearness.hear_room(-35.0)
    for _ in range(10):
        nearness.hear(PERSON_DBFS, voiced=True, commanding=True)
    for _ in range(GONE_WINDOWS + SMOOTH_WINDOWS):
        nearness.hear(-40.0, voiced=True, commanding=True)
    assert not nearness.hear(-30.0, voiced=True, commanding=True)
    assert nearness.hear(-27.0, voiced=True, commanding=True)


def test_a_loud_call_does_not_make_a_quieter_command_the_room() -> None:
    nearness = Nearness()
    for _ in range(ROOM_MIN_WINDOWS):
        nearness.hear_room(-38.0)
    for _ in range(10):
        nearness.hear(-15.0, voiced=True, commanding=False)
    for _ in range(GONE_WINDOWS + SMOOTH_WINDOWS):
        nearness.hear(-60.0, voiced=False, commanding=False)
    assert nearness.hear(-27.0, voiced=True, commanding=False)


levels = st.lists(st.integers(-90, 0), min_size=1, max_size=60)


@given(levels, levels, st.integers(-30, 30))
def test_only_differences_count(room: list[int], course: list[int], gain_db: int) -> None:
    one, other = Nearness(), Nearness()
    for level in room:
        one.hear_room(level)
        other.hear_room(level + gain_db)
    for level in course:
        near = one.hear(level, voiced=True, commanding=True)
        assert other.hear(level + gain_db, voiced=True, commanding=True) == near
