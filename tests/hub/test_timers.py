"""Timers over their whole life: rung for, missed, kept over restarts, set clocks."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.errors import TimersError
from antiphon_hub.timers.finding import Wanted, meant, plain_name
from antiphon_hub.timers.model import (
    ENTRIES_MAX,
    Entry,
    lengthened,
    paused,
    resumed,
    snoozed,
)
from antiphon_hub.timers.watch import ClockWatch
from antiphon_hub.timers.words import duration_words, left_words, length_name, missed_text
from tests.support import virtual_time
from tests.support.timers_world import BEGIN, Here, TimersWorld, same_room

# -- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "one second"),
        (60, "one minute"),
        (90, "one minute and thirty seconds"),
        (5400, "one hour and thirty minutes"),
        (3661, "one hour, one minute and one second"),
        (176_400, "two days and one hour"),
        (0, "no time"),
    ],
)
def test_durations_are_spoken(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "one second"),
        (59.6, "one minute"),
        (599, "nine minutes and fifty nine seconds"),
        (700, "twelve minutes"),
        (7170, "two hours"),
        (100_000, "one day and four hours"),
    ],
)
def test_nobody_wants_to_hear_seconds_of_hours(seconds: float, words: str) -> None:
    assert left_words(seconds) == words


def test_a_length_before_a_noun_has_no_plural() -> None:
    assert length_name(5400) == "one hour thirty minute"
    assert missed_text(Entry(id="t", kind="timer", due_us=0, length_s=600), 1_200_000_000) == (
        "Your ten minute timer ended twenty minutes ago."
    )


# -- changes --------------------------------------------------------------------------------------

LENGTHS = st.floats(1.0, 100_000.0)


@given(LENGTHS, LENGTHS, LENGTHS)
def test_a_pause_takes_no_time(length_s: float, wait_s: float, pause_s: float) -> None:
    entry = Entry(id="t", kind="timer", due_us=round(length_s * 1e6), length_s=length_s)
    wait_us = round(min(wait_s, length_s) * 1e6)
    still = paused(entry, wait_us)
    on = resumed(still, wait_us + round(pause_s * 1e6))
    assert on.due_us - entry.due_us == pytest.approx(pause_s * 1e6, abs=3)
    assert paused(still, 0) is still
    assert resumed(on, 0) is on


@given(LENGTHS, st.floats(-100_000, 100_000))
def test_a_second_is_left_at_least(length_s: float, by_s: float) -> None:
    entry = Entry(id="t", kind="timer", due_us=round(length_s * 1e6), length_s=length_s)
    for one in (entry, paused(entry, 0)):
        left_s = lengthened(one, by_s, 0).left_at(0)
        assert left_s == pytest.approx(min(604_800.0, max(1.0, length_s + by_s)), abs=1e-3)


def test_a_jump_of_the_wall_clock_is_noticed_and_a_drift_is_not() -> None:
    watch = ClockWatch(0, 0.0)
    assert [watch.jump_us(second * 1_000_100, second) for second in range(1, 100)] == [0] * 99
    assert watch.jump_us(3_600_000_000 + 100 * 1_000_100, 100) == pytest.approx(3.6e9, abs=1e4)
    assert watch.jump_us(101 * 1_000_100, 101) == pytest.approx(-3.6e9, abs=1e4)


# -- which one ------------------------------------------------------------------------------------


def entry(name: str, room: str = "kitchen", **more: object) -> Entry:
    known = {"kind": "timer", "due_us": 5, "length_s": 600.0, "room": room, "name": name}
    return Entry(id=f"{name}-{room}", **{**known, **more})  # type: ignore[arg-type]  # a test's words


ALL = [
    entry("pasta"),
    entry("egg", length_s=180.0),
    entry("tea", "bedroom"),
    entry("", "bedroom", kind="alarm", at_minute=450),
    entry("", "hall", kind="alarm", at_minute=1170),
]


@pytest.mark.parametrize(
    ("wanted", "room", "found"),
    [
        (Wanted(name="pasta"), "hall", ["pasta-kitchen"]),
        (Wanted(name="the eggs timer"), "hall", ["egg-kitchen"]),
        (Wanted(kinds=("timer",)), "bedroom", ["tea-bedroom"]),
        (Wanted(kinds=("timer",)), "kitchen", ["pasta-kitchen", "egg-kitchen"]),
        (Wanted(kinds=("timer",)), "hall", ["pasta-kitchen", "egg-kitchen", "tea-bedroom"]),
        (Wanted(length_s=180.0), "hall", ["egg-kitchen"]),
        (Wanted(kinds=("timer",), room="bedroom"), "kitchen", ["tea-bedroom"]),
        (Wanted(at_minute=450), "kitchen", ["-bedroom"]),
        (Wanted(at_minute=450, exact=False), "kitchen", ["-bedroom", "-hall"]),
        (Wanted(name="pizza"), "kitchen", []),
    ],
)
def test_which_one_is_meant(wanted: Wanted, room: str, found: list[str]) -> None:
    assert [one.id for one in meant(ALL, wanted, room, same_room)] == found


def test_what_rings_here_is_meant_first() -> None:
    rings = entry("tea", state="ringing")
    assert meant([*ALL, rings], Wanted(), "kitchen", same_room) == [rings]
    assert plain_name("my Eggs timer") == plain_name("egg")


# -- their life -----------------------------------------------------------------------------------


def test_it_rings_in_its_room_and_is_stopped_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite") as world:
            world.satellites.append(Here("far", "bedroom"))
            pasta = world.entry(600, name="pasta")
            await world.timers.start(pasta)
            await world.timers.start(pasta)
            await asyncio.sleep(1)
            assert world.copies() == ["timer-1"], "in advance: it rings with the hub down, too"
            assert world.copies("far") == []
            await asyncio.sleep(598.9)
            assert world.facts == ["TimerStarted pasta"]
            await asyncio.sleep(2)
            world.rang(pasta)
            assert world.said == [("kitchen", "Your pasta timer is done.")]
            world.stopped(pasta)
            await asyncio.sleep(1)
            assert world.facts[1:] == ["TimerRinging pasta", "TimerEnded pasta stopped"]
            assert (world.copies(), world.timers.entries) == ([], ())

    virtual_time.run(story())


def test_nobody_stops_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite") as world:
            pasta = world.entry(60, name="pasta")
            await world.timers.start(pasta)
            await asyncio.sleep(62)
            world.rang(pasta)
            await asyncio.sleep(900)
            assert world.facts[-1] == "TimerEnded pasta unheard"
            await asyncio.sleep(60)
            assert len(world.said) == 1
            assert world.timers.entries == ()

    virtual_time.run(story())


def test_an_alarm_comes_again_on_its_next_day(tmp_path: Path) -> None:
    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite") as world:
            alarm = world.entry(
                3600, "alarm-1", kind="alarm", length_s=0.0, at_minute=13 * 60, days=(0, 5)
            )
            await world.timers.start(alarm)
            await asyncio.sleep(3610)
            world.stopped(alarm, "voice")
            await asyncio.sleep(1)
            (following,) = world.timers.entries
            later_us = following.due_us - alarm.due_us
            assert later_us == pytest.approx(2 * 86_400_000_000, abs=1e5), "Saturday, then Monday"
            assert world.facts == [
                "TimerStarted",
                "TimerRinging",
                "TimerEnded stopped",
                "TimerChanged",
            ]
            await world.timers.end("alarm-1", "cancelled")
            assert world.timers.entries == ()

    virtual_time.run(story())


def test_a_snoozed_one_rings_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite") as world:
            await world.timers.start(world.entry(10))
            await asyncio.sleep(20)
            await world.timers.change(
                "timer-1", lambda one: snoozed(one, 540, world.timers.now_us), "turn-1"
            )
            await world.timers.change("timer-1", lambda one: snoozed(one, 5, 0), "turn-1")
            await asyncio.sleep(500)
            assert world.facts.count("TimerRinging") == 1
            await asyncio.sleep(60)
            assert world.facts.count("TimerRinging") == 2

    virtual_time.run(story())


# -- restarts -------------------------------------------------------------------------------------


def set_before(tmp_path: Path, **more: object) -> Entry:
    """Set a timer of a minute, and stop the hub at once."""

    async def before() -> Entry:
        async with TimersWorld(tmp_path / "t.sqlite") as world:
            entry = world.entry(60, name="pasta", **more)
            await world.timers.start(entry)
            return entry

    return virtual_time.run(before())


def test_it_survives_a_restart(tmp_path: Path) -> None:
    pasta = set_before(tmp_path)

    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite", BEGIN + timedelta(seconds=30)) as world:
            assert world.timers.entries == (pasta,)
            await asyncio.sleep(1)
            assert world.copies() == ["timer-1"]
            await asyncio.sleep(32)
            assert world.said == [("kitchen", "Your pasta timer is done.")]

    virtual_time.run(story())


def test_a_missed_one_is_told(tmp_path: Path) -> None:
    set_before(tmp_path)

    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite", BEGIN + timedelta(minutes=31)) as world:
            world.satellites.clear()
            await asyncio.sleep(60)
            assert world.facts == ["TimerEnded pasta missed"]
            assert world.said == [], "nobody is there to hear it"
            world.satellites.append(Here("sat", "kitchen"))
            world.voice = False
            world.ringing.joined("sat")
            await asyncio.sleep(60)
            assert len(world.timers.entries) == 1, "no voice yet: it is kept"
            world.voice = True
            world.ringing.joined("sat")
            await asyncio.sleep(60)
            assert world.said == [("kitchen", "Your pasta timer ended thirty two minutes ago.")]
            assert world.timers.entries == ()

    virtual_time.run(story())


def test_one_that_is_not_long_ago_still_rings(tmp_path: Path) -> None:
    set_before(tmp_path)

    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite", BEGIN + timedelta(minutes=11)) as world:
            await asyncio.sleep(10)
            assert world.facts == ["TimerRinging pasta"]
            assert world.said == [("kitchen", "Your pasta timer ended ten minutes ago.")]
            assert world.copies() == ["timer-1"]

    virtual_time.run(story())


@pytest.mark.parametrize(
    ("by", "ended", "told"),
    [("button", "stopped", 0), ("voice", "stopped", 0), ("limit", "missed", 1)],
)
def test_what_satellites_did_alone_counts(tmp_path: Path, by: str, ended: str, told: int) -> None:
    pasta = set_before(tmp_path)

    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite", BEGIN + timedelta(minutes=11)) as world:
            world.stopped(pasta, by)
            await asyncio.sleep(30)
            assert world.facts == [f"TimerEnded pasta {ended}"]
            assert len(world.said) == told
            assert world.timers.entries == ()

    virtual_time.run(story())


def test_an_alarm_that_was_missed_is_told_and_set_again(tmp_path: Path) -> None:
    set_before(tmp_path, kind="alarm", at_minute=12 * 60 + 1, days=tuple(range(7)))

    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite", BEGIN + timedelta(hours=2)) as world:
            await asyncio.sleep(30)
            assert world.said == [
                ("kitchen", "Your pasta alarm was due one hour and fifty nine minutes ago.")
            ]
            (following,) = world.timers.entries
            assert (following.id, following.state) == ("timer-1", "running")

    virtual_time.run(story())


# -- clocks that are set --------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, -1])
def test_a_timer_does_not_follow_a_clock_that_is_set(tmp_path: Path, hours: int) -> None:
    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite") as world:
            await world.timers.start(world.entry(600, name="pasta"))
            await world.timers.start(world.entry(5400, "alarm-1", kind="alarm", at_minute=810))
            await asyncio.sleep(300)
            world.set_clock(timedelta(hours=hours))
            await asyncio.sleep(290)
            assert "TimerRinging pasta" not in world.facts
            assert world.ringing.counts["clock_jumps"] == 1
            await asyncio.sleep(20)
            assert "TimerRinging pasta" in world.facts
            await asyncio.sleep(5400 - 610 - 3600 * hours - 30)
            assert "TimerRinging" not in world.facts, "an alarm follows the wall clock"
            await asyncio.sleep(40)
            assert "TimerRinging" in world.facts

    virtual_time.run(story())


def test_there_is_a_bound(tmp_path: Path) -> None:
    async def story() -> None:
        async with TimersWorld(tmp_path / "t.sqlite") as world:
            for number in range(ENTRIES_MAX):
                await world.timers.start(world.entry(6000, f"t-{number}"))
            with pytest.raises(TimersError):
                await world.timers.start(world.entry(6000, "t-more"))
            await asyncio.sleep(1)
            assert len(world.copies()) == 64

    virtual_time.run(story())
