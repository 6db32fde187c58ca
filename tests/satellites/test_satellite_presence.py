"""Whose id it is: the claim by itself, and two satellites of one id on a bus in memory."""

import asyncio
import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_link.fake import FakeBus
from antiphon_protocol.errors import TopicError
from antiphon_protocol.messages.presence import Goodbye, Hello, SatellitePresence, TimeAsked
from antiphon_protocol.topics import SATELLITE_PRESENCE
from antiphon_protocol.version import OURS
from antiphon_satellite.device.identity import RIVAL_LEASE_S, SETTLE_S, Claim, identity
from antiphon_satellite.machine import State
from tests.support import virtual_time
from tests.support.satellite_world import hub_part, simulated


def hello(instance: str, epoch: int = 5) -> Hello:
    return Hello(
        satellite="twin",
        epoch=epoch,
        room="hall",
        protocol=OURS,
        software="0",
        host="attic",
        instance=instance,
    )


def goodbye(epoch: int = 5) -> Goodbye:
    return Goodbye(satellite="twin", epoch=epoch, reason="lost")


def claimed(epoch: int = 10, now_s: float = 0.0) -> Claim:
    claim = Claim("us")
    claim.begin(epoch)
    claim.connected(now_s)
    assert claim.settle(now_s + SETTLE_S)
    return claim


def test_a_free_id_is_ours_after_a_moment() -> None:
    claim = Claim("us")
    claim.begin(10)
    assert not claim.settle(99.0)
    claim.connected(100.0)
    assert not claim.settle(100.0 + SETTLE_S / 2)
    assert claim.settle(100.0 + SETTLE_S)
    assert claim.mine
    assert not claim.settle(200.0), "only once"


def test_the_one_before_us_keeps_it_until_it_says_goodbye() -> None:
    claim = Claim("us")
    claim.begin(10)
    claim.saw(hello("them"), 0.0)
    claim.connected(0.1)
    assert not claim.settle(1.0)
    assert claim.rival is not None
    claim.saw(goodbye(epoch=4), 2.0)
    assert claim.rival is not None, "an older one's will"
    claim.saw(goodbye(epoch=6), 2.0)
    assert claim.rival is not None, "an older one's will, from before its clock was set back"
    claim.saw(goodbye(epoch=5), 3.0)
    assert claim.settle(3.0 + SETTLE_S)


def test_one_that_gives_no_sign_of_life_is_succeeded() -> None:
    claim = Claim("us")
    claim.begin(10)
    claim.connected(0.0)
    claim.saw(hello("them"), 0.1)
    claim.sign_of_life(10.0)
    assert not claim.settle(0.1 + RIVAL_LEASE_S)
    assert claim.settle(10.0 + RIVAL_LEASE_S)


def test_of_two_that_came_at_once_the_older_keeps_it() -> None:
    ours = claimed(epoch=10)
    assert ours.saw(hello("them", epoch=11), 1.0), "we say Hello again"
    assert ours.mine
    assert not ours.saw(hello("them", epoch=9), 2.0)
    assert not ours.mine


def test_a_foreign_will_on_our_topic_makes_us_say_hello_again() -> None:
    assert claimed().saw(goodbye(epoch=3), 1.0)


def test_our_own_echo_says_nothing() -> None:
    ours = claimed(epoch=10)
    assert not ours.saw(hello("us", epoch=10), 1.0)
    assert ours.mine


presences: st.SearchStrategy[SatellitePresence] = st.one_of(
    st.builds(hello, st.sampled_from(["us", "them", "others"]), st.integers(0, 20)),
    st.builds(goodbye, st.integers(0, 20)),
)


@given(st.lists(st.tuples(presences, st.floats(0.0, 30.0)), max_size=30))
def test_of_two_claims_that_see_the_same_at_most_one_is_held(
    seen: list[tuple[SatellitePresence, float]],
) -> None:
    one, other, now_s = Claim("a-one"), Claim("b-other"), 0.0
    for claim, epoch in ((one, 30), (other, 31)):
        claim.begin(epoch)
        claim.connected(now_s)
    for presence, pause_s in seen:
        now_s += pause_s
        for claim, rival in ((one, other), (other, one)):
            claim.saw(presence, now_s)
            if claim.settle(now_s):
                rival.saw(hello(claim._instance, claim.epoch), now_s)
                claim.sign_of_life(now_s)
        if one.mine and other.mine:
            other.saw(hello("a-one", one.epoch), now_s)
        assert not (one.mine and other.mine)


def test_an_id_comes_from_the_host_or_is_checked() -> None:
    assert identity("", "hall").satellite
    assert identity("shelf-2", "hall").satellite == "shelf-2"
    assert identity("", "hall").instance != identity("", "hall").instance
    with pytest.raises(TopicError, match="satellite id"):
        identity("Living Room", "hall")


def test_the_second_satellite_waits_says_so_and_takes_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        bus = FakeBus()
        async with hub_part(bus, "twin") as hub:
            async with simulated(bus, satellite="twin", room="kitchen") as (first, _):
                await first.wait_ready()
                async with simulated(bus, satellite="twin", room="hall") as (second, _):
                    await asyncio.sleep(60.0)
                    assert (first.state, second.state) == (State.IDLE, State.AWAY)
                await asyncio.sleep(1.0)
                assert hub_room(bus) == "kitchen", "the second left no trace"
                caught = [one for one in caplog.records if one.levelno == logging.ERROR]
                assert len(caught) == 1
                assert "'twin' is taken" in caught[0].getMessage()
                assert "'kitchen'" in caught[0].getMessage()
                assert "--id" in caught[0].getMessage()
            async with simulated(bus, satellite="twin", room="hall") as (second, _):
                await second.wait_ready()
                assert hub_room(bus) == "hall"
            assert not [one for one in hub.all(TimeAsked) if one.asked_us == 0]

    virtual_time.run(story())


def hub_room(bus: FakeBus) -> str:
    (kept,) = bus.retained("antiphon/1/sat/twin/presence")
    presence = SATELLITE_PRESENCE.decode(kept.payload)
    return presence.room if isinstance(presence, Hello) else ""


def client_of(bus: FakeBus) -> Callable[[], str]:
    return lambda: next(name for name in bus._connections if name.startswith("satellite-"))


def test_a_satellite_whose_machine_died_with_the_broker_is_succeeded() -> None:
    async def story() -> None:
        bus = FakeBus()
        async with hub_part(bus, "twin") as hub:
            await hub.link.send(SATELLITE_PRESENCE, hello("dead"), satellite="twin")
            async with simulated(bus, satellite="twin", room="kitchen") as (room, _):
                await asyncio.sleep(RIVAL_LEASE_S - 1)
                assert room.state is State.AWAY
                await room.wait_ready()
                assert hub_room(bus) == "kitchen"

    virtual_time.run(story())


def test_a_cut_connection_ends_in_the_same_satellite_again() -> None:
    async def story() -> None:
        bus = FakeBus()
        async with hub_part(bus, "twin") as hub, simulated(bus, satellite="twin") as (room, light):
            await room.wait_ready()
            bus.cut(client_of(bus)())
            await hub.until(lambda: isinstance(hub.presences[-1], Goodbye))
            await hub.until(lambda: isinstance(hub.presences[-1], Hello))
            await room.wait_ready()
            assert light.shown == [State.AWAY, State.IDLE, State.AWAY, State.IDLE]

    virtual_time.run(story())
