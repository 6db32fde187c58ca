"""The real connection: an MQTT 5 session in the event loop, on the codec of `mqtt5`."""

import asyncio
import enum
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import mqtt5

from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Connection, Delivery, Publication, Receiver, Will
from antiphon_link.errors import LinkDownError, LinkError, LinkRefusedError
from antiphon_link.exchanges import PING, Exchanges
from antiphon_link.wire import PACKET_BYTES_MAX, Wire

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 10
"""The broker declares us lost after one and a half of it: half-open sockets end within 15 s."""
REACH_S: Final = 2.0
"""For the TCP and TLS handshake."""
ANSWER_TIMEOUT_S: Final = 3.0
"""An exchange that the broker leaves unanswered for so long has failed."""
LEAVE_S: Final = 1.0
"""How long what was written last may take to leave."""

REFUSED_CODES: Final = frozenset({132, 133, 134, 135, 138, 140})
"""CONNACK reasons that no retry mends: protocol version, client id, account, authorisation, ban,
authentication method (MQTT 5.0, table 3-1)."""
TAKEN_OVER: Final = 142
"""DISCONNECT reason: the same client id connected again (MQTT 5.0, section 3.14.2.1)."""
FAILURE: Final = 128
"""Reason codes from here on are failures (MQTT 5.0, section 2.4)."""

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
    connection = MqttConnection(address, client_id, receiver)
    try:
        await connection.open(will)
        yield connection
    finally:
        await connection.close()


class MqttConnection:
    """One MQTT session; see `connection.Connection`."""

    def __init__(self, address: BrokerAddress, client_id: str, receiver: Receiver) -> None:
        self._address = address
        self._client_id = client_id
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._wire = Wire(self._took, self._broke)
        self._exchanges = Exchanges(
            self._wire.write, lambda: self._broke("it does not answer"), ANSWER_TIMEOUT_S
        )
        self._error: LinkError | None = None
        self._ended = asyncio.Event()
        self._welcome: asyncio.Future[mqtt5.ConnAckPacket] = self._loop.create_future()
        self._next_ping: asyncio.TimerHandle | None = None

    # -- begin and end ----------------------------------------------------------------------------

    async def open(self, will: Will | None) -> None:
        """Connect and sign in; raises as `connect`."""
        tls = self._address.tls_context()
        try:
            async with asyncio.timeout(REACH_S):
                transport, _ = await self._loop.create_connection(
                    lambda: self._wire, self._address.host, self._address.port, ssl=tls
                )
        except OSError as error:  # a TimeoutError is one
            reason = str(error) or f"no answer in {REACH_S:g} s"
            raise LinkDownError(f"broker {self._address} is not reachable: {reason}") from None
        for option in SOCKET_OPTIONS:
            transport.get_extra_info("socket").setsockopt(*option)
        self._wire.write(_sign_in(self._address, self._client_id, will))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                welcome = await self._welcome
        except TimeoutError:
            raise LinkDownError(f"broker {self._address}: it does not answer") from None
        if int(welcome.reason_code) >= FAILURE:
            raise self._declared(welcome.reason_code)
        self._exchanges.window = welcome.receive_max
        self._ping_every(min(KEEPALIVE_S, welcome.server_keep_alive or KEEPALIVE_S))

    async def close(self) -> None:
        """End in order, without the will; what waits for an answer fails."""
        lost = self._error is not None
        if not lost and self._welcome.done():
            self._wire.write(mqtt5.DisconnectPacket().write())
        self._end(LinkDownError("the link was closed"))
        if not lost:
            self._wire.close()
            try:
                async with asyncio.timeout(LEAVE_S):
                    await self._wire.closed.wait()
            except TimeoutError:
                log.debug("%s: the broker does not take our farewell", self._client_id)
        self._wire.abort()

    def _ping_every(self, period_s: float) -> None:
        """Show that we are alive, and see whether the broker is."""
        self._next_ping = self._loop.call_later(period_s, self._ping_every, period_s)
        if self._exchanges.get(PING) is None:
            ping = self._exchanges.ask(PING, mqtt5.PingReqPacket().write())
            ping.add_done_callback(asyncio.Future.exception)  # the connection's end tells it

    # -- for the link -----------------------------------------------------------------------------

    def publish(self, publication: Publication) -> asyncio.Future[None] | None:
        """Hand a message over; see `connection.Connection`."""
        if self._error is not None:
            raise self._error
        if publication.qos == 0:
            self._exchanges.follow(_packet(publication, None).write())
            return self._wire.drained()
        number = self._exchanges.new_id()
        data = _packet(publication, number).write()
        return self._exchanges.publish(number, data, publication.path)

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Subscribe; see `connection.Connection`."""
        number = self._exchanges.new_id()
        wanted = [
            mqtt5.TopicFilter(one, max_qos=mqtt5.QoS(qos), retain_as_published=False)
            for one, qos in filters
        ]
        data = mqtt5.SubscribePacket(number, wanted).write()
        await self._ask(number, data, tuple(one for one, _ in filters))

    async def unsubscribe(self, topic_filter: str) -> None:
        """Undo one subscription; see `connection.Connection`."""
        number = self._exchanges.new_id()
        await self._ask(number, mqtt5.UnsubscribePacket(number, [topic_filter]).write(), ())

    async def wait_lost(self) -> None:
        """Wait for the end; see `connection.Connection`."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    async def _ask(self, number: int, data: bytes, about: tuple[str, ...]) -> None:
        if self._error is not None:
            raise self._error
        await self._exchanges.ask(number, data, about)

    # -- what comes -------------------------------------------------------------------------------

    def _took(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PublishPacket():
                self._deliver(packet)
            case mqtt5.PubAckPacket():
                self._acknowledged(packet)
            case mqtt5.SubAckPacket() | mqtt5.UnsubAckPacket():
                self._subscribed(packet)
            case mqtt5.PingRespPacket():
                self._exchanges.answered(PING)
            case mqtt5.ConnAckPacket() if not self._welcome.done():
                self._welcome.set_result(packet)
            case mqtt5.DisconnectPacket():
                self._end(self._declared(packet.reason_code))
            case _:
                self._broke(f"an unexpected {type(packet).__name__}")

    def _deliver(self, packet: mqtt5.PublishPacket) -> None:
        if self._error is None:
            self._receiver.dispatch(
                Delivery(
                    path=packet.topic,
                    payload=packet.payload,
                    retained=packet.retain,
                    response_topic=packet.response_topic or "",
                    correlation=packet.correlation_data or b"",
                )
            )
        if packet.packet_id is not None:
            self._wire.write(mqtt5.PubAckPacket(packet.packet_id).write())

    def _acknowledged(self, packet: mqtt5.PubAckPacket) -> None:
        exchange = self._exchanges.get(packet.packet_id)
        if exchange is None or not exchange.windowed:
            self._broke("it acknowledges what was not sent")
            return
        refused = None
        if int(packet.reason_code) >= FAILURE:
            refused = LinkRefusedError(
                f"broker {self._address} does not let {self._client_id} write "
                f"{exchange.about[0]}: {_words(packet.reason_code)}; give its account that right"
            )
        self._exchanges.answered(packet.packet_id, refused)

    def _subscribed(self, packet: mqtt5.SubAckPacket | mqtt5.UnsubAckPacket) -> None:
        exchange = self._exchanges.get(packet.packet_id)
        filters = exchange.about if exchange is not None else ()
        refused = None
        for one, code in zip(filters, packet.reason_codes, strict=False):
            if int(code) >= FAILURE:
                refused = LinkRefusedError(
                    f"broker {self._address} refuses {self._client_id} to read {one}: "
                    f"{_words(code)}; give its account that right"
                )
        self._exchanges.answered(packet.packet_id, refused)

    # -- the end ----------------------------------------------------------------------------------

    def _broke(self, reason: str) -> None:
        self._end(LinkDownError(f"broker {self._address}: {reason}"))

    def _end(self, error: LinkError) -> None:
        if self._error is not None:
            return
        self._error = error
        self._ended.set()
        if self._next_ping is not None:
            self._next_ping.cancel()
        if not self._welcome.done():
            self._welcome.set_exception(error)
            self._welcome.exception()  # whoever waits for it gets it; nobody may be waiting
        self._exchanges.fail(error)

    def _declared(self, code: enum.IntEnum) -> LinkError:
        """Return what a reason of the broker's means for the link."""
        where = f"broker {self._address}"
        if int(code) in REFUSED_CODES:
            return LinkRefusedError(
                f"{where} refuses {self._client_id}: {_words(code)}; "
                "check [broker] username, password and tls; a paired device that is refused was "
                "revoked: pair it again (--pair CODE)"
            )
        if int(code) == TAKEN_OVER:
            return LinkRefusedError(
                f"{where}: another program connected as {self._client_id}; "
                "give each program an id of its own"
            )
        return LinkDownError(f"{where}: {_words(code)}")


def _sign_in(address: BrokerAddress, client_id: str, will: Will | None) -> bytes:
    last = None
    if will is not None:
        last = mqtt5.Will(
            will.topic, payload=will.payload, qos=mqtt5.QoS(will.qos), retain=will.retain
        )
    return mqtt5.ConnectPacket(
        client_id,
        username=address.username or None,
        password=address.password.encode() if address.password else None,
        clean_start=True,
        will=last,
        keep_alive=KEEPALIVE_S,
        max_packet_size=PACKET_BYTES_MAX,
    ).write()


def _packet(publication: Publication, number: int | None) -> mqtt5.PublishPacket:
    if number is None:  # audio frames: the topic says it all, 40 bytes a frame are saved
        return mqtt5.PublishPacket(publication.path, publication.payload, retain=publication.retain)
    return mqtt5.PublishPacket(
        publication.path,
        publication.payload,
        qos=mqtt5.QoS.AT_LEAST_ONCE,
        retain=publication.retain,
        packet_id=number,
        message_expiry_interval=publication.expiry_s,
        content_type=publication.content_type or None,
        response_topic=publication.response_topic or None,
        correlation_data=publication.correlation or None,
    )


def _words(code: enum.IntEnum) -> str:
    """Return a reason as words: `Not authorized`."""
    return code.name.replace("_", " ").capitalize()
