"""Bytes of one TCP or TLS connection to MQTT 5 packets and back; knows nothing of sessions."""

import asyncio
from collections.abc import Callable
from typing import Final, cast

import mqtt5

from antiphon_protocol.limits import CONTEXT_BYTES_MAX, MESSAGE_BYTES_MAX

PACKET_BYTES_MAX: Final = CONTEXT_BYTES_MAX + 2 * MESSAGE_BYTES_MAX
"""The broker sends us no larger packet (MQTT 5.0, section 3.1.2.11.4)."""
UNSENT_BYTES_MAX: Final = 65536
"""So many bytes wait for the network; then who sends waits."""


class Wire(asyncio.Protocol):
    """One connection: hands over each packet as it comes, and says once why it ended."""

    def __init__(self, took: Callable[[mqtt5.Packet], None], ended: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            took: Called with each packet; returns at once.
            ended: Called once with the reason when the connection is over.
        """
        self._took = took
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._full = False
        self._waiting: list[asyncio.Future[None]] = []
        self.closed = asyncio.Event()
        """Set when the socket is closed."""

    def write(self, data: bytes) -> None:
        """Send bytes behind all earlier ones; dropped when the connection is over."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def drained(self) -> asyncio.Future[None] | None:
        """Return None while the network keeps up, else what is done when it does again."""
        if not self._full:
            return None
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return waiting

    def close(self) -> None:
        """Close, behind what was written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio's side ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; see asyncio.Protocol."""
        # uvloop's is one by its methods, not by its class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)

    def data_received(self, data: bytes) -> None:
        """Take bytes; see asyncio.Protocol."""
        view = memoryview(self._rest + data if self._rest else data)
        at = 0
        try:
            while at < len(view):
                packet, size = mqtt5.read(view[at:])
                at += size
                self._took(packet)
        except IndexError:
            self._keep(view[at:])
        except ValueError as error:
            self._fail(f"it speaks no MQTT 5: {error}")
        except BaseException as error:
            if type(error).__module__ != "pyo3_runtime":
                raise
            # The codec's word, which is no Exception, for text that is not UTF-8.
            self._fail("it speaks no MQTT 5: broken text")
        else:
            self._rest = b""

    def pause_writing(self) -> None:
        """The network does not keep up; see asyncio.Protocol."""
        self._full = True

    def resume_writing(self) -> None:
        """It does again; see asyncio.Protocol."""
        self._full = False
        self._release()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; see asyncio.Protocol."""
        self.closed.set()
        self._ended(f"connection lost: {exc}" if exc else "it closed the connection")
        self._release()

    def _keep(self, rest: memoryview) -> None:
        if len(rest) > PACKET_BYTES_MAX:
            self._fail(f"a packet of over {PACKET_BYTES_MAX} bytes")
        else:
            self._rest = bytes(rest)

    def _fail(self, reason: str) -> None:
        self._rest = b""
        self._ended(reason)
        self.abort()

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)
