"""The library's client, without its queues, and with sockets that stay watched after a reset.

Its queue of messages and its task for each message that is published cost more than all else that
is done with a message; here both are plain calls.

After an error event uvloop runs the reader once more and then drops the socket from its watch
(`UVPoll._fatal_error`): what lay unread behind the first packet is never read, the loss goes
unnoticed until the keep-alive, and the next `add_writer` raises inside the loop. So the reader here
reads all there is, and what cannot be watched any more is written at once, which brings the error
to light.
"""

import logging
import select
from collections.abc import Callable
from typing import Any, Final, Protocol

import aiomqtt
from aiomqtt.exceptions import MqttCodeError
from paho.mqtt import client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

PACKETS_AT_A_TIME: Final = 64
"""Then the loop's other work has its turn."""


class Session(Protocol):
    """Who gets what comes; both calls return at once and never raise."""

    def take(self, message: paho.MQTTMessage) -> None:
        """Take a message."""

    def taken(self, number: int, code: ReasonCode) -> None:
        """Note that the broker (QoS 1) or the socket (QoS 0) took one of ours, or refused it."""


class DirectClient(aiomqtt.Client):
    """`aiomqtt.Client` whose lost connections are noticed at once, on uvloop as on asyncio."""

    def __init__(self, session: Session, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._session = session

    def post(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, properties: Properties | None
    ) -> int | None:
        """Publish; return None when it has left, else the number that `Session.taken` will name.

        Raises:
            aiomqtt.MqttError: the connection is lost.
        """
        info = self._client.publish(topic, payload, qos, retain, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise MqttCodeError(info.rc, "the message could not be published")
        return None if info.is_published() else info.mid

    def when_lost(self, tell: Callable[[BaseException | None], None]) -> None:
        """Call back once the connection is over; None: it was ended in order."""
        self._disconnected.add_done_callback(lambda lost: tell(lost.exception()))

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:  # noqa: ARG002
        self._session.take(message)

    def _on_subscribe(
        self, client: paho.Client, userdata: Any, mid: int, codes: Any, *more: Any
    ) -> None:
        if mid in self._pending_subscribes:  # else whoever waited for it is gone
            super()._on_subscribe(client, userdata, mid, codes, *more)

    def _on_unsubscribe(
        self, client: paho.Client, userdata: Any, mid: int, codes: Any, *more: Any
    ) -> None:
        if mid in self._pending_unsubscribes:  # as above
            super()._on_unsubscribe(client, userdata, mid, codes, *more)

    def _on_publish(
        self,
        client: paho.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ARG002
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,  # noqa: ARG002
    ) -> None:
        self._session.taken(mid, reason_code)

    def _on_socket_open(self, client: paho.Client, userdata: Any, sock: Any) -> None:
        super()._on_socket_open(client, userdata, sock)
        # Adding a reader again replaces the library's, which reads one packet per event.
        self._loop.call_soon_threadsafe(self._watch, client, sock)

    def _watch(self, client: paho.Client, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.add_reader(sock.fileno(), self._read_all, client, sock)

    def _read_all(self, client: paho.Client, sock: Any) -> None:
        try:
            for _ in range(PACKETS_AT_A_TIME):
                client.loop_read()
                if client.socket() is not sock or not _readable(sock):
                    return
        except Exception as error:  # noqa: BLE001 - whatever it is, the connection is over
            self._lost(error)
        else:
            self._loop.call_soon(self._read_all, client, sock)

    def _on_socket_register_write(self, client: paho.Client, userdata: Any, sock: Any) -> None:  # noqa: ARG002
        self._loop.call_soon_threadsafe(self._write_when_ready, client, sock)

    def _write_when_ready(self, client: paho.Client, sock: Any) -> None:
        gone = client.socket() is not sock
        if gone:
            return
        try:
            self._loop.add_writer(sock.fileno(), self._write, client)
        except (RuntimeError, OSError) as error:
            log.debug("the socket is no longer watched: %s", error)
            self._write(client)

    def _write(self, client: paho.Client) -> None:
        try:
            client.loop_write()
        except Exception as error:  # noqa: BLE001 - whatever it is, the connection is over
            self._lost(error)

    def _lost(self, error: Exception) -> None:
        if not self._disconnected.done():
            self._disconnected.set_exception(error)


def _readable(sock: Any) -> bool:
    if hasattr(sock, "pending") and sock.pending():
        return True  # TLS has more of what it took from the network
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
