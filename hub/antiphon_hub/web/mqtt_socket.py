"""MQTT over a WebSocket for the browser satellite: a pipe to the broker, for people signed in.

It reads nothing of what passes: who may publish and subscribe what is the broker's business, which
asks each browser for its own account. Both directions are bounded: as long as one side does not
take what is there, the other is not read.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from antiphon_link.broker import BrokerAddress
from antiphon_link.errors import LinkError

log = logging.getLogger(__name__)

MayEnter = Callable[[HTTPConnection], Awaitable[bool]]
"""Tells whether somebody is signed in who may speak with the house."""
FindBroker = Callable[[], Awaitable[BrokerAddress]]
"""Tells where browsers are let through to; raises LinkError while there is no broker."""

SUBPROTOCOL: Final = "mqtt"
SOCKETS_MAX: Final = 64
"""Browsers at a time; more are refused and counted."""
CHUNK_BYTES: Final = 64 * 1024
FRAME_BYTES_MAX: Final = 1024 * 1024
"""One WebSocket message: it may hold many MQTT packets, none of which is over 64 KiB."""
CONNECT_S: Final = 5.0
LOOK_AGAIN_S: Final = 30.0
"""How soon a browser whose person has signed out meanwhile is cut off."""

_REFUSED: Final = 1008
_TOO_BIG: Final = 1009
_TRY_LATER: Final = 1013


class MqttSocket:
    """The endpoint: `serve` is for a Starlette WebSocketRoute."""

    def __init__(
        self,
        find_broker: FindBroker,
        may_enter: MayEnter,
        *,
        sockets_max: int = SOCKETS_MAX,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        """Prepare.

        Args:
            find_broker: Tells where the broker is.
            may_enter: Tells whether somebody is signed in; asked again now and then.
            sockets_max: Browsers at a time.
            look_again_s: How often it is asked again, seconds.
        """
        self._find_broker = find_broker
        self._may_enter = may_enter
        self._sockets_max = sockets_max
        self._look_again_s = look_again_s
        self.open = 0
        """Browsers that are connected now."""
        self.counts: Counter[str] = Counter()
        """opened, refused, broker_away, too_big, signed_out."""

    async def serve(self, socket: WebSocket) -> None:
        """Serve one browser until either side ends."""
        why = await self._why_not(socket)
        if why:
            self.counts["refused"] += 1
            log.info("a browser may not talk to the broker: %s", why)
            await socket.close(_REFUSED, why)
            return
        self.open += 1
        try:
            await self._connect(socket)
        finally:
            self.open -= 1

    async def _why_not(self, socket: WebSocket) -> str:
        if not _same_origin(socket):
            return "another site's page asked"
        if SUBPROTOCOL not in socket.scope["subprotocols"]:
            return f"the subprotocol is {SUBPROTOCOL}"
        if not await self._may_enter(socket):
            return "nobody is signed in"
        if self.open >= self._sockets_max:
            return f"{self._sockets_max} browsers are connected already"
        return ""

    async def _connect(self, socket: WebSocket) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                address = await self._find_broker()
                reader, writer = await asyncio.open_connection(
                    address.host, address.port, ssl=address.tls_context(), limit=CHUNK_BYTES
                )
        except (OSError, TimeoutError, LinkError) as error:
            self.counts["broker_away"] += 1
            log.warning("a browser wants to talk to the broker, and there is none: %s", error)
            await socket.close(_TRY_LATER, "the broker is away")
            return
        try:
            await socket.accept(SUBPROTOCOL)
            self.counts["opened"] += 1
            await self._pipe(socket, reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _pipe(
        self, socket: WebSocket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass on what comes, both ways, until one of them ends."""
        ways = [
            asyncio.ensure_future(self._up(socket, writer)),
            asyncio.ensure_future(_down(reader, socket)),
            asyncio.ensure_future(self._signed_out(socket)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        code = next((way.result() for way in done if way.exception() is None), None)
        if code is not None:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it left meanwhile
                await socket.close(code)

    async def _up(self, socket: WebSocket, writer: asyncio.StreamWriter) -> int | None:
        """Pass on what the browser sends; return why to close, None: the browser has left."""
        while True:
            try:
                message = await socket.receive()
            except RuntimeError:
                return None
            data = message.get("bytes")
            if message["type"] == "websocket.disconnect":
                return None
            if data is None:
                return _REFUSED  # a text: no MQTT
            if len(data) > FRAME_BYTES_MAX:
                self.counts["too_big"] += 1
                return _TOO_BIG
            writer.write(data)
            try:
                await writer.drain()
            except OSError:
                return _TRY_LATER

    async def _signed_out(self, socket: WebSocket) -> int:
        while True:
            await asyncio.sleep(self._look_again_s)
            if not await self._may_enter(socket):
                self.counts["signed_out"] += 1
                return _REFUSED


async def _down(reader: asyncio.StreamReader, socket: WebSocket) -> int | None:
    """Pass on what the broker sends; return why to close."""
    try:
        while data := await reader.read(CHUNK_BYTES):
            await socket.send_bytes(data)
    except WebSocketDisconnect:
        return None
    except OSError:
        return _TRY_LATER
    return _TRY_LATER


def _same_origin(socket: WebSocket) -> bool:
    """Tell whether our own page asks; browsers always say which page it is."""
    origin = socket.headers.get("origin")
    if origin is None:
        return True  # no browser, thus nobody's cookie is abused
    try:
        return urlsplit(origin).netloc == socket.headers.get("host", "")
    except ValueError:
        return False
