"""Bytes to packets: however they are cut, and whatever a stranger sends."""

import itertools
from unittest.mock import Mock

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_link import wire as wire_module
from antiphon_link.wire import Wire

TOPICS = st.text(st.characters(codec="ascii", exclude_characters="+#\0"), min_size=1, max_size=30)
PACKETS = st.one_of(
    st.builds(
        lambda topic, payload, number: mqtt5.PublishPacket(
            topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number
        ),
        TOPICS,
        st.binary(max_size=300),
        st.integers(1, 65535),
    ),
    st.builds(mqtt5.PublishPacket, TOPICS, st.binary(max_size=300)),
    st.builds(mqtt5.PubAckPacket, st.integers(1, 65535)),
    st.just(mqtt5.PingRespPacket()),
)


class World:
    def __init__(self) -> None:
        self.packets: list[mqtt5.Packet] = []
        self.reasons: list[str] = []
        self.transport = Mock()
        self.wire = Wire(self.packets.append, self.reasons.append)
        self.wire.connection_made(self.transport)

    def feed(self, data: bytes, cuts: list[int]) -> None:
        edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
        for begin, end in itertools.pairwise(edges):
            if data[begin:end]:
                self.wire.data_received(data[begin:end])


@given(st.lists(PACKETS, max_size=6), st.lists(st.integers(0, 3000), max_size=8))
def test_packets_are_the_same_however_their_bytes_are_cut(
    packets: list[mqtt5.Packet], cuts: list[int]
) -> None:
    world = World()
    world.feed(b"".join(one.write() for one in packets), cuts)
    assert [one.write() for one in world.packets] == [one.write() for one in packets]
    assert world.reasons == []


# The codec leaves the error behind that made it panic.
panics = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@panics
@given(st.binary(min_size=1, max_size=400), st.lists(st.integers(0, 400), max_size=4))
def test_any_bytes_are_packets_or_a_reason_or_awaited(data: bytes, cuts: list[int]) -> None:
    world = World()
    world.feed(data, cuts)
    if world.reasons:
        assert all(one.startswith("it speaks no MQTT 5") for one in world.reasons)
        world.transport.abort.assert_called()


@panics
def test_text_that_is_no_text_ends_the_connection() -> None:
    world = World()
    world.wire.data_received(b"\x32\x07\x00\x01\xff\x00\x01\x00x")
    assert world.reasons == ["it speaks no MQTT 5: broken text"]
    assert world.packets == []


def test_a_packet_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "PACKET_BYTES_MAX", 1000)
    world = World()
    endless = b"\x30\xff\xff\xff\x7f" + bytes(900)
    world.wire.data_received(endless)
    assert world.reasons == []
    world.wire.data_received(bytes(200))
    assert world.reasons == ["a packet of over 1000 bytes"]


async def test_who_sends_waits_while_the_network_does_not_keep_up() -> None:
    world = World()
    assert world.wire.drained() is None
    world.wire.pause_writing()
    first, second = world.wire.drained(), world.wire.drained()
    assert first is not None
    assert second is not None
    world.wire.resume_writing()
    assert first.done()
    assert second.done()
    assert world.wire.drained() is None


async def test_nobody_waits_for_a_network_that_is_gone() -> None:
    world = World()
    world.wire.pause_writing()
    waiting = world.wire.drained()
    world.wire.connection_lost(None)
    assert waiting is not None
    assert waiting.done()
    assert world.reasons == ["it closed the connection"]
    world.transport.is_closing.return_value = True
    world.wire.write(b"too late")
    world.transport.write.assert_not_called()
