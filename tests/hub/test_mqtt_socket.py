"""The pipe between a browser and the broker, on a real Mosquitto and a real HTTP server."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from antiphon_hub.web import mqtt_socket
from antiphon_link.broker import BrokerAddress
from tests.support.browser_page import Console
from tests.support.mosquitto import Broker, free_port

MQTT = Subprotocol("mqtt")
CONNECT = bytes.fromhex("101000044d5154540502003c00000362") + b"rw"
"""MQTT 5, clean, keepalive 60 s, client id `brw`."""
CONNACK = 0x20
PINGREQ, PINGRESP = bytes.fromhex("c000"), bytes.fromhex("d000")


@pytest.fixture
async def console(broker: Broker) -> AsyncIterator[Console]:
    async with Console(lambda: broker.address).serving() as one:
        yield one


def address(console: Console) -> str:
    return console.url.replace("http", "ws", 1) + "mqtt"


async def connected(socket: ClientConnection) -> None:
    await socket.send(CONNECT)
    answer = await socket.recv()
    assert isinstance(answer, bytes)
    assert answer[0] == CONNACK
    assert answer[3] == 0, "accepted"


async def test_a_browser_talks_to_the_broker(console: Console) -> None:
    async with connect(address(console), subprotocols=[MQTT]) as socket:
        assert socket.subprotocol == MQTT
        await connected(socket)
        for part in (PINGREQ[:1], PINGREQ[1:]):
            await socket.send(part)
        assert await socket.recv() == PINGRESP
        assert console.page.socket.open == 1


async def test_much_passes_unchanged(console: Console) -> None:
    topic, text = b"t", bytes(range(256)) * 200
    publish = b"\x30" + _length(3 + 1 + len(text)) + b"\0\x01" + topic + b"\0" + text
    subscribe = b"\x82\x07\0\x01\0\0\x01t\0"
    async with connect(address(console), subprotocols=[MQTT], max_size=None) as socket:
        await connected(socket)
        await socket.send(subscribe)
        await socket.recv()
        await socket.send(publish * 20)
        got = b""
        while len(got) < len(publish) * 20:
            got += bytes(await socket.recv())  # type: ignore[arg-type]
        assert got == publish * 20


@pytest.mark.parametrize(
    "origin", ["http://elsewhere.example", "null", "http://127.0.0.1", "http://[::1"]
)
async def test_another_sites_page_is_refused(console: Console, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await connect(address(console), subprotocols=[MQTT], additional_headers={"Origin": origin})
    assert console.page.socket.counts["refused"] == 1


async def test_our_own_page_is_let_in(console: Console) -> None:
    origin = console.url.removesuffix("/satellite/")
    async with connect(
        address(console), subprotocols=[MQTT], additional_headers={"Origin": origin}
    ) as socket:
        await connected(socket)


async def test_nobody_signed_in_is_refused(console: Console) -> None:
    console.signed_in = False
    with pytest.raises(InvalidStatus, match="403"):
        await connect(address(console), subprotocols=[MQTT])


@pytest.mark.parametrize("subprotocols", [None, [Subprotocol("chat")]])
async def test_another_subprotocol_is_refused(
    console: Console, subprotocols: list[Subprotocol] | None
) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await connect(address(console), subprotocols=subprotocols)


async def test_who_signs_out_is_cut_off(console: Console) -> None:
    async with connect(address(console), subprotocols=[MQTT]) as socket:
        await connected(socket)
        console.signed_in = False
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 1008
    assert console.page.socket.counts["signed_out"] == 1


async def test_more_browsers_than_it_bears_are_refused(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.page.socket, "_sockets_max", 1)
    async with connect(address(console), subprotocols=[MQTT]):
        with pytest.raises(InvalidStatus, match="403"):
            await connect(address(console), subprotocols=[MQTT])


async def test_a_text_is_no_mqtt(console: Console) -> None:
    async with connect(address(console), subprotocols=[MQTT]) as socket:
        await socket.send("hello")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 1008


async def test_a_huge_message_is_refused(console: Console) -> None:
    async with connect(address(console), subprotocols=[MQTT]) as socket:
        await socket.send(bytes(mqtt_socket.FRAME_BYTES_MAX + 1))
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 1009


async def test_the_browser_learns_that_the_broker_went(console: Console, broker: Broker) -> None:
    async with connect(address(console), subprotocols=[MQTT]) as socket:
        await connected(socket)
        broker.stop(kill=True)
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code in (1012, 1013)


async def test_without_a_broker_nobody_is_let_in() -> None:
    nobody = BrokerAddress(host="127.0.0.1", port=free_port())
    async with Console(lambda: nobody).serving() as console:
        with pytest.raises(InvalidStatus, match="403"):
            await connect(address(console), subprotocols=[MQTT])
        assert console.page.socket.counts["broker_away"] == 1


async def test_the_brokers_side_ends_with_the_browsers(console: Console) -> None:
    for _ in range(5):
        async with connect(address(console), subprotocols=[MQTT]) as socket:
            await connected(socket)
    async with asyncio.timeout(10):
        while console.page.socket.open:  # noqa: ASYNC110 - the server closes in its own time
            await asyncio.sleep(0.01)


def _length(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, digit = divmod(value, 128)
        encoded.append(digit | (128 if value else 0))
        if not value:
            return bytes(encoded)
