"""When a wall clock shows a time, with the days on which clocks are changed."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.timers.schedule import Said, Wanted, next_time, next_weekly, tonight

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
ZONES = [BERLIN, NEW_YORK, LORD_HOWE, ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")]


def at(zone: ZoneInfo, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def shown(moment: datetime | None, zone: ZoneInfo) -> str:
    assert moment is not None
    return moment.astimezone(zone).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("zone", "now", "said", "rings"),
    [
        # Spring: 02:30 does not exist in Berlin on 2026-03-29; it comes 2.5 h behind midnight.
        (BERLIN, "2026-03-28T22:00", Said(2, 30, "am"), "2026-03-29T03:30+02:00"),
        (BERLIN, "2026-03-29T01:59", Said(3, 0, "am"), "2026-03-29T03:00+02:00"),
        # Autumn: 02:30 comes twice on 2026-10-25; the first counts.
        (BERLIN, "2026-10-24T22:00", Said(2, 30, "am"), "2026-10-25T02:30+02:00"),
        (BERLIN, "2026-10-25T07:00", Said(7, 30), "2026-10-25T07:30+01:00"),
        (NEW_YORK, "2026-03-07T22:00", Said(2, 30, "am"), "2026-03-08T03:30-04:00"),
        (NEW_YORK, "2026-10-31T22:00", Said(1, 30, "am"), "2026-11-01T01:30-04:00"),
        # Lord Howe changes by half an hour: 02:15 does not exist on 2026-10-04 ...
        (LORD_HOWE, "2026-10-03T22:00", Said(2, 15, "am"), "2026-10-04T02:45+11:00"),
        # ... and 01:45 comes twice on 2026-04-05.
        (LORD_HOWE, "2026-04-04T22:00", Said(1, 45, "am"), "2026-04-05T01:45+11:00"),
    ],
)
def test_days_on_which_clocks_are_changed(zone: ZoneInfo, now: str, said: Said, rings: str) -> None:
    assert shown(next_time(said, Wanted(), at(zone, now)), zone) == rings


def test_the_second_of_a_doubled_hour_can_still_come() -> None:
    now = at(BERLIN, "2026-10-25T02:20", fold=1)
    found = next_time(Said(2, 30, "am"), Wanted(), now)
    assert shown(found, BERLIN) == "2026-10-25T02:30+01:00"
    weekly = next_weekly(time(2, 30), range(7), now)
    assert shown(weekly, BERLIN) == "2026-10-26T02:30+01:00", "every day: once a day"


NOON = "2026-11-21T12:00"  # a Saturday
TODAY, TOMORROW = date(2026, 11, 21), date(2026, 11, 22)


@pytest.mark.parametrize(
    ("said", "wanted", "rings"),
    [
        (Said(7), Wanted(), "2026-11-21T19:00"),
        (Said(7), Wanted(waking=True), "2026-11-22T07:00"),
        (Said(7, 0, "am"), Wanted(), "2026-11-22T07:00"),
        (Said(11, 59), Wanted(), "2026-11-21T23:59"),
        (Said(12), Wanted(), "2026-11-22T00:00"),
        (Said(12, 0, "pm"), Wanted(), "2026-11-22T12:00"),
        (Said(12, 0, "am"), Wanted(), "2026-11-22T00:00"),
        (Said(0, 30), Wanted(), "2026-11-22T00:30"),
        (Said(19, 15), Wanted(), "2026-11-21T19:15"),
        (Said(7), Wanted(day=TOMORROW), "2026-11-22T07:00"),
        (Said(2), Wanted(day=TOMORROW), "2026-11-22T14:00"),
        (Said(12), Wanted(day=TOMORROW), "2026-11-22T12:00"),
        (Said(5), Wanted(day=TODAY), "2026-11-21T17:00"),
        (Said(5, 0, "evening"), Wanted(), "2026-11-21T17:00"),
        (Said(10, 0, "night"), Wanted(), "2026-11-21T22:00"),
        (Said(3, 0, "night"), Wanted(), "2026-11-22T03:00"),
        (Said(7), Wanted(days=(0, 1, 2, 3, 4)), "2026-11-23T07:00"),
        (Said(1), Wanted(days=(5,)), "2026-11-21T13:00"),
        (Said(11), Wanted(days=(5,)), "2026-11-28T11:00"),
    ],
)
def test_what_people_mean(said: Said, wanted: Wanted, rings: str) -> None:
    assert shown(next_time(said, wanted, at(BERLIN, NOON)), BERLIN)[:16] == rings


def test_what_has_passed_is_not_set() -> None:
    assert next_time(Said(11, 0, "am"), Wanted(day=TODAY), at(BERLIN, NOON)) is None


@pytest.mark.parametrize(
    ("now", "said", "rings"),
    [
        ("2026-11-21T12:00", Said(9), "2026-11-21T21:00"),
        ("2026-11-21T12:00", Said(12), "2026-11-22T00:00"),
        ("2026-11-21T23:30", Said(1), "2026-11-22T01:00"),
        ("2026-11-22T00:30", Said(1), "2026-11-22T01:00"),
        ("2026-11-21T12:00", Said(23, 15), "2026-11-21T23:15"),
    ],
)
def test_tonight(now: str, said: Said, rings: str) -> None:
    assert shown(tonight(said, at(BERLIN, now)), BERLIN)[:16] == rings


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are given without a zone


@given(MOMENTS, st.sampled_from(ZONES), st.integers(0, 23), st.integers(0, 59))
def test_it_rings_soon_and_when_the_clock_shows_it(
    moment: datetime, zone: ZoneInfo, hour: int, minute: int
) -> None:
    said = Said(hour, minute, None if hour > 12 or hour == 0 else "am")
    wanted = said.times()[0]
    rings = next_time(said, Wanted(), moment.astimezone(zone))
    assert rings is not None
    assert moment < rings <= moment + timedelta(hours=26)
    local = rings.astimezone(zone)
    if local.time() != wanted:
        # Only a time that does not exist on that day is shown as another.
        naive = datetime.combine(local.date(), wanted, zone)
        assert naive.astimezone(UTC).astimezone(zone).time() != wanted


@given(MOMENTS, st.sampled_from(ZONES), st.times(), st.sets(st.integers(0, 6), min_size=1))
def test_weekly_rings_once_on_each_of_its_days(
    moment: datetime, zone: ZoneInfo, clock: time, days: set[int]
) -> None:
    clock, seen = clock.replace(microsecond=0, second=0), list[datetime]()
    now = moment.astimezone(zone)
    for _ in range(8):
        following = next_weekly(clock, days, now)
        assert following > now.astimezone(UTC)
        seen.append(following.astimezone(zone))
        now = seen[-1]
    dates = [one.date() for one in seen]
    assert len(set(dates)) == len(dates)
    assert all(one.weekday() in days for one in dates)
    assert dates[-1] - dates[0] == max(dates) - min(dates)
    if len(days) == 7:
        assert {two - one for one, two in pairwise(dates)} == {timedelta(days=1)}
