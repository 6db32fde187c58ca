"""The real connection: MQTT 5 by aiomqtt, on paho's client."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

import aiomqtt
from aiomqtt.exceptions import MqttCodeError
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from antiphon_link.broker import BrokerAddress
from antiphon_link.client import DirectClient
from antiphon_link.connection import Connection, Delivery, Publication, Receiver, Will
from antiphon_link.errors import LinkDownError, LinkError, LinkRefusedError
from antiphon_protocol.limits import CONTEXT_BYTES_MAX, MESSAGE_BYTES_MAX

T = TypeVar("T")
"""What a call of aiomqtt answers."""

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 10
"""The broker declares us lost after one and a half of it: half-open sockets end within 15 s."""
REACH_S: Final = 2.0
"""For the first TCP handshake, which can be cancelled; the library's own runs in a thread."""
ANSWER_TIMEOUT_S: Final = 3.0
"""An exchange that the broker leaves unanswered for so long has failed."""
PACKET_BYTES_MAX: Final = CONTEXT_BYTES_MAX + 2 * MESSAGE_BYTES_MAX
"""The broker sends us no larger packet (MQTT 5.0, section 3.1.2.11.4)."""

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
    await _reach(address)
    connection = MqttConnection(address, client_id, will, receiver)
    entered = False
    try:
        async with connection.client:
            entered = True
            connection.watch()
            try:
                yield connection
            finally:
                connection.close()
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


class MqttConnection:
    """One MQTT session; see `connection.Connection`."""

    def __init__(
        self, address: BrokerAddress, client_id: str, will: Will | None, receiver: Receiver
    ) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
        properties.SessionExpiryInterval = 0
        properties.MaximumPacketSize = PACKET_BYTES_MAX
        self.client = DirectClient(
            self,
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
        )
        self._address = address
        self._client_id = client_id
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._error: LinkError | None = None
        self._ended = asyncio.Event()
        self._open: dict[int, _Exchange] = {}

    def watch(self) -> None:
        """Notice from now on when the client is disconnected."""
        self.client.when_lost(self._lost)

    def publish(self, publication: Publication) -> asyncio.Future[None] | None:
        """Hand a message over; see `connection.Connection`."""
        if self._error is not None:
            raise self._error
        try:
            number = self.client.post(
                publication.path,
                publication.payload,
                qos=publication.qos,
                retain=publication.retain,
                properties=_properties(publication),
            )
        except aiomqtt.MqttError as error:
            self._lost(error)
            raise _declared(error, self._address, self._client_id) from None
        if number is None:
            return None
        overdue = self._loop.call_later(ANSWER_TIMEOUT_S, self._unanswered)
        exchange = _Exchange(publication.path, self._loop.create_future(), overdue)
        self._open[number] = exchange
        return exchange.answer

    def take(self, message: paho.MQTTMessage) -> None:
        """Hand on a message that the broker delivers; see `client.Session`."""
        if self._error is not None:
            return
        properties = message.properties
        self._receiver.dispatch(
            Delivery(
                path=message.topic,
                payload=bytes(message.payload),
                retained=message.retain,
                response_topic=getattr(properties, "ResponseTopic", ""),
                correlation=getattr(properties, "CorrelationData", b""),
            )
        )

    def taken(self, number: int, code: ReasonCode) -> None:
        """Tell who published; see `client.Session`."""
        exchange = self._open.pop(number, None)
        if exchange is None:
            return  # it had left at once
        refused = None
        if code.is_failure:
            refused = LinkRefusedError(
                f"broker {self._address} does not let {self._client_id} write "
                f"{exchange.path}: {code}; give its account that right"
            )
        exchange.end(refused)

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Subscribe; see `connection.Connection`."""
        try:
            codes = await heeding(self.client.subscribe(list(filters)))
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
            await heeding(self.client.unsubscribe(topic_filter))
        except aiomqtt.MqttError as error:
            raise _declared(error, self._address, self._client_id) from None

    async def wait_lost(self) -> None:
        """Wait for the end; see `connection.Connection`."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Take nothing more; what is being published fails."""
        self._end(LinkDownError("the link was closed"))

    def _unanswered(self) -> None:
        # What stays unanswered proves the connection dead, long before the keep-alive does.
        self._end(LinkDownError(f"broker {self._address}: no answer in {ANSWER_TIMEOUT_S:g} s"))

    def _lost(self, error: BaseException | None) -> None:
        self._end(_declared(error, self._address, self._client_id))

    def _end(self, error: LinkError) -> None:
        if self._error is not None:
            return
        self._error = error
        self._ended.set()
        open_ones, self._open = self._open, {}
        for exchange in open_ones.values():
            exchange.end(error)


class _Exchange(NamedTuple):
    """A message that the broker, or the socket, has not taken yet."""

    path: str
    answer: asyncio.Future[None]
    overdue: asyncio.TimerHandle

    def end(self, error: LinkError | None) -> None:
        self.overdue.cancel()
        if self.answer.done():
            return  # nobody waits any more
        if error is None:
            self.answer.set_result(None)
        else:
            self.answer.set_exception(error)


async def heeding(call: Awaitable[T]) -> T:
    """Await a call of aiomqtt, and heed a cancellation that comes together with its answer.

    aiomqtt waits by `asyncio.wait_for`, which before Python 3.12 drops such a one (CPython issue
    86296): the task would go on as if nobody had ended it.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine is awaited in a task
    before = task.cancelling()
    found = await call
    if task.cancelling() > before:
        raise asyncio.CancelledError
    return found


def _declared(error: BaseException | None, address: BrokerAddress, client_id: str) -> LinkError:
    """Return what an error of the library means for the link; None: an end in order."""
    cause = error
    if isinstance(error, aiomqtt.MqttError) and not isinstance(error, MqttCodeError):
        cause = error.__cause__
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
    return LinkDownError(f"broker {address}: {cause or error or 'it ended the session'}")


def _properties(publication: Publication) -> Properties | None:
    if publication.qos == 0:
        return None  # audio frames: the topic says it all, 40 bytes a frame are saved
    if not publication.response_topic and not publication.correlation:
        return _usual(publication.content_type, publication.expiry_s)
    properties = _described(publication.content_type, publication.expiry_s)
    if publication.response_topic:
        properties.ResponseTopic = publication.response_topic
    if publication.correlation:
        properties.CorrelationData = publication.correlation
    return properties


def _described(content_type: str, expiry_s: int | None) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
    if content_type:
        properties.ContentType = content_type
    if expiry_s is not None:
        properties.MessageExpiryInterval = expiry_s
    return properties


class _Packed(Properties):
    """Properties of many messages, packed once: paho takes 0.1 ms to make and pack two of them."""

    _bytes: bytes

    def __init__(self, properties: Properties) -> None:
        object.__setattr__(self, "_bytes", properties.pack())  # type: ignore[no-untyped-call]  # paho's

    def pack(self) -> bytes:
        """Return them as they are sent (MQTT 5.0, section 2.2.2)."""
        return self._bytes


@lru_cache(maxsize=256)
def _usual(content_type: str, expiry_s: int | None) -> Properties:
    return _Packed(_described(content_type, expiry_s))
