"""The link beside plain paho, on the same Mosquitto in the same run: round trips and throughput.

A round trip is: publish, and be heard by one's own subscription, one message at a time. Throughput
keeps up to 100 messages on the way. Payloads are audio frames' size.
"""

import argparse
import asyncio
import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from antiphon_link.broker import BrokerAddress
from antiphon_link.link import Link
from antiphon_protocol.audio import FRAME_BYTES, AudioFrame
from antiphon_protocol.codec import Encoding
from antiphon_protocol.topics import Role, Topic
from tests.bench._timing import spread
from tests.support.mosquitto import mosquitto

FRAME = AudioFrame(1, 512, 0, bytes(FRAME_BYTES))
WINDOW = 100
TIMEOUT_S = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--exchanges", type=int, default=500, help="round trips (default 500)")
    parser.add_argument("--messages", type=int, default=5000, help="for throughput (default 5000)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure both qualities of service with each client."""
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with mosquitto(Path(folder)) as broker:
            figures: dict[str, Any] = {"payload_bytes": len(bench_topic(0).encode(FRAME))}
            for qos in (0, 1):
                figures[f"qos{qos}"] = {
                    "link": await _link(broker.address, qos, args),
                    "paho": await asyncio.to_thread(
                        _paho, broker.address, qos, args, nodelay=False
                    ),
                    "paho_nodelay": await asyncio.to_thread(
                        _paho, broker.address, qos, args, nodelay=True
                    ),
                }
    return figures


def bench_topic(qos: int) -> Topic[AudioFrame]:
    """Return a topic of that quality of service."""
    return Topic(
        name="BENCH",
        pattern="bench/{run}",
        payload=AudioFrame,
        qos=qos,
        encoding=Encoding.MSGPACK,
        writers=(Role.ANYONE,),
        readers=(Role.ANYONE,),
        purpose="figures",
    )


# -- the link -------------------------------------------------------------------------------------


async def _link(address: BrokerAddress, qos: int, args: argparse.Namespace) -> dict[str, Any]:
    async def resolve() -> BrokerAddress:
        return address

    topic = bench_topic(qos)
    link = Link(resolve, client_id=f"bench-{qos}")
    heard: asyncio.Queue[AudioFrame] = asyncio.Queue(maxsize=args.messages + 1)
    link.on(topic, lambda frame, _: heard.put_nowait(frame))
    running = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(3 * TIMEOUT_S):
            await link.wait_connected()
            trips_ms = [await _link_trip_ms(link, topic, heard) for _ in range(args.exchanges)]
            per_s = await _link_throughput(link, topic, heard, args.messages)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    return {"round_trip_ms": spread(trips_ms[10:]), "messages_per_s": round(per_s)}


async def _link_trip_ms(
    link: Link, topic: Topic[AudioFrame], heard: asyncio.Queue[AudioFrame]
) -> float:
    began_s = time.perf_counter()
    await link.send(topic, FRAME, run="a")
    await heard.get()
    return 1000 * (time.perf_counter() - began_s)


async def _link_throughput(
    link: Link, topic: Topic[AudioFrame], heard: asyncio.Queue[AudioFrame], messages: int
) -> float:
    began_s = time.perf_counter()
    for number in range(messages):
        link.post(topic, FRAME, run="a")
        if number >= WINDOW:
            await heard.get()
    for _ in range(min(WINDOW, messages)):
        await heard.get()
    return messages / (time.perf_counter() - began_s)


# -- plain paho, with its own network thread ------------------------------------------------------


def _paho(
    address: BrokerAddress, qos: int, args: argparse.Namespace, *, nodelay: bool
) -> dict[str, Any]:
    payload = bench_topic(qos).encode(FRAME)
    path = bench_topic(qos).path(run=f"paho-{nodelay}".lower())
    heard = threading.Semaphore(0)
    with _paho_client(address, path, qos, heard, nodelay=nodelay) as client:
        trips_ms = []
        for _ in range(args.exchanges):
            began_s = time.perf_counter()
            client.publish(path, payload, qos).wait_for_publish(TIMEOUT_S)
            _wait(heard)
            trips_ms.append(1000 * (time.perf_counter() - began_s))
        began_s = time.perf_counter()
        for number in range(args.messages):
            client.publish(path, payload, qos)
            if number >= WINDOW:
                _wait(heard)
        for _ in range(min(WINDOW, args.messages)):
            _wait(heard)
        per_s = args.messages / (time.perf_counter() - began_s)
    return {"round_trip_ms": spread(trips_ms[10:]), "messages_per_s": round(per_s)}


def _wait(heard: threading.Semaphore) -> None:
    if not heard.acquire(timeout=TIMEOUT_S):
        raise TimeoutError(f"a message did not come back within {TIMEOUT_S:g} s")


@contextmanager
def _paho_client(
    address: BrokerAddress, path: str, qos: int, heard: threading.Semaphore, *, nodelay: bool
) -> Iterator[paho.Client]:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    subscribed = threading.Semaphore(0)
    client.on_message = lambda *_: heard.release()
    client.on_subscribe = lambda *_: subscribed.release()
    if nodelay:
        client.on_socket_open = lambda _client, _data, sock: sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        client.subscribe(path, qos)
        _wait(subscribed)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
