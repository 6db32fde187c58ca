"""Ringing alone: the book of alarms, and a satellite that rings with and without its hub."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_ears.wake.fake import marker
from antiphon_link.fake import FakeBus
from antiphon_protocol.messages.satellite import ButtonPressed
from antiphon_protocol.messages.timer import Alarm, AlarmRang, AlarmStopped, SetAlarms
from antiphon_satellite.alarms.book import AlarmBook, Kept
from antiphon_satellite.alarms.shelf import Shelf
from antiphon_satellite.alarms.sounds import PAUSE_S, ring_pcm
from antiphon_satellite.machine import State
from antiphon_satellite.simulate import SimulatedRoom
from tests.support import virtual_time
from tests.support.satellite_world import hub_part, links, nowhere, simulated

HUB_US = 1_800_000_000_000_000
"""The hub's clock when it sets alarms: years away from ours, and that must not matter."""


def alarm(seconds: float = 10.0, name: str = "timer-1", ring_s: float = 900.0) -> Alarm:
    return Alarm(alarm=name, kind="timer", due_us=HUB_US + round(seconds * 1e6), ring_s=ring_s)


def told(*alarms: Alarm) -> SetAlarms:
    return SetAlarms(told_us=HUB_US, alarms=alarms)


def names(alarms: list[Alarm]) -> list[str]:
    return [one.alarm for one in alarms]


# -- the book -------------------------------------------------------------------------------------


def test_it_rings_from_its_time_until_it_is_stopped() -> None:
    book = AlarmBook()
    book.set(told(alarm(10), alarm(20, "timer-2")), 100.0)
    assert (book.next_s(100.0), book.ringing(109.9)) == (10.0, [])
    assert names(book.ringing(125.0)) == ["timer-1", "timer-2"]
    rang = book.passed(125.0)
    assert [one.alarm for one in rang] == ["timer-1", "timer-2"]
    assert book.passed(125.0) == []
    assert [one.by for one in book.stop("button", 126.0)] == ["button", "button"]
    assert (book.ringing(126.0), book.next_s(126.0)) == ([], None)
    assert [type(one) for one in book.told_again(130.0)] == [AlarmStopped, AlarmStopped]


def test_it_rings_no_longer_than_it_may() -> None:
    book = AlarmBook()
    book.set(told(alarm(10, ring_s=60)), 0.0)
    assert [type(one) for one in book.passed(10.0)] == [AlarmRang]
    assert book.ringing(69.9)
    (over,) = book.passed(70.0)
    assert isinstance(over, AlarmStopped)
    assert (over.by, book.ringing(70.0)) == ("limit", [])


def test_what_the_hub_leaves_out_is_silent_and_what_it_sets_again_stays_stopped() -> None:
    book = AlarmBook()
    both = told(alarm(1), alarm(2, "timer-2"))
    book.set(both, 0.0)
    book.passed(5.0)
    book.set(told(alarm(1)), 5.0)
    assert book.ringing(5.5) == [], "told five seconds later: it is due in one more"
    assert names(book.ringing(6.5)) == ["timer-1"]
    book.stop("voice", 7.0)
    book.set(told(alarm(1)), 5.0)
    assert book.ringing(7.0) == []


@given(st.floats(-2000, 2000), st.floats(0, 3000), st.integers(0, 2**50))
def test_a_restart_changes_nothing(due_s: float, off_s: float, wall_us: int) -> None:
    book, after = AlarmBook(), AlarmBook()
    book.set(told(alarm(due_s)), 50.0)
    kept = book.kept(wall_us + 4_000_000_000, 50.0)
    after.restore(kept, wall_us + 4_000_000_000 + round(off_s * 1e6), 7.0)
    at_s = 50.0 + off_s
    if min(abs(due_s - off_s), abs(due_s + 900 - off_s)) > 0.001:
        assert after.ringing(7.0) == book.ringing(at_s)


def test_what_was_due_while_it_was_off_is_the_hubs_to_tell() -> None:
    book = AlarmBook()
    book.restore([Kept(alarm(0), 0)], 3_600_000_000, 0.0)
    assert (book.passed(0.0), book.ringing(0.0), book.told_again(0.0)) == ([], [], [])


# -- the file -------------------------------------------------------------------------------------


def test_the_file_brings_back_what_was_written(tmp_path: Path) -> None:
    shelf, kept = Shelf(tmp_path / "deep", "sim"), [Kept(alarm(), 5, "button", rang=True)]
    assert shelf.read() == []
    shelf.write(kept)
    assert Shelf(tmp_path / "deep", "sim").read() == kept
    assert Shelf(tmp_path / "deep", "other").read() == []


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "alarms-sim.json").write_bytes(b'[{"alarm": 3')
    assert Shelf(tmp_path, "sim").read() == []


def test_without_a_folder_nothing_is_kept() -> None:
    shelf = Shelf(None, "sim")
    shelf.write([Kept(alarm(), 5)])
    assert shelf.read() == []


def test_a_wake_phrase_fits_into_the_pause() -> None:
    assert PAUSE_S > 1.2
    assert all(len(ring_pcm(kind)) < 2 * 16_000 * 1.5 for kind in ("timer", "alarm", "reminder"))  # type: ignore[arg-type] - literals


# -- the satellite --------------------------------------------------------------------------------


def rings(room: SimulatedRoom) -> int:
    return sum(one.sound == "ring-timer" for one in room.sounds)


def test_it_rings_and_the_button_stops_it() -> None:
    async def story() -> None:
        bus = FakeBus()
        async with hub_part(bus) as hub, simulated(bus) as (room, _):
            await room.wait_ready()
            hub.ask(told(alarm(5)))
            await hub.fact(AlarmRang)
            await asyncio.sleep(10)
            assert rings(room) in (4, 5)
            room.press()
            stopped = await hub.fact(AlarmStopped)
            assert (stopped.alarm, stopped.by) == ("timer-1", "button")
            before = rings(room)
            await asyncio.sleep(10)
            assert rings(room) == before
            assert (hub.calls, len(hub.all(ButtonPressed))) == ([], 1), "it is no call"

    virtual_time.run(story())


def test_the_hub_stops_it() -> None:
    async def story() -> None:
        bus = FakeBus()
        async with hub_part(bus) as hub, simulated(bus) as (room, _):
            await room.wait_ready()
            hub.ask(told(alarm(1)))
            await hub.fact(AlarmRang)
            hub.ask(told())
            await asyncio.sleep(1)
            before = rings(room)
            await asyncio.sleep(10)
            assert rings(room) == before

    virtual_time.run(story())


def test_it_is_silent_while_somebody_speaks_and_then_rings_on() -> None:
    async def story() -> None:
        bus = FakeBus()
        async with hub_part(bus) as hub, simulated(bus) as (room, _):
            await room.wait_ready()
            hub.ask(told(alarm(1)))
            await hub.fact(AlarmRang)
            await room.say(marker())
            call = await hub.listen()
            assert room.state is State.LISTENING
            await asyncio.sleep(1)
            before = rings(room)
            await asyncio.sleep(8)
            assert rings(room) == before
            hub.stop(call, "no-wake")
            await asyncio.sleep(10)
            assert rings(room) > before

    virtual_time.run(story())


@pytest.mark.parametrize("restarted", [False, True])
def test_it_rings_alone_and_the_wake_word_stops_it(tmp_path: Path, *, restarted: bool) -> None:
    async def story() -> None:
        bus = FakeBus()

        def new_room() -> SimulatedRoom:
            return SimulatedRoom(
                nowhere,  # type: ignore[arg-type]  # never called
                satellite="sim",
                room="kitchen",
                engines=("fake",),
                gate="fake",
                make_link=links(bus),
                state_dir=tmp_path,
            )

        room = new_room()
        running = asyncio.create_task(room.run())
        async with hub_part(bus) as hub:
            await room.wait_ready()
            hub.ask(told(alarm(60)))
            await asyncio.sleep(1)
            await hub.farewell()
        await room.wait_until(lambda: room.state is State.AWAY)
        if restarted:
            running.cancel()
            await asyncio.wait((running,))
            room = new_room()
            running = asyncio.create_task(room.run())
        await asyncio.sleep(65)
        assert rings(room) > 1
        await room.say(marker())
        await asyncio.sleep(3)
        before = rings(room)
        await asyncio.sleep(20)
        assert rings(room) == before
        assert not any("unreachable" in one.sound for one in room.sounds)
        async with hub_part(bus) as hub:
            stopped = await hub.fact(AlarmStopped)
            assert stopped.by == "voice", "the hub is told as soon as it is back"
        running.cancel()
        await asyncio.wait((running,))

    virtual_time.run(story())
