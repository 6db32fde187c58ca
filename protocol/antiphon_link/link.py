"""The link to the broker: typed messages in and out, reconnecting for ever.

MQTT exists only here and in the child broker. Handlers are plain functions that must return at
once: they decode nothing, wait for nothing, and put what they got into their owner's bounded queue.
"""

import asyncio
import logging
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import aiomqtt
import msgspec
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from antiphon_link import backoff
from antiphon_link.broker import BrokerAddress
from antiphon_link.errors import LinkDownError, LinkRefusedError, NotFoundError
from antiphon_link.logs import Rate
from antiphon_protocol.errors import DecodeError, UnknownMessageError
from antiphon_protocol.topics import Topic

log = logging.getLogger(__name__)

T = TypeVar("T")

INCOMING_MAX: Final = 4096
"""Messages that wait for the reader; more are dropped by the client library, QoS 0 audio mostly."""
OUTGOING_MAX: Final = 1024
"""Posted messages that wait for their acknowledgement; more are refused and counted."""
KEEPALIVE_S: Final = 10
"""The broker declares us lost after one and a half of it: half-open sockets end within 15 s."""
OPERATION_TIMEOUT_S: Final = 5.0
REFUSED_CODES: Final = frozenset({128 + n for n in (4, 5, 6, 7, 10, 12)})
"""CONNACK reasons that no retry mends: protocol version, client id, account, authorisation, ban,
authentication method (MQTT 5.0, table 3-1)."""

# Without TCP_NODELAY, Nagle's algorithm and delayed ACKs make each QoS 1 exchange take 42 ms.
SOCKET_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


class Will(msgspec.Struct, frozen=True):
    """What the broker shall publish when we vanish."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Envelope(msgspec.Struct, frozen=True):
    """What came with a message besides its payload."""

    ids: dict[str, str]
    """The ids in its topic."""
    retained: bool
    response_topic: str = ""
    correlation: bytes = b""


Handler = Callable[[Any, Envelope], None]
Resolver = Callable[[], Awaitable[BrokerAddress]]


class _Route(msgspec.Struct, frozen=True, eq=False):
    topic: Topic[Any]
    ids: dict[str, str]
    handler: Handler

    @property
    def filter(self) -> str:
        return self.topic.filter(**self.ids)


class Link:
    """One program's connection to the broker: `run()` lives in a task, others call the rest."""

    def __init__(
        self,
        resolve: Resolver,
        *,
        client_id: str,
        will: Callable[[], Will] | None = None,
        name: str = "",
    ) -> None:
        self._resolve = resolve
        self._client_id = client_id
        self._will = will
        self._name = name or client_id
        self._routes: list[_Route] = []
        self._greetings: list[Callable[[], Awaitable[None]]] = []
        self._client: aiomqtt.Client | None = None
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._down.set()
        self._posts: set[asyncio.Task[None]] = set()
        self._complaints = Rate(per_s=0.1, burst=3)
        self.counts: Counter[str] = Counter()
        """decode_errors, unknown_messages, handler_errors, posts_refused, posts_lost, connects."""

    # -- before it runs ---------------------------------------------------------------------------

    def on(self, topic: Topic[T], handler: Callable[[T, Envelope], None], **ids: str) -> None:
        """Call the handler with each message of that topic (for these ids), on every connection."""
        self._routes.append(_Route(topic, ids, handler))

    def on_connected(self, greet: Callable[[], Awaitable[None]]) -> None:
        """Await this after each connect and subscribe: publish presence here."""
        self._greetings.append(greet)

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
        await self.follow(topic, handler, **ids)
        try:
            yield
        finally:
            await self.unfollow(topic, **ids)

    async def follow(
        self, topic: Topic[T], handler: Callable[[T, Envelope], None], **ids: str
    ) -> None:
        """Subscribe to one more topic; returns once the broker confirmed it.

        Raises:
            LinkDownError: not connected.
        """
        route = _Route(topic, ids, handler)
        self._routes.append(route)
        try:
            await self._subscribe([route])
        except LinkDownError:
            self._routes.remove(route)
            raise

    async def unfollow(self, topic: Topic[Any], **ids: str) -> None:
        """Undo `follow`; without a connection there is nothing to tell the broker."""
        wanted = topic.filter(**ids)
        self._routes = [route for route in self._routes if route.filter != wanted]
        if self._client is not None:
            try:
                await self._client.unsubscribe(wanted, timeout=OPERATION_TIMEOUT_S)
            except aiomqtt.MqttError as error:
                log.debug("%s: unsubscribe %s: %s", self._name, wanted, error)

    async def send(self, topic: Topic[T], message: T, **ids: str) -> None:
        """Publish a message; returns once the broker has it (QoS 1) or it is on its way (QoS 0).

        Raises:
            LinkDownError: not connected, or the connection broke meanwhile.
            EncodeError: the message is over the topic's limit.
        """
        await self._publish(topic.path(**ids), topic.encode(message), topic, retain=topic.retain)

    def post(self, topic: Topic[T], message: T, **ids: str) -> None:
        """Publish a message without waiting: in order with other posts, lost if the link is down.

        Policy of the queue: reject, counted as `posts_refused`.
        """
        path, payload = topic.path(**ids), topic.encode(message)
        if len(self._posts) >= OUTGOING_MAX or self._client is None:
            self.counts["posts_refused"] += 1
            return
        task = asyncio.get_running_loop().create_task(self._post(path, payload, topic))
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def send_to(self, path: str, topic: Topic[T], message: T, correlation: bytes) -> None:
        """Answer a request on the response topic that its asker named.

        Raises:
            LinkDownError: not connected.
        """
        await self._publish(path, topic.encode(message), topic, correlation=correlation)

    async def send_raw(self, path: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish bytes on a topic outside our tree, QoS 1: a smart device's own command topic.

        Raises:
            LinkDownError: not connected.
        """
        client = self._require_client()
        try:
            await client.publish(path, payload, qos=1, retain=retain, timeout=OPERATION_TIMEOUT_S)
        except aiomqtt.MqttError as error:
            raise LinkDownError(f"{path}: {error}") from None

    async def clear(self, topic: Topic[Any], **ids: str) -> None:
        """Remove a retained message.

        Raises:
            LinkDownError: not connected.
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
        """
        attempt = 0
        while True:
            connects = self.counts["connects"]
            reason = await self._connect_once()
            attempt = 0 if self.counts["connects"] > connects else attempt + 1
            level = logging.WARNING if attempt in (0, 1) else logging.DEBUG
            log.log(level, "%s: %s; trying again", self._name, reason)
            await asyncio.sleep(backoff.wait_s(attempt, random.random))

    # -- inside -----------------------------------------------------------------------------------

    async def _connect_once(self) -> str:
        """Live through one connection; return why it ended."""
        try:
            address = await self._resolve()
            async with self._client_for(address) as client:
                self._client = client
                self.counts["connects"] += 1
                await self._live(client, address)
            return f"broker {address} closed the connection"
        except MqttConnectError as error:
            code = getattr(error.rc, "value", error.rc)
            if code in REFUSED_CODES:
                raise LinkRefusedError(
                    f"broker {address} refuses {self._client_id}: {error}; "
                    "check [broker] username, password and tls"
                ) from None
            return f"broker {address}: {error}"
        except aiomqtt.MqttError as error:
            return f"broker {address} is not reachable: {error}"
        except (NotFoundError, LinkDownError) as error:
            return str(error)
        finally:
            self._client = None
            self._up.clear()
            self._down.set()

    def _client_for(self, address: BrokerAddress) -> aiomqtt.Client:
        will = self._will() if self._will else None
        connect = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
        connect.SessionExpiryInterval = 0
        return aiomqtt.Client(
            address.host,
            address.port,
            username=address.username or None,
            password=address.password or None,
            identifier=self._client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            properties=connect,
            keepalive=KEEPALIVE_S,
            timeout=OPERATION_TIMEOUT_S,
            will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
            tls_context=address.tls_context(),
            socket_options=SOCKET_OPTIONS,
            max_queued_incoming_messages=INCOMING_MAX,
        )

    async def _live(self, client: aiomqtt.Client, address: BrokerAddress) -> None:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(self._read(client), name=f"{self._name}: read")
            try:
                await self._subscribe(self._routes)
                for greet in self._greetings:
                    await greet()
            except LinkDownError as error:
                log.debug("%s: %s", self._name, error)
                reader.cancel()
                return
            self._down.clear()
            self._up.set()
            log.info("%s: connected to %s", self._name, address)

    async def _read(self, client: aiomqtt.Client) -> None:
        try:
            async for message in client.messages:
                self._dispatch(message)
        except aiomqtt.MqttError as error:
            log.debug("%s: %s", self._name, error)

    def _dispatch(self, message: aiomqtt.Message) -> None:
        path = str(message.topic)
        for route in tuple(self._routes):
            ids = route.topic.match(path)
            if ids is None or any(ids[key] != value for key, value in route.ids.items()):
                continue
            if message.payload == b"" and route.topic.retain:
                continue  # a retained message was removed: nobody says anything by it
            try:
                decoded = route.topic.decode(bytes(message.payload))
            except UnknownMessageError as error:
                self._complain("unknown_messages", path, error)
            except DecodeError as error:
                self._complain("decode_errors", path, error)
            else:
                self._handle(route, decoded, _envelope(message, ids))

    def _handle(self, route: _Route, decoded: object, envelope: Envelope) -> None:
        try:
            route.handler(decoded, envelope)
        except Exception:  # a handler's mistake must not end every other conversation
            self.counts["handler_errors"] += 1
            log.exception("%s: handler of %s failed", self._name, route.topic.name)

    def _complain(self, kind: str, path: str, error: Exception) -> None:
        self.counts[kind] += 1
        if self._complaints.allows(asyncio.get_running_loop().time()):
            log.warning("%s: %s on %s: %s", self._name, kind, path[:120], error)

    async def _subscribe(self, routes: list[_Route]) -> None:
        filters = list(dict.fromkeys((route.filter, route.topic.qos) for route in routes))
        if not filters:
            return
        client = self._require_client()
        try:
            await client.subscribe(filters, timeout=OPERATION_TIMEOUT_S)
        except aiomqtt.MqttError as error:
            raise LinkDownError(f"subscribe: {error}") from None

    async def _post(self, path: str, payload: bytes, topic: Topic[Any]) -> None:
        try:
            await self._publish(path, payload, topic, retain=topic.retain)
        except LinkDownError as error:
            self.counts["posts_lost"] += 1
            log.debug("%s: %s", self._name, error)

    async def _publish(
        self,
        path: str,
        payload: bytes,
        topic: Topic[Any],
        *,
        retain: bool = False,
        correlation: bytes = b"",
    ) -> None:
        client = self._require_client()
        try:
            await client.publish(
                path,
                payload,
                qos=topic.qos,
                retain=retain,
                properties=_properties(topic, correlation),
                timeout=OPERATION_TIMEOUT_S,
            )
        except aiomqtt.MqttError as error:
            raise LinkDownError(f"{path}: {error}") from None

    def _require_client(self) -> aiomqtt.Client:
        if self._client is None:
            raise LinkDownError(f"{self._name} is not connected to the broker")
        return self._client


def _properties(topic: Topic[Any], correlation: bytes) -> Properties | None:
    if topic.qos == 0:
        return None  # audio frames: the topic says it all, 40 bytes a frame are saved
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho
    properties.ContentType = str(topic.encoding)
    if topic.expiry_s is not None:
        properties.MessageExpiryInterval = topic.expiry_s
    if correlation:
        properties.CorrelationData = correlation
    return properties


def _envelope(message: aiomqtt.Message, ids: dict[str, str]) -> Envelope:
    properties = message.properties
    return Envelope(
        ids,
        bool(message.retain),
        getattr(properties, "ResponseTopic", "") or "",
        getattr(properties, "CorrelationData", b"") or b"",
    )
