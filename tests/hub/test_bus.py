"""The hub's edge: messages become calls, calls become messages."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path

import msgspec

from antiphon_hub.bus.inbound import Inbound
from antiphon_hub.bus.outbound import Devices, Outbound
from antiphon_hub.fleet import Twins
from antiphon_hub.home.model import Device
from antiphon_hub.timekeeping import Timekeeping
from antiphon_link.connection import Publication
from antiphon_link.fake import FakeBus, FakeLink
from antiphon_link.link import Envelope
from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.messages.ask import Answer, AskIntent, AskSay
from antiphon_protocol.messages.event import DeviceState, Event
from antiphon_protocol.messages.presence import Goodbye, Hello, TimeAsked, TimeTold
from antiphon_protocol.messages.satellite import SatelliteCommand
from antiphon_protocol.topics import (
    ANSWER,
    ASK_INTENT,
    ASK_SAY,
    EVENT,
    HOME_STATE,
    SATELLITE_DID,
    SATELLITE_DO,
    SATELLITE_PRESENCE,
    TOPICS,
)
from antiphon_protocol.version import OURS
from tests.support.turn_world import World


class Edge:
    """A hub's edge on a bus in memory, and a stranger's link beside it."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.bus = FakeBus()
        self.link = FakeLink(self.bus, client_id="hub")
        self.stranger = FakeLink(self.bus, client_id="stranger")
        self.outbound = Outbound(self.link)
        self.devices = Devices(self.link, self.outbound)
        Inbound(
            self.link,
            outbound=self.outbound,
            devices=self.devices,
            fleet=world.fleet,
            twins=Twins(folder, self.outbound.desired),
            pool=world.pool,
            turns=world.turns,
            playback=world.playback,
            timekeeping=Timekeeping(
                folder, UTC, world.publisher, world.fleet, self.outbound.satellite
            ),
            workers_changed=lambda: None,
        )


async def lived(tmp_path: Path, story: Callable[[Edge], Awaitable[None]]) -> None:
    async with World(tmp_path / "turns.sqlite") as world:
        edge = Edge(world, tmp_path)
        running = [asyncio.create_task(one.run()) for one in (edge.link, edge.stranger)]
        try:
            async with asyncio.timeout(10):
                await edge.link.wait_connected()
                await edge.stranger.wait_connected()
                await story(edge)
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)


def hello(epoch: int = 1) -> Hello:
    return Hello(
        satellite="sat",
        epoch=epoch,
        room="kitchen",
        protocol=OURS,
        software="0",
        host="host",
        instance="one",
        speaker=AudioFormat(),
    )


async def settled() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_presence_fills_and_empties_the_fleet(tmp_path: Path) -> None:
    async def story(edge: Edge) -> None:
        await edge.stranger.send(SATELLITE_PRESENCE, hello(), satellite="sat")
        await settled()
        assert edge.world.fleet.get("sat") is not None
        gone = Goodbye(satellite="sat", epoch=1, reason="lost")
        await edge.stranger.send(SATELLITE_PRESENCE, gone, satellite="sat")
        await settled()
        assert edge.world.fleet.get("sat") is None

    await lived(tmp_path, story)


async def test_the_hub_tells_a_satellite_the_time(tmp_path: Path) -> None:
    async def story(edge: Edge) -> None:
        told: asyncio.Queue[SatelliteCommand] = asyncio.Queue()
        await edge.stranger.follow(SATELLITE_DO, lambda m, _: told.put_nowait(m))
        await edge.stranger.send(SATELLITE_DID, TimeAsked(asked_us=7), satellite="sat")
        answer = await told.get()
        assert isinstance(answer, TimeTold)
        assert answer.asked_us == 7
        assert answer.replied_us >= answer.received_us > 0

    await lived(tmp_path, story)


async def test_a_request_is_answered_where_the_asker_said(tmp_path: Path) -> None:
    async def story(edge: Edge) -> None:
        answers: asyncio.Queue[tuple[Answer, Envelope]] = asyncio.Queue()
        await edge.stranger.follow(ANSWER, lambda m, e: answers.put_nowait((m, e)))
        publication = Publication(
            path=ASK_INTENT.path(),
            payload=b'{"text": "do it", "room": "kitchen"}',
            qos=1,
            response_topic=ANSWER.path(asker="me"),
            correlation=b"42",
        )
        edge.bus.publish(publication)
        answer, envelope = await answers.get()
        assert (answer.ok, answer.intent, answer.reply) == (True, "it", "done it")
        assert envelope.correlation == b"42"

    await lived(tmp_path, story)


async def test_say_for_no_room_is_answered_with_the_rooms_there_are(tmp_path: Path) -> None:
    async def story(edge: Edge) -> None:
        answers: asyncio.Queue[Answer] = asyncio.Queue()
        await edge.stranger.follow(ANSWER, lambda m, _: answers.put_nowait(m))
        await edge.stranger.send(SATELLITE_PRESENCE, hello(), satellite="sat")
        await settled()
        publication = Publication(
            path=ASK_SAY.path(),
            payload=ASK_SAY.encode(AskSay(text="hello", room="attic")),
            qos=1,
            response_topic=ANSWER.path(asker="me"),
        )
        edge.bus.publish(publication)
        answer = await answers.get()
        assert not answer.ok
        assert "kitchen" in answer.error

    await lived(tmp_path, story)


async def test_a_device_is_retained_commanded_and_told_of(tmp_path: Path) -> None:
    async def story(edge: Edge) -> None:
        events: asyncio.Queue[Event] = asyncio.Queue()
        await edge.stranger.follow(EVENT, lambda m, _: events.put_nowait(m), kind="device-changed")
        lamp = Device(
            id="lamp",
            name="lamp",
            room="kitchen",
            kind="light",
            command_topic="zigbee2mqtt/lamp/set",
        )
        await edge.devices.apply(lamp, DeviceState(on=True, brightness=50))
        assert edge.devices.state("lamp") == DeviceState(on=True, brightness=50)
        commanded = [one for one in edge.bus.published if one.path == "zigbee2mqtt/lamp/set"]
        assert msgspec.json.decode(commanded[0].payload) == {"state": "ON", "brightness": 127}
        retained = edge.bus.retained(HOME_STATE.path(device="lamp"))
        assert msgspec.json.decode(retained[0].payload) == {"on": True, "brightness": 50}
        event = await events.get()
        assert msgspec.to_builtins(event)["state"] == {"on": True, "brightness": 50}

    await lived(tmp_path, story)


async def test_a_player_is_told_on_its_own_topic(tmp_path: Path) -> None:
    async def story(edge: Edge) -> None:
        tv = Device(
            id="tv", name="tv", room="lounge", kind="media_player", command_topic="lounge/tv/set"
        )
        await edge.devices.command(tv, "pause")
        told = [one for one in edge.bus.published if one.path == "lounge/tv/set"]
        assert [one.payload for one in told] == [b'{"command":"pause"}']
        assert not told[0].retain
        assert edge.devices.state("tv") is None

    await lived(tmp_path, story)


async def test_states_of_an_earlier_life_are_taken_over(tmp_path: Path) -> None:
    async with World(tmp_path / "turns.sqlite") as world:
        edge = Edge(world, tmp_path)
        edge.bus.publish(
            Publication(
                path=HOME_STATE.path(device="lamp"),
                payload=b'{"on":true}',
                qos=1,
                retain=True,
            )
        )
        running = asyncio.create_task(edge.link.run())
        await edge.link.wait_connected()
        await settled()
        assert edge.devices.state("lamp") == DeviceState(on=True)
        running.cancel()
        await asyncio.wait((running,))


async def test_garbage_on_every_topic_changes_nothing(tmp_path: Path) -> None:
    async def story(edge: Edge) -> None:
        for topic in TOPICS:
            path = topic.path(**dict.fromkeys(topic.places, "x"))
            for payload in (b"", b"\xc1", b"{}", b"[" * 500, b"\xff" * 100, b"null"):
                edge.bus.publish(Publication(path=path, payload=payload, qos=topic.qos))
        await settled()
        assert list(edge.world.fleet) == []
        assert edge.link.counts["handler_errors"] == 0
        assert edge.link.counts["decode_errors"] > 10
        answer = await edge.world.turns.intent(AskIntent(text="do it"))
        assert answer.ok

    await lived(tmp_path, story)
