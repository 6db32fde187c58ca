"""The library's client, with sockets that stay watched after the peer reset them.

After an error event uvloop runs the reader once more and then drops the socket from its watch
(`UVPoll._fatal_error`): what lay unread behind the first packet is never read, the loss goes
unnoticed until the keep-alive, and the next `add_writer` raises inside the loop. So the reader here
reads all there is, and what cannot be watched any more is written at once, which brings the error
to light.
"""

import logging
import select
from typing import Any, Final

import aiomqtt
from paho.mqtt import client as paho

log = logging.getLogger(__name__)

PACKETS_AT_A_TIME: Final = 64
"""Then the loop's other work has its turn."""


class WatchedClient(aiomqtt.Client):
    """`aiomqtt.Client` whose lost connections are noticed at once, on uvloop as on asyncio."""

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
