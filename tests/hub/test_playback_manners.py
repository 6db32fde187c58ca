"""Volume, quiet hours and do-not-disturb of a room."""

from datetime import UTC, datetime

import pytest

from antiphon_hub.playback.manners import (
    SILENT_DB,
    AtNight,
    Manners,
    RoomState,
    gain_db,
    is_quiet,
    percent_now,
    verdict,
)


def at(hour: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{hour}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "end", "hour", "quiet"),
    [
        ("22:00", "07:00", "21:59:59", False),
        ("22:00", "07:00", "22:00", True),
        ("22:00", "07:00", "00:00", True),
        ("22:00", "07:00", "06:59:59", True),
        ("22:00", "07:00", "07:00", False),
        ("13:00", "14:30", "12:59", False),
        ("13:00", "14:30", "14:29", True),
        ("13:00", "14:30", "23:00", False),
        ("22:00", "22:00", "22:00", False),
    ],
)
def test_quiet_hours(begin: str, end: str, hour: str, quiet: bool) -> None:
    assert is_quiet(Manners(quiet_from=begin, quiet_to=end), at(hour)) is quiet


@pytest.mark.parametrize(
    ("at_night", "disturb_after_us", "urgent", "hour", "expected"),
    [
        ("quieter", 0, False, "23:00", "play"),
        ("chime", 0, False, "23:00", "chime"),
        ("chime", 0, False, "12:00", "play"),
        ("refuse", 0, False, "23:00", "quiet-hours"),
        ("refuse", 0, True, "23:00", "play"),
        ("quieter", -1, False, "12:00", "do-not-disturb"),
        ("quieter", 101, False, "12:00", "do-not-disturb"),
        ("quieter", 100, False, "12:00", "play"),
        ("chime", -1, False, "23:00", "do-not-disturb"),
        ("refuse", -1, True, "23:00", "play"),
    ],
)
def test_what_becomes_of_an_announcement(
    at_night: AtNight,
    disturb_after_us: int,
    urgent: bool,
    hour: str,
    expected: str,
) -> None:
    manners = Manners(quiet_from="22:00", quiet_to="07:00", quiet_announcements=at_night)
    state = RoomState(disturb_after_us=disturb_after_us)
    assert verdict(manners, state, urgent=urgent, now=at(hour), now_us=100) == expected


@pytest.mark.parametrize(
    ("own", "hour", "percent"),
    [(None, "12:00", 80), (55, "12:00", 55), (55, "23:00", 30), (10, "23:00", 10)],
)
def test_the_night_only_makes_it_quieter(own: int | None, hour: str, percent: int) -> None:
    manners = Manners(percent=80, quiet_from="22:00", quiet_to="07:00", quiet_percent=30)
    assert percent_now(manners, RoomState(percent=own), at(hour)) == percent


def test_half_the_volume_sounds_half_as_loud() -> None:
    assert [gain_db(percent) for percent in (100, 50, 1, 0)] == [0.0, -12.0, SILENT_DB, SILENT_DB]
    gains = [gain_db(percent) for percent in range(101)]
    assert gains == sorted(gains)
