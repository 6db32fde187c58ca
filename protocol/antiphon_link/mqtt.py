"""The real connection: MQTT 5 by aiomqtt, on paho's client."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import aiomqtt
from aiomqtt.exceptions import MqttCodeError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from antiphon_link.broker import BrokerAddress
from antiphon_link.client import WatchedClient
from antiphon_link.connection import Connection, Delivery, Publication, Receiver, Will
from antiphon_link.errors import LinkDownError, LinkError, LinkRefusedError
from antiphon_protocol.limits import CONTEXT_BYTES_MAX, MESSAGE_BYTES_MAX

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 10
"""The broker declares us lost after one and a half of it: half-open sockets end within 15 s."""
REACH_S: Final = 2.0
"""For the first TCP handshake, which can be cancelled; the library's own runs in a thread."""
ANSWER_TIMEOUT_S: Final = 3.0
"""An exchange that the broker leaves unanswered for so long has failed."""
INCOMING_MAX: Final = 4096
"""Messages between socket and handlers; policy: drop-oldest, counted as `messages_dropped`."""
PACKET_BYTES_MAX: Final = CONTEXT_BYTES_MAX + 2 * MESSAGE_BYTES_MAX
"""The broker sends us no larger packet (MQTT 5.0, section 3.1.2.11.4)."""
PENDING_MAX: Final = 4096
"""The library warns above so many exchanges at a time; the link's own bound is lower."""

REFUSED_CODES: Final = frozenset({132, 133, 134, 135, 138, 140})
"""CONNACK reasons that no retry mends: protocol version, client id, account, authorisation, ban,
authentication method (MQTT 5.0, table 3-1)."""
TAKEN_OVER: Final = 142
"""DISCONNECT reason: the same client id connected again (MQTT 5.0, section 3.14.2.1)."""

# Without TCP_NODELAY, Nagle's algorithm and delayed ACKs make each QoS 1 exchange take 42 ms.
SOCKET_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


@asynccontextmanager
async def connect(
    address: BrokerAddress, client_id: str, will: Will | None, receiver: Receiver
) -> AsyncIterator[Connection]:
    """Be connected to the broker inside the block (see `connection.Connect`).

    Raises:
        LinkDownError: not reachable, or no answer in time.
        LinkRefusedError: the broker refuses the account, the client id or the protocol.
        SettingsError: the CA file cannot be read.
    """
    client = _client(address, client_id, will, receiver)
    await _reach(address)
    entered = False
    try:
        async with client:
            entered = True
            connection = MqttConnection(client, address, client_id, receiver)
            try:
                yield connection
            finally:
                await connection.close()
    except aiomqtt.MqttError as error:
        if entered:  # the farewell to a broker that is gone: there is nobody to tell
            log.debug("%s: %s", client_id, error)
            return
        raise _declared(error, address, client_id) from None


async def _reach(address: BrokerAddress) -> None:
    """Try the port: an unreachable host must not hold up the end of the program.

    Raises:
        LinkDownError: nothing answers there, or not who we trust.
        SettingsError: the CA file cannot be read.
    """
    try:
        async with asyncio.timeout(REACH_S):
            # With TLS where there is TLS: a broker writes down each connection that breaks it off.
            context = address.tls_context()
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except OSError as error:  # a TimeoutError is one
        reason = str(error) or f"no answer in {REACH_S:g} s"
        raise LinkDownError(f"broker {address} is not reachable: {reason}") from None
    writer.close()


def _client(
    address: BrokerAddress, client_id: str, will: Will | None, receiver: Receiver
) -> aiomqtt.Client:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
    properties.SessionExpiryInterval = 0
    properties.MaximumPacketSize = PACKET_BYTES_MAX
    client = WatchedClient(
        address.host,
        address.port,
        username=address.username or None,
        password=address.password or None,
        identifier=client_id,
        logger=log,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=True,
        properties=properties,
        keepalive=KEEPALIVE_S,
        timeout=ANSWER_TIMEOUT_S,
        will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
        tls_context=address.tls_context(),
        socket_options=SOCKET_OPTIONS,
        queue_type=_inbox(receiver),
        max_queued_incoming_messages=INCOMING_MAX,
    )
    client.pending_calls_threshold = PENDING_MAX
    return client


def _inbox(receiver: Receiver) -> type[asyncio.Queue[aiomqtt.Message]]:
    """Return the type from which the library makes its queue."""

    class Inbox(asyncio.Queue[aiomqtt.Message]):
        """Drops its oldest item where an ordinary queue refuses the newest."""

        def put_nowait(self, item: aiomqtt.Message) -> None:
            if self.full():
                self.get_nowait()
                receiver.count_dropped()
            super().put_nowait(item)

    return Inbox


class MqttConnection:
    """One MQTT session; see `connection.Connection`."""

    def __init__(
        self, client: aiomqtt.Client, address: BrokerAddress, client_id: str, receiver: Receiver
    ) -> None:
        self._client = client
        self._address = address
        self._client_id = client_id
        self._receiver = receiver
        self._error: LinkError | None = None
        self._ended = asyncio.Event()
        self._publishing: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read(), name=f"{client_id}: read")

    def publish(self, publication: Publication) -> asyncio.Future[None] | None:
        """Hand a message over; see `connection.Connection`."""
        if self._error is not None:
            raise self._error
        # Tasks begin in the order of their making, and the library writes at its first step.
        task = asyncio.create_task(self._publish(publication))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)
        return task

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Subscribe; see `connection.Connection`."""
        try:
            codes = await self._client.subscribe(list(filters))
        except aiomqtt.MqttError as error:
            raise _declared(error, self._address, self._client_id) from None
        for (topic_filter, _), code in zip(filters, codes, strict=True):
            if isinstance(code, ReasonCode) and code.is_failure:
                raise LinkRefusedError(
                    f"broker {self._address} refuses {self._client_id} to read {topic_filter}: "
                    f"{code}; give its account that right"
                )

    async def unsubscribe(self, topic_filter: str) -> None:
        """Undo one subscription; see `connection.Connection`."""
        try:
            await self._client.unsubscribe(topic_filter)
        except aiomqtt.MqttError as error:
            raise _declared(error, self._address, self._client_id) from None

    async def wait_lost(self) -> None:
        """Wait for the end; see `connection.Connection`."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Stop reading; what is being published fails."""
        self._end(LinkDownError("the link was closed"))
        tasks = [self._reader, *self._publishing]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def _publish(self, publication: Publication) -> None:
        try:
            await self._client.publish(
                publication.path,
                publication.payload,
                qos=publication.qos,
                retain=publication.retain,
                properties=_properties(publication),
            )
        except aiomqtt.MqttError as error:
            # What stays unanswered proves the connection dead, long before the keep-alive does.
            self._end(_declared(error, self._address, self._client_id))
        except asyncio.CancelledError:
            log.debug("%s: %s was not acknowledged", self._client_id, publication.path)
        else:
            return
        raise self._error or LinkDownError("the link was closed")

    async def _read(self) -> None:
        try:
            async for message in self._client.messages:
                properties = message.properties
                self._receiver.dispatch(
                    Delivery(
                        path=str(message.topic),
                        payload=bytes(message.payload),
                        retained=bool(message.retain),
                        response_topic=getattr(properties, "ResponseTopic", ""),
                        correlation=getattr(properties, "CorrelationData", b""),
                    )
                )
        except aiomqtt.MqttError as error:
            self._end(_declared(error, self._address, self._client_id))

    def _end(self, error: LinkError) -> None:
        if self._error is None:
            self._error = error
            self._ended.set()
            for task in self._publishing - {asyncio.current_task()}:
                task.cancel()


def _declared(error: aiomqtt.MqttError, address: BrokerAddress, client_id: str) -> LinkError:
    """Return what an error of the library means for the link."""
    cause = error if isinstance(error, MqttCodeError) else error.__cause__
    code = getattr(getattr(cause, "rc", None), "value", None)
    if code in REFUSED_CODES:
        return LinkRefusedError(
            f"broker {address} refuses {client_id}: {cause}; "
            "check [broker] username, password and tls; a paired device that is refused was "
            "revoked: pair it again (--pair CODE)"
        )
    if code == TAKEN_OVER:
        return LinkRefusedError(
            f"broker {address}: another program connected as {client_id}; "
            "give each program an id of its own"
        )
    return LinkDownError(f"broker {address}: {cause or error}")


def _properties(publication: Publication) -> Properties | None:
    if publication.qos == 0:
        return None  # audio frames: the topic says it all, 40 bytes a frame are saved
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
    if publication.content_type:
        properties.ContentType = publication.content_type
    if publication.expiry_s is not None:
        properties.MessageExpiryInterval = publication.expiry_s
    if publication.response_topic:
        properties.ResponseTopic = publication.response_topic
    if publication.correlation:
        properties.CorrelationData = publication.correlation
    return properties
