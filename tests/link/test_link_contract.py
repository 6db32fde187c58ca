"""One suite for the link on a real broker and on the bus in memory: the fake keeps the promises."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from antiphon_link import link as link_module
from antiphon_link.connection import Publication
from antiphon_link.errors import LinkDownError, LinkRefusedError
from antiphon_link.fake import FakeBus, FakeLink, matches
from antiphon_link.link import Envelope, Link, Will
from antiphon_protocol import topics
from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.errors import TopicError
from antiphon_protocol.messages.ask import Answer, AskSay
from antiphon_protocol.messages.presence import Farewell, Goodbye, HubPresence, Welcome
from antiphon_protocol.messages.satellite import Release, StopPlaying
from antiphon_protocol.version import OURS
from tests.link.linked import at, running
from tests.support.mosquitto import Broker, mosquitto
from tests.support.proxy import Proxy
from tests.support.waiting import eventually, soon

WELCOME = Welcome(hub="home", epoch=1, site="Haus", protocol=OURS, software="0")
RECONNECT_S = 5.0


class House(Protocol):
    """A broker of some kind."""

    def link(self, client_id: str, will: Callable[[], Will] | None = None) -> Link: ...

    def fragile(self, client_id: str, will: Callable[[], Will]) -> Link:
        """Return a link that `drop` can cut."""

    def drop(self) -> None:
        """End the fragile link's connection as Wi-Fi does."""

    async def restart(self) -> None: ...

    def stop(self) -> None: ...

    async def publish(self, publication: Publication) -> None:
        """Publish as a stranger."""


class RealHouse:
    def __init__(self, broker: Broker, proxy: Proxy) -> None:
        self._broker = broker
        self._proxy = proxy

    def link(self, client_id: str, will: Callable[[], Will] | None = None) -> Link:
        return Link(at(self._broker.address), client_id=client_id, will=will)

    def fragile(self, client_id: str, will: Callable[[], Will]) -> Link:
        return Link(at(self._proxy.address), client_id=client_id, will=will)

    def drop(self) -> None:
        self._proxy.cut()

    async def restart(self) -> None:
        self.stop()
        await self._broker.start()

    def stop(self) -> None:
        self._broker.stop()

    async def publish(self, publication: Publication) -> None:
        stranger = self.link("stranger")
        async with running(stranger):
            await stranger._publish(publication)


class FakeHouse:
    def __init__(self) -> None:
        self._bus = FakeBus()
        self._fragile = ""

    def link(self, client_id: str, will: Callable[[], Will] | None = None) -> Link:
        return FakeLink(self._bus, client_id=client_id, will=will)

    def fragile(self, client_id: str, will: Callable[[], Will]) -> Link:
        self._fragile = client_id
        return self.link(client_id, will)

    def drop(self) -> None:
        self._bus.cut(self._fragile)

    async def restart(self) -> None:
        self._bus.stop()
        self._bus.start()

    def stop(self) -> None:
        self._bus.stop()

    async def publish(self, publication: Publication) -> None:
        self._bus.publish(publication)


@pytest.fixture(params=["mosquitto", "memory"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    if request.param == "memory":
        yield FakeHouse()
        return
    request.getfixturevalue("needs_mosquitto")
    async with mosquitto(tmp_path) as broker, Proxy(broker.address).serving() as proxy:
        yield RealHouse(broker, proxy)


def inbox() -> tuple[asyncio.Queue[tuple[Any, Envelope]], Callable[[Any, Envelope], None]]:
    queue: asyncio.Queue[tuple[Any, Envelope]] = asyncio.Queue(maxsize=10_000)
    return queue, lambda message, envelope: queue.put_nowait((message, envelope))


async def test_a_message_arrives_typed_with_its_ids(house: House) -> None:
    here, there = house.link("here"), house.link("there")
    got, put = inbox()
    there.on(topics.SATELLITE_DO, put)
    async with running(here, there):
        await here.send(topics.SATELLITE_DO, Release(stream="s-1"), satellite="kitchen")
        message, envelope = await soon(got)
    assert message == Release(stream="s-1")
    assert envelope.ids == {"satellite": "kitchen"}
    assert not envelope.retained


async def test_only_the_wanted_ids_arrive(house: House) -> None:
    here = house.link("here")
    got, put = inbox()
    here.on(topics.SATELLITE_DO, put, satellite="hall")
    async with running(here):
        await here.send(topics.SATELLITE_DO, Release(stream="s-1"), satellite="kitchen")
        await here.send(topics.SATELLITE_DO, Release(stream="s-2"), satellite="hall")
        assert (await soon(got))[0].stream == "s-2"
    assert got.empty()


async def test_messages_of_one_sender_stay_in_order(house: House) -> None:
    here, there = house.link("here"), house.link("there")
    got, put = inbox()
    there.on(topics.SATELLITE_DO, put)
    async with running(here, there):
        for number in range(0, 300, 3):
            here.post(topics.SATELLITE_DO, Release(stream=f"s-{number}"), satellite="a")
            here.post(topics.SATELLITE_DO, Release(stream=f"s-{number + 1}"), satellite="a")
            await here.send(topics.SATELLITE_DO, Release(stream=f"s-{number + 2}"), satellite="a")
        streams = [(await soon(got))[0].stream for _ in range(300)]
    assert streams == [f"s-{number}" for number in range(300)]


async def test_audio_frames_stay_in_order_and_whole(house: House) -> None:
    here, there = house.link("here"), house.link("there")
    got, put = inbox()
    there.on(topics.SATELLITE_AUDIO, put)
    frames = [AudioFrame(n, 512 * n, n, bytes([n % 256]) * 1024) for n in range(500)]
    async with running(here, there):
        for frame in frames:
            here.post(topics.SATELLITE_AUDIO, frame, satellite="a", stream="s")
        await here.drain()
        assert [(await soon(got))[0] for _ in frames] == frames
    assert not here.counts["posts_lost"]


async def test_a_retained_message_waits_for_the_late_one(house: House) -> None:
    here, late = house.link("here"), house.link("late")
    got, put = inbox()
    late.on(topics.HUB_PRESENCE, put)
    async with running(here):
        await here.send(topics.HUB_PRESENCE, WELCOME)
        async with running(late):
            message, envelope = await soon(got)
            assert (message, envelope.retained) == (WELCOME, True)
        await here.clear(topics.HUB_PRESENCE)
        async with running(late):
            await late.send(topics.HUB_PRESENCE, WELCOME)
            assert not (await soon(got))[1].retained


async def test_a_cleared_message_is_no_message(house: House) -> None:
    here = house.link("here")
    got, put = inbox()
    here.on(topics.HUB_PRESENCE, put)
    async with running(here):
        await here.clear(topics.HUB_PRESENCE)
        await here.send(topics.HUB_PRESENCE, WELCOME)
        assert (await soon(got))[0] == WELCOME
    assert not here.counts["decode_errors"]


def will_of(satellite: str) -> Will:
    payload = topics.SATELLITE_PRESENCE.encode(Goodbye(satellite=satellite, epoch=7, reason="lost"))
    return Will(topics.SATELLITE_PRESENCE.path(satellite=satellite), payload, qos=1, retain=True)


async def test_a_vanished_program_leaves_its_will(house: House) -> None:
    watcher, doomed = house.link("watcher"), house.fragile("doomed", lambda: will_of("kitchen"))
    got, put = inbox()
    watcher.on(topics.SATELLITE_PRESENCE, put)
    async with running(watcher), running(doomed):
        house.drop()
        message, _ = await soon(got)
        assert message == Goodbye(satellite="kitchen", epoch=7, reason="lost")


async def test_an_orderly_end_says_farewell_and_leaves_no_will(house: House) -> None:
    watcher, leaver = house.link("watcher"), house.link("leaver", lambda: will_of("hall"))
    got, put = inbox()
    watcher.on(topics.SATELLITE_PRESENCE, put)
    goodbye = Goodbye(satellite="hall", epoch=7, reason="stopped")

    async def take_leave() -> None:
        await leaver.send(topics.SATELLITE_PRESENCE, goodbye, satellite="hall")

    leaver.on_leaving(take_leave)
    async with running(watcher):
        async with running(leaver):
            pass
        assert (await soon(got))[0] == goodbye
        await watcher.send(topics.SATELLITE_PRESENCE, goodbye, satellite="last")
        assert (await soon(got))[1].ids == {"satellite": "last"}


async def test_a_link_connects_again_subscribes_again_and_greets_again(house: House) -> None:
    here, there = house.link("here"), house.link("there")
    got, put = inbox()
    there.on(topics.SATELLITE_DO, put)
    greetings = 0

    async def greet() -> None:
        nonlocal greetings
        greetings += 1
        await there.send(topics.HUB_PRESENCE, WELCOME)

    there.on_connected(greet)
    async with running(here, there):
        await there.follow(topics.PLAYBACK_AUDIO, put, group="all", playback="p")
        await house.restart()
        async with asyncio.timeout(RECONNECT_S):
            await eventually(lambda: here.counts["connects"] == 2 and here.connected)
            await eventually(lambda: there.counts["connects"] == 2 and there.connected)
        await here.send(topics.SATELLITE_DO, StopPlaying(playback="p"), satellite="a")
        assert (await soon(got))[0] == StopPlaying(playback="p")
        await here.send(
            topics.PLAYBACK_AUDIO, AudioFrame(0, 0, 0, b"", last=True), group="all", playback="p"
        )
        assert (await soon(got))[0].last
    assert greetings == 2


async def test_without_a_broker_sending_fails_and_posting_is_counted(house: House) -> None:
    here = house.link("here")
    got, put = inbox()
    with pytest.raises(LinkDownError, match="here is not connected"):
        await here.send(topics.HUB_PRESENCE, WELCOME)
    async with running(here):
        house.stop()
        async with asyncio.timeout(RECONNECT_S):
            await here.wait_disconnected()
        assert not here.connected
        with pytest.raises(LinkDownError):
            await here.send(topics.HUB_PRESENCE, WELCOME)
        with pytest.raises(LinkDownError):
            await here.follow(topics.PLAYBACK_AUDIO, put, group="all", playback="p")
        with pytest.raises(LinkDownError):
            await here.clear(topics.HUB_PRESENCE)
        here.post(topics.HUB_PRESENCE, WELCOME)
        await here.unfollow(topics.PLAYBACK_AUDIO, group="all", playback="p")
    assert here.counts["posts_refused"] == 1
    assert got.empty()


async def test_following_ends_with_its_block(house: House) -> None:
    here = house.link("here")
    got, put = inbox()
    frame = AudioFrame(0, 0, 0, b"", last=True)
    async with running(here):
        async with here.following(topics.PLAYBACK_AUDIO, put, group="all", playback="p"):
            await here.send(topics.PLAYBACK_AUDIO, frame, group="all", playback="p")
            assert (await soon(got))[0] == frame
        await here.send(topics.PLAYBACK_AUDIO, frame, group="all", playback="p")
        async with here.following(topics.PLAYBACK_AUDIO, put, group="all", playback="q"):
            await here.send(topics.PLAYBACK_AUDIO, frame, group="all", playback="q")
            assert (await soon(got))[1].ids == {"group": "all", "playback": "q"}
    assert got.empty()


async def test_one_follower_leaving_does_not_deafen_another(house: House) -> None:
    here = house.link("here")
    first, put_first = inbox()
    second, put_second = inbox()
    frame = AudioFrame(0, 0, 0, b"", last=True)
    async with (
        running(here),
        here.following(topics.PLAYBACK_AUDIO, put_second, group="all", playback="p"),
    ):
        async with here.following(topics.PLAYBACK_AUDIO, put_first, group="all", playback="p"):
            pass
        await here.send(topics.PLAYBACK_AUDIO, frame, group="all", playback="p")
        assert (await soon(second))[0] == frame
    assert first.empty()


async def test_a_request_is_answered_where_its_asker_wants(house: House) -> None:
    here, asker = house.link("here"), house.link("asker")
    asked, put_asked = inbox()
    answered, put_answered = inbox()
    here.on(topics.ASK_SAY, put_asked)
    asker.on(topics.ANSWER, put_answered)
    async with running(here, asker):
        request = Publication(
            path=topics.ASK_SAY.path(),
            payload=b'{"text": "hi"}',
            qos=1,
            response_topic=topics.ANSWER.path(asker="me"),
            correlation=b"42",
        )
        await house.publish(request)
        message, envelope = await soon(asked)
        assert message == AskSay(text="hi")
        await here.send_to(
            envelope.response_topic, topics.ANSWER, Answer(ok=True), envelope.correlation
        )
        answer, envelope = await soon(answered)
    assert (answer, envelope.correlation) == (Answer(ok=True), b"42")


async def test_a_request_cannot_make_the_hub_write_where_its_asker_may_not(house: House) -> None:
    here = house.link("here")
    asked, put = inbox()
    here.on(topics.ASK_SAY, put)
    async with running(here):
        evil = topics.SATELLITE_DO.path(satellite="kitchen")
        await house.publish(
            Publication(
                path=topics.ASK_SAY.path(), payload=b'{"text":"hi"}', qos=1, response_topic=evil
            )
        )
        assert (await soon(asked))[1].response_topic == ""
        with pytest.raises(TopicError, match="no topic for an answer"):
            await here.send_to(evil, topics.ANSWER, Answer(ok=True), b"")


async def test_garbage_is_counted_and_harms_nobody(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    here = house.link("here")
    got, put = inbox()
    here.on(topics.SATELLITE_DO, put)
    here.on(topics.SATELLITE_AUDIO, put)
    here.on(topics.ASK_SAY, put)
    rng = random.Random(7)
    paths = [
        topics.SATELLITE_DO.path(satellite="a"),
        topics.SATELLITE_AUDIO.path(satellite="a", stream="b"),
        topics.ASK_SAY.path(),
    ]
    caplog.set_level(logging.INFO)
    async with running(here):
        for number in range(1000):
            payload = b"\xc1" + rng.randbytes(rng.randrange(300))
            await here.send_raw(paths[number % 3], payload)
        unknown = topics.SATELLITE_DO.path(satellite="a")
        await here.send_raw(unknown, b"\x81\xa4type\xa6future")
        await here.send(topics.ASK_SAY, AskSay(text="still here"))
        assert (await soon(got))[0] == AskSay(text="still here")
    assert here.counts["decode_errors"] == 1000
    assert here.counts["unknown_messages"] == 1
    assert here.counts["connects"] == 1
    complaints = [one for one in caplog.records if "decode_errors" in one.getMessage()]
    assert 1 <= len(complaints) <= 5, "the first are told, the flood is not"
    assert all(one.exc_info is None for one in caplog.records)


async def test_a_foreign_topic_within_a_wildcard_is_nobodys(house: House) -> None:
    here = house.link("here")
    got, put = inbox()
    here.on(topics.SATELLITE_DO, put)
    async with running(here):
        path = topics.SATELLITE_DO.path(satellite="a").replace("/a/", "/Not An Id/")
        await here.send_raw(path, topics.SATELLITE_DO.encode(Release(stream="s")))
        await here.send(topics.SATELLITE_DO, Release(stream="t"), satellite="a")
        assert (await soon(got))[0].stream == "t"


async def test_a_handlers_mistake_ends_no_conversation(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    here = house.link("here")
    got, put = inbox()

    def clumsy(_message: HubPresence, _envelope: Envelope) -> None:
        raise ZeroDivisionError

    here.on(topics.HUB_PRESENCE, clumsy)
    here.on(topics.HUB_PRESENCE, put)
    async with running(here):
        await here.send(topics.HUB_PRESENCE, WELCOME)
        assert (await soon(got))[0] == WELCOME
        assert here.connected
    assert here.counts["handler_errors"] == 1
    assert "handler of HUB_PRESENCE failed" in caplog.text


async def test_a_handler_may_post(house: House) -> None:
    here = house.link("here")
    got, put = inbox()
    farewell = Farewell(hub="home", epoch=1, reason="stopped")

    def answer(_message: object, _envelope: Envelope) -> None:
        here.post(topics.HUB_PRESENCE, farewell)

    here.on(topics.ASK_SAY, answer)
    here.on(topics.HUB_PRESENCE, put)
    async with running(here):
        await here.send(topics.ASK_SAY, AskSay(text="bye"))
        assert (await soon(got))[0] == farewell


async def test_posts_are_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "OUTGOING_MAX", 10)
    here = house.link("here")
    got, put = inbox()
    here.on(topics.SATELLITE_DO, put)
    async with running(here):
        for number in range(25):
            here.post(topics.SATELLITE_DO, Release(stream=f"s-{number}"), satellite="a")
        assert here.counts["posts_refused"] == 15
        await here.drain()
        here.post(topics.SATELLITE_DO, Release(stream="after"), satellite="a")
        streams = [(await soon(got))[0].stream for _ in range(11)]
    assert streams == [*(f"s-{number}" for number in range(10)), "after"]


async def test_an_id_that_was_taken_ends_the_older_link_where_the_broker_says_so() -> None:
    house = FakeHouse()  # Mosquitto 2.0.11 closes the older connection without a word
    older, newer = house.link("twin"), house.link("twin")
    ending = asyncio.create_task(older.run())
    await older.wait_connected()
    async with running(newer):
        with pytest.raises(LinkRefusedError, match="another program connected as twin"):
            await asyncio.wait_for(ending, RECONNECT_S)
        assert newer.connected


@pytest.mark.parametrize("when", ["before", "after"])
async def test_cancelling_ends_it_at_any_time(house: House, when: str) -> None:
    here = house.link("here")
    task = asyncio.create_task(here.run())
    if when == "after":
        await here.wait_connected()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not here.connected


@pytest.mark.parametrize(
    ("topic_filter", "path", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("+/b", "a/b", True),
        ("a/b", "a/B", False),
    ],
)
async def test_filters_match_alike(
    house: House, topic_filter: str, path: str, *, expected: bool
) -> None:
    heard: list[str] = []
    here = house.link("here")
    here._routes.dispatch = lambda delivery: heard.append(delivery.path)  # type: ignore[method-assign]
    async with running(here):
        await here._require_connection().subscribe([(topic_filter, 1), ("end", 1)])
        await here.send_raw(path, b"x")
        await here.send_raw("end", b"x")
        await eventually(lambda: "end" in heard)
    assert (path in heard) is expected


def test_the_brokers_own_topics_are_within_no_wildcard() -> None:
    assert not matches("#", "$SYS/broker/uptime")
    assert not matches("+/broker/uptime", "$SYS/broker/uptime")
    assert matches("$SYS/#", "$SYS/broker/uptime")
