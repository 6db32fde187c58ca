"""The real connection: MQTT 5 by paho's client, driven by the event loop without a thread.

paho is used through its documented calls for an external loop. Each exchange has one future, and
one timer watches all of them: an exchange that the broker leaves unanswered proves the connection
dead long before the keep-alive does.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Connection, Deliver, Delivery, Publication, Will
from antiphon_link.errors import LinkDownError, LinkError, LinkRefusedError
from antiphon_protocol.limits import CONTEXT_BYTES_MAX, MESSAGE_BYTES_MAX

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 10
"""The broker declares us lost after one and a half of it: half-open sockets end within 15 s."""
CONNECT_TIMEOUT_S: Final = 2.0
"""For TCP and TLS; done in a thread, so it also bounds how long ending a program may take."""
ANSWER_TIMEOUT_S: Final = 5.0
"""An exchange unanswered for so long ends the connection."""
PACKET_BYTES_MAX: Final = CONTEXT_BYTES_MAX + 2 * MESSAGE_BYTES_MAX
"""The broker sends us no larger packet (MQTT 5.0, section 3.1.2.11.4)."""
_TICK_S: Final = 1.0
_CONNACK: Final = 0
"""Stands for the answer to CONNECT; packet identifiers begin at 1."""

REFUSED_CODES: Final = frozenset({132, 133, 134, 135, 138, 140})
"""CONNACK reasons that no retry mends: protocol version, client id, account, authorisation, ban,
authentication method (MQTT 5.0, table 3-1)."""
TAKEN_OVER: Final = 142
"""DISCONNECT reason: the same client id connected again (MQTT 5.0, section 3.14.2.1)."""

# Without TCP_NODELAY, Nagle's algorithm and delayed ACKs make each QoS 1 exchange take 42 ms.
SOCKET_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


@asynccontextmanager
async def connect(
    address: BrokerAddress, client_id: str, will: Will | None, deliver: Deliver
) -> AsyncIterator[Connection]:
    """Be connected to the broker inside the block (see `connection.Connect`).

    Raises:
        LinkDownError: not reachable, or no answer in time.
        LinkRefusedError: the broker refuses the account, the client id or the protocol.
        SettingsError: the CA file cannot be read.
    """
    connection = MqttConnection(address, client_id, will, deliver)
    try:
        await connection.open()
        yield connection
    finally:
        connection.close()


class MqttConnection:
    """One MQTT session, from CONNECT to DISCONNECT; see `connection.Connection`."""

    def __init__(
        self, address: BrokerAddress, client_id: str, will: Will | None, deliver: Deliver
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._client_id = client_id
        self._deliver = deliver
        self._error: LinkError | None = None
        self._ended = asyncio.Event()
        self._answers: dict[int, _Expected] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._socket: Any = None
        self._client = self._paho(will)

    def _paho(self, will: Will | None) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        if self._address.username:
            client.username_pw_set(self._address.username, self._address.password or None)
        if (context := self._address.tls_context()) is not None:
            client.tls_set_context(context)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        return client

    # -- life -------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and log in.

        Raises:
            LinkDownError: not reachable, or no answer in time.
            LinkRefusedError: the broker refuses us.
        """
        try:
            await self._loop.run_in_executor(None, self._dial)
        except (OSError, ValueError) as error:
            raise LinkDownError(f"broker {self._address} is not reachable: {error}") from None
        self._socket = self._client.socket()
        for option in SOCKET_OPTIONS:
            self._socket.setsockopt(*option)
        self._client.on_socket_close = self._on_socket_close
        self._loop.add_reader(self._socket, self._readable)
        accepted: asyncio.Future[None] = self._expect(_CONNACK)
        self._flush()
        self._tick()
        await accepted

    def _dial(self) -> None:
        """Connect TCP and TLS and send CONNECT: paho blocks in it, so it runs in a thread."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
        properties.SessionExpiryInterval = 0
        properties.MaximumPacketSize = PACKET_BYTES_MAX
        self._client.connect(
            self._address.host,
            self._address.port,
            KEEPALIVE_S,
            clean_start=True,
            properties=properties,
        )
        if self._error is not None:  # closed meanwhile: nobody will ever use it
            self._client.disconnect()

    def close(self) -> None:
        """End the session in order; what still waits for an answer fails."""
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None and self._error is None:
            self._client.disconnect()
        self._fail(LinkDownError("the link was closed"))
        self._close_socket()

    async def wait_lost(self) -> None:
        """Wait for the end; see `connection.Connection`."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    # -- what the link asks -----------------------------------------------------------------------

    def publish(self, publication: Publication) -> asyncio.Future[None] | None:
        """Hand a message over; see `connection.Connection`."""
        if self._error is not None:
            raise self._error
        info = self._client.publish(
            publication.path,
            publication.payload,
            publication.qos,
            publication.retain,
            _properties(publication),
        )
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkDownError(f"{publication.path}: {paho.error_string(info.rc)}")
        self._flush()
        return None if info.is_published() else self._expect(info.mid)

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Subscribe; see `connection.Connection`."""
        wanted = [(one, SubscribeOptions(qos=qos)) for one, qos in filters]
        codes: list[ReasonCode] = await self._exchange(self._client.subscribe(wanted))
        for (topic_filter, _), code in zip(filters, codes, strict=True):
            if code.is_failure:
                raise LinkRefusedError(
                    f"broker {self._address} refuses {self._client_id} to read {topic_filter}: "
                    f"{code}; give its account that right"
                )

    async def unsubscribe(self, topic_filter: str) -> None:
        """Undo one subscription; see `connection.Connection`."""
        await self._exchange(self._client.unsubscribe(topic_filter))

    async def _exchange(self, asked: tuple[MQTTErrorCode, int | None]) -> Any:
        code, mid = asked
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise LinkDownError(paho.error_string(code))
        self._flush()
        return await self._expect(mid)

    def _expect(self, mid: int) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._answers[mid] = _Expected(self._loop.time() + ANSWER_TIMEOUT_S, future)
        return future

    def _answer(self, mid: int, result: object) -> None:
        expected = self._answers.pop(mid, None)
        if expected is not None and not expected.future.done():
            expected.future.set_result(result)

    # -- what the event loop calls ----------------------------------------------------------------

    def _readable(self) -> None:
        try:
            self._client.loop_read()
            # A TLS socket may hold decrypted packets that select() does not see.
            while (sock := self._client.socket()) and getattr(sock, "pending", int)():
                self._client.loop_read()
        except Exception as error:  # noqa: BLE001 - whatever paho trips over, it is of no more use
            log.debug("%s: %r", self._client_id, error)
            self._fail(LinkDownError(f"broker {self._address} sent what is no MQTT: {error!r}"))
            self._close_socket()
            return
        self._flush()

    def _flush(self) -> None:
        """Write what waits; paho itself writes at once, except inside its callbacks."""
        if not self._client.want_write():
            return
        self._client.loop_write()
        if self._client.want_write() and self._error is None:
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        self._client.loop_write()
        if not self._client.want_write() and self._error is None:
            self._loop.remove_writer(self._socket)

    def _tick(self) -> None:
        self._client.loop_misc()
        first = next(iter(self._answers.values()), None)
        if first is not None and self._loop.time() > first.deadline_s:
            self._fail(LinkDownError(f"broker {self._address} left us without an answer"))
            self._close_socket()
        if self._error is None:
            self._timer = self._loop.call_later(_TICK_S, self._tick)

    def _fail(self, error: LinkError) -> None:
        if self._error is not None:
            return
        self._error = error
        self._ended.set()
        for expected in self._answers.values():
            if not expected.future.done():
                expected.future.set_exception(error)
        self._answers.clear()

    def _close_socket(self) -> None:
        if (sock := self._client.socket()) is not None and self._socket is not None:
            self._on_socket_close(self._client, None, sock)
            sock.close()

    # -- what paho calls --------------------------------------------------------------------------

    def _on_connect(
        self, _client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if not code.is_failure:
            self._answer(_CONNACK, None)
        elif code.value in REFUSED_CODES:
            self._fail(
                LinkRefusedError(
                    f"broker {self._address} refuses {self._client_id}: {code}; "
                    "check [broker] username, password and tls"
                )
            )
        else:
            self._fail(LinkDownError(f"broker {self._address} takes nobody now: {code}"))

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if code.value == TAKEN_OVER:
            self._fail(
                LinkRefusedError(
                    f"broker {self._address}: another program connected as {self._client_id}; "
                    "give each program an id of its own"
                )
            )
        else:
            self._fail(LinkDownError(f"broker {self._address} closed the connection: {code}"))

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        properties = message.properties
        self._deliver(
            Delivery(
                path=message.topic,
                payload=bytes(message.payload),
                retained=message.retain,
                response_topic=getattr(properties, "ResponseTopic", ""),
                correlation=getattr(properties, "CorrelationData", b""),
            )
        )

    def _on_publish(
        self, _client: paho.Client, _data: Any, mid: int, code: ReasonCode, _properties: Any
    ) -> None:
        if not code.is_failure:
            self._answer(mid, None)
        elif (expected := self._answers.pop(mid, None)) and not expected.future.done():
            expected.future.set_exception(
                LinkRefusedError(
                    f"broker {self._address} refuses {self._client_id} to write: {code}"
                )
            )

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        self._answer(mid, codes)

    def _on_unsubscribe(
        self, _client: paho.Client, _data: Any, mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        self._answer(mid, codes)

    def _on_socket_close(self, _client: paho.Client, _data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)


class _Expected(NamedTuple):
    deadline_s: float
    future: asyncio.Future[Any]


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
