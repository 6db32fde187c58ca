import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_protocol.messages.presence import TimeAsked, TimeTold
from antiphon_satellite.hub_clock import (
    ASK_IN_DOUBT_S,
    ASK_S,
    ASK_SELDOM_S,
    ASK_SOON_S,
    ASKS,
    ASKS_AT_LEAST,
    ASKS_EVERY_S,
    DOUBT_US,
    SPREAD,
    SURE_US,
    HubClock,
    Pace,
)
from tests.support import virtual_time

AHEAD_US = 7_000_000
"""The hub's clock before ours."""


def waits(pace: Pace, doubt_us: float, count: int) -> list[float]:
    return [pace.wait_s(doubt_us) for _ in range(count)]


@given(seed=st.integers(), doubts_us=st.lists(st.floats(0.0, 1e6), max_size=60))
def test_nobody_asks_in_a_row_without_need(seed: int, doubts_us: list[float]) -> None:
    pace = Pace(Random(seed))
    assert 0.0 <= pace.first_s() <= ASK_S
    for doubt_us in doubts_us:
        longest_s = ASK_IN_DOUBT_S if doubt_us > DOUBT_US else ASK_SELDOM_S
        wait_s = pace.wait_s(doubt_us)
        assert ASK_S * (1 - SPREAD) <= wait_s <= longest_s * (1 + SPREAD)


def test_who_knows_the_time_well_asks_ever_more_seldom() -> None:
    assert sum(waits(Pace(Random(1)), SURE_US, 12)) > 90.0


def test_who_is_in_doubt_gets_to_know_it_within_two_minutes() -> None:
    assert 100.0 < sum(waits(Pace(Random(1)), 2 * DOUBT_US, 60)) < 140.0


def test_doubt_that_comes_back_is_asked_about_soon() -> None:
    pace = Pace(Random(1))
    waits(pace, 0.0, 20)
    assert pace.wait_s(2 * DOUBT_US) <= ASK_IN_DOUBT_S * (1 + SPREAD)


@pytest.mark.parametrize(("doubt_us", "asks"), [(0.0, ASKS_AT_LEAST), (2 * SURE_US, ASKS)])
def test_need_asks_in_a_row_until_there_is_no_doubt(doubt_us: float, asks: int) -> None:
    pace = Pace(Random(1))
    assert pace.need(0.0)
    assert not pace.need(ASKS_EVERY_S - 0.1)
    row = waits(pace, doubt_us, asks + 1)
    assert row[: asks - 1] == [ASK_SOON_S] * (asks - 1)
    assert min(row[asks - 1 :]) >= ASK_S * (1 - SPREAD)
    assert pace.need(ASKS_EVERY_S)
    assert pace.wait_s(doubt_us) == ASK_SOON_S


class Hub:
    """Answers each question after a while, by a clock that is ahead."""

    def __init__(self, delay_s: Callable[[], float]) -> None:
        self._delay_s = delay_s
        self.asked_s: list[float] = []
        self.ahead_us = AHEAD_US

    def clock(self, seed: int = 1) -> HubClock:
        def ask(asked: TimeAsked) -> None:
            self.asked_s.append(asyncio.get_running_loop().time())
            there_us = steady() + self.ahead_us
            told = TimeTold(asked_us=asked.asked_us, received_us=there_us, replied_us=there_us)
            asyncio.get_running_loop().call_later(self._delay_s(), clock.told, told)

        clock = HubClock(ask, Random(seed), steady)
        return clock


def steady() -> int:
    return round(1e6 * asyncio.get_running_loop().time())


def prompt() -> float:
    return 0.002


@asynccontextmanager
async def running(*clocks: HubClock) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(clock.run()) for clock in clocks]
        yield
        for task in tasks:
            task.cancel()


def test_only_a_hub_that_is_there_is_asked() -> None:
    async def story() -> None:
        hub = Hub(prompt)
        clock = hub.clock()
        async with running(clock):
            clock.ask_soon()
            await asyncio.sleep(60.0)
            assert not hub.asked_s
            clock.hub_here("hub")
            await asyncio.sleep(0.1)
            assert len(hub.asked_s) == 1
            assert clock.steady_time_of(AHEAD_US + steady()) == pytest.approx(steady(), abs=2000)
            clock.hub_away()
            await asyncio.sleep(60.0)
            assert len(hub.asked_s) == 1

    virtual_time.run(story())


def test_another_hub_has_another_clock() -> None:
    async def story() -> None:
        hub = Hub(prompt)
        clock = hub.clock()
        async with running(clock):
            clock.hub_here("hub")
            await asyncio.sleep(60.0)
            clock.hub_away()
            clock.hub_here("hub")
            assert clock.steady_time_of(0) is not None
            clock.hub_away()
            hub.ahead_us = AHEAD_US + 20_000
            clock.hub_here("stand-in")
            assert clock.steady_time_of(0) is None
            await asyncio.sleep(0.1)
            there_us = steady() + hub.ahead_us
            assert clock.steady_time_of(there_us) == pytest.approx(steady(), abs=2000)

    virtual_time.run(story())


def test_a_clock_that_was_set_is_found_before_an_announcement() -> None:
    async def story() -> None:
        hub = Hub(prompt)
        clock = hub.clock()
        async with running(clock):
            clock.hub_here("hub")
            await asyncio.sleep(120.0)
            hub.ahead_us += 3_600_000_000
            clock.ask_soon()
            await asyncio.sleep(0.3)
            there_us = steady() + hub.ahead_us
            assert clock.steady_time_of(there_us) == pytest.approx(steady(), abs=2000)

    virtual_time.run(story())


def test_a_large_house_does_not_ask_all_at_once() -> None:
    async def story() -> None:
        random = Random(3)
        hub = Hub(lambda: random.uniform(0.001, 0.006))
        clocks = [hub.clock(seed) for seed in range(100)]
        async with running(*clocks):
            for clock in clocks:
                clock.hub_here("hub")
            await asyncio.sleep(60.0)
            assert busiest(hub.asked_s, 1.0) < 175, "all know nothing: each asks once, or twice"
            hub.asked_s.clear()
            await asyncio.sleep(60.0)
            assert busiest(hub.asked_s, 1.0) < 20
            for clock in clocks:
                clock.hub_away()
            hub.asked_s.clear()
            for clock in clocks:
                clock.hub_here("hub")
            await asyncio.sleep(10.0)
            assert busiest(hub.asked_s, 0.1) < 25, "a hub that comes back is not asked in chorus"
            hub.asked_s.clear()
            for clock in clocks:
                clock.ask_soon()
            await asyncio.sleep(2.0)
            assert len(hub.asked_s) < 4 * len(clocks), "all are sure: no need of forty answers"

    virtual_time.run(story())


def busiest(times_s: list[float], window_s: float) -> int:
    """Return how many were asked in the busiest window."""
    return max(
        bisect_left(times_s, at_s + window_s) - number for number, at_s in enumerate(times_s)
    )
