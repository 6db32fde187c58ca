"""Answers Prometheus: `GET /metrics`, nothing else, over plain HTTP/1.1 (RFC 9112)."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

log = logging.getLogger(__name__)

REQUEST_BYTES_MAX: Final = 8192
REQUEST_S: Final = 5.0
"""A client that has not asked by then is sent away."""
CLIENTS_MAX: Final = 8
"""Clients at a time; policy: reject and count. One Prometheus asks every few seconds."""


class Exporter:
    """Serves a registry. It computes in the event loop, between two other things."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._clients = 0
        self.counts: Counter[str] = Counter()
        """scrapes, refused (clients beyond the bound), bad (requests that are none)."""

    @asynccontextmanager
    async def listening(self, address: str) -> AsyncIterator[str]:
        """Serve inside the block at `HOST:PORT`; yields the address that it became.

        No address is none to serve at, and yields none.

        A house without figures is better than no house: an address that cannot be had is reported
        and leaves the hub running.
        """
        if not address:
            yield ""
            return
        host, _, port = address.rpartition(":")
        try:
            server = await asyncio.start_server(
                self._serve, host.strip("[]"), int(port), limit=REQUEST_BYTES_MAX
            )
        except (OSError, OverflowError) as error:
            log.error("[metrics] listen = %r: %s; no metrics are shown", address, error)  # noqa: TRY400 - the message says it all
            yield ""
            return
        async with server:
            bound = server.sockets[0].getsockname()[1]
            log.info("metrics at http://%s:%d/metrics", host, bound)
            yield f"{host}:{bound}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._clients >= CLIENTS_MAX:
            self.counts["refused"] += 1
            writer.close()
            return
        self._clients += 1
        writer.transport.set_write_buffer_limits(0)  # so that drained is sent
        try:
            async with asyncio.timeout(REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.counts["bad"] += 1
            writer.transport.abort()
        finally:
            self._clients -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method != b"GET":
            self.counts["bad"] += 1
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET\n", extra="Allow: GET\r\n")
        if path != b"/metrics":
            self.counts["bad"] += 1
            return _response(HTTPStatus.NOT_FOUND, b"see /metrics\n")
        self.counts["scrapes"] += 1
        return _response(HTTPStatus.OK, generate_latest(self._registry), kind=CONTENT_TYPE_LATEST)


def _response(
    status: HTTPStatus, body: bytes, *, kind: str = "text/plain; charset=utf-8", extra: str = ""
) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n{extra}Connection: close\r\n\r\n"
    )
    return head.encode() + body
