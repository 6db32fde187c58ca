"""The link to the broker: typed messages in and out, reconnecting for ever.

Handlers are plain functions that must return at once: they wait for nothing, and put what they got
into their owner's bounded queue. Two routes of one link should not overlap (`sat/+/do` and
`sat/hall/do`): brokers may then deliver a message twice.
"""

import asyncio
import logging
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from antiphon_link import backoff, mqtt
from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Connect, Connection, Publication, Will
from antiphon_link.errors import LinkDownError, LinkError, NotFoundError
from antiphon_link.routes import Envelope, Handler, Route, Routes
from antiphon_protocol.errors import TopicError
from antiphon_protocol.topics import Topic, is_response_topic

__all__ = ["Envelope", "Link", "Resolver", "Will"]

log = logging.getLogger(__name__)

T = TypeVar("T")

OUTGOING_MAX: Final = 1024
"""Posted messages that have not left or are not acknowledged; more are refused and counted."""
STABLE_S: Final = 5.0
"""After a connection that lasted so long the next try comes at once.

Two programs of one client id take it from each other, and some brokers do not say so: they must not
do it at full speed.
"""
FAREWELL_S: Final = 1.0
"""How long the farewells of a program that was told to end may take, all together."""

Resolver = Callable[[], Awaitable[BrokerAddress]]


class Link:
    """One program's connection to the broker: `run()` lives in a task, others call the rest."""

    def __init__(
        self,
        resolve: Resolver,
        *,
        client_id: str,
        will: Callable[[], Will] | None = None,
        name: str = "",
        connect: Connect = mqtt.connect,
    ) -> None:
        self._resolve = resolve
        self._client_id = client_id
        self._will = will
        self._name = name or client_id
        self._connect = connect
        self._greetings: list[Callable[[], Awaitable[None]]] = []
        self._farewells: list[Callable[[], Awaitable[None]]] = []
        self._connection: Connection | None = None
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._down.set()
        self._since_s = math.inf
        self._posts: set[asyncio.Future[None]] = set()
        self.counts: Counter[str] = Counter()
        """connects, posts_refused, posts_lost, and those of `routes.Routes`."""
        self._routes = Routes(self._name, self.counts)

    # -- before it runs ---------------------------------------------------------------------------

    def on(self, topic: Topic[T], handler: Callable[[T, Envelope], None], **ids: str) -> None:
        """Call the handler with each message of that topic (for these ids), on every connection."""
        self._routes.add(Route(topic, ids, handler))

    def on_connected(self, greet: Callable[[], Awaitable[None]]) -> None:
        """Await this after each connect and subscribe: publish presence here."""
        self._greetings.append(greet)

    def on_leaving(self, farewell: Callable[[], Awaitable[None]]) -> None:
        """Await this when `run` is cancelled while connected: say goodbye here, within a second.

        Then the link ends the session in order, so that the broker drops the will.
        """
        self._farewells.append(farewell)

    # -- while it runs ----------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """True while messages can be sent."""
        return self._up.is_set()

    async def wait_connected(self) -> None:
        """Return once messages can be sent."""
        await self._up.wait()

    async def wait_disconnected(self) -> None:
        """Return once the connection is lost."""
        await self._down.wait()

    @asynccontextmanager
    async def following(
        self, topic: Topic[T], handler: Callable[[T, Envelope], None], **ids: str
    ) -> AsyncIterator[None]:
        """Be subscribed to one more topic inside the block; entered once the broker confirmed it.

        Raises:
            LinkDownError: not connected.
        """
        route = await self._follow(topic, handler, ids)
        try:
            yield
        finally:
            self._routes.remove(route)
            if all(one.filter != route.filter for one in self._routes):
                await self._unsubscribe(route.filter)

    async def follow(
        self, topic: Topic[T], handler: Callable[[T, Envelope], None], **ids: str
    ) -> None:
        """Subscribe to one more topic; returns once the broker confirmed it.

        Raises:
            LinkDownError: not connected.
            LinkRefusedError: our account may not read it.
        """
        await self._follow(topic, handler, ids)

    async def unfollow(self, topic: Topic[Any], **ids: str) -> None:
        """Undo `follow`; without a connection there is nothing to tell the broker."""
        wanted = topic.filter(**ids)
        self._routes.remove_filter(wanted)
        await self._unsubscribe(wanted)

    async def send(self, topic: Topic[T], message: T, **ids: str) -> None:
        """Publish a message; returns once the broker has it (QoS 1) or it is on its way (QoS 0).

        Raises:
            LinkDownError: not connected, or the connection broke meanwhile.
            LinkRefusedError: our account may not write there.
            EncodeError: the message is over the topic's limit.
        """
        await self._publish(_publication(topic, topic.path(**ids), message))

    def post(self, topic: Topic[T], message: T, **ids: str) -> None:
        """Publish a message without waiting, behind all earlier ones.

        Policy of the queue: reject, counted as `posts_refused`, also while the link is down; what
        breaks on the way is counted as `posts_lost`. Raises EncodeError as `send` does.
        """
        publication = _publication(topic, topic.path(**ids), message)
        if len(self._posts) >= OUTGOING_MAX or self._connection is None:
            self.counts["posts_refused"] += 1
            return
        try:
            left = self._connection.publish(publication)
        except LinkDownError:
            self.counts["posts_lost"] += 1
            return
        if left is not None:
            self._posts.add(left)
            left.add_done_callback(self._posted)

    def _posted(self, left: asyncio.Future[None]) -> None:
        self._posts.discard(left)
        if not left.cancelled() and (error := left.exception()) is not None:
            self.counts["posts_lost"] += 1
            log.debug("%s: %s", self._name, error)

    async def send_to(self, path: str, topic: Topic[T], message: T, correlation: bytes) -> None:
        """Answer a request on the response topic that its asker named.

        Raises:
            LinkDownError: not connected.
            LinkRefusedError: our account may not write there.
            TopicError: an answer may not go there; a topic from an Envelope always may.
        """
        if not is_response_topic(path):
            raise TopicError(f"{path[:80]!r} is no topic for an answer")
        await self._publish(_publication(topic, path, message, correlation))

    async def send_raw(self, path: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish bytes on a topic outside our tree, QoS 1: a smart device's own command topic.

        Raises:
            LinkDownError: not connected.
            LinkRefusedError: our account may not write there.
        """
        await self._publish(Publication(path=path, payload=payload, qos=1, retain=retain))

    async def clear(self, topic: Topic[Any], **ids: str) -> None:
        """Remove a retained message.

        Raises:
            LinkDownError: not connected.
            LinkRefusedError: our account may not write there.
        """
        await self.send_raw(topic.path(**ids), b"", retain=True)

    async def drain(self) -> None:
        """Wait until every posted message was acknowledged or lost."""
        while self._posts:
            await asyncio.wait(self._posts)

    async def run(self) -> None:
        """Stay connected until cancelled: resolve, connect, subscribe, greet, read; then again.

        Raises:
            LinkRefusedError: the broker refuses us for a reason that retrying does not mend.
            SettingsError: the account's password or CA file cannot be read.
        """
        attempt = 0
        while True:
            self._since_s = math.inf
            try:
                await self._live()
            except (LinkDownError, NotFoundError) as error:
                lasted_s = asyncio.get_running_loop().time() - self._since_s
                attempt = 0 if lasted_s > STABLE_S else attempt + 1
                level = logging.WARNING if attempt in (0, 1) else logging.DEBUG
                log.log(level, "%s: %s; trying again", self._name, error)
            await asyncio.sleep(backoff.wait_s(attempt, random.random))

    # -- inside -----------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Live through one connection, to its end."""
        address = await self._resolve()
        will = self._will() if self._will else None
        async with self._connect(address, self._client_id, will, self._routes) as one:
            self._connection = one
            self.counts["connects"] += 1
            self._since_s = asyncio.get_running_loop().time()
            try:
                await self._greet(one)
                log.info("%s: connected to %s", self._name, address)
                await one.wait_lost()
            except asyncio.CancelledError:
                await self._take_leave()
                raise
            finally:
                self._connection = None
                self._up.clear()
                self._down.set()

    async def _greet(self, connection: Connection) -> None:
        if filters := self._routes.filters():
            await connection.subscribe(filters)
        for greet in self._greetings:
            await greet()
        self._down.clear()
        self._up.set()

    async def _take_leave(self) -> None:
        try:
            async with asyncio.timeout(FAREWELL_S):
                for farewell in self._farewells:
                    await farewell()
                await self.drain()
        except (LinkError, TimeoutError) as error:
            log.warning("%s: left without a farewell: %s", self._name, error or "no time")

    async def _follow(self, topic: Topic[Any], handler: Handler, ids: dict[str, str]) -> Route:
        route = Route(topic, ids, handler)
        self._routes.add(route)
        try:
            await self._require_connection().subscribe([(route.filter, topic.qos)])
        except BaseException:
            self._routes.remove(route)
            raise
        return route

    async def _unsubscribe(self, topic_filter: str) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.unsubscribe(topic_filter)
        except LinkDownError as error:
            log.debug("%s: unsubscribe %s: %s", self._name, topic_filter, error)

    async def _publish(self, publication: Publication) -> None:
        left = self._require_connection().publish(publication)
        if left is not None:
            await left

    def _require_connection(self) -> Connection:
        if self._connection is None:
            raise LinkDownError(f"{self._name} is not connected to the broker")
        return self._connection


def _publication(topic: Topic[T], path: str, message: T, correlation: bytes = b"") -> Publication:
    return Publication(
        path=path,
        payload=topic.encode(message),
        qos=topic.qos,
        retain=topic.retain,
        content_type=str(topic.encoding),
        expiry_s=topic.expiry_s,
        correlation=correlation,
    )
