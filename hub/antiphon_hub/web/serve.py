"""Serving the console inside the hub's event loop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn

from antiphon_hub.errors import ConsoleError
from antiphon_hub.settings import ConsoleSection
from antiphon_hub.web.house import House
from antiphon_hub.web.live import Live
from antiphon_hub.web.observer import Observer
from antiphon_hub.web.site import site

log = logging.getLogger(__name__)

CONNECTIONS_MAX: Final = 512
"""Connections at a time; policy: reject with 503. Two for each open page, and programs."""
HEAD_BYTES_MAX: Final = 32 * 1024
KEEP_ALIVE_S: Final = 30
STOP_S: Final = 2.0
"""How long requests may take to end when the hub stops."""


class _Server(uvicorn.Server):
    """Leaves the signals to the hub."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: cancellation is how a program of ours is told to stop."""
        yield


@asynccontextmanager
async def serving(
    house: House, live: Live, observer: Observer, section: ConsoleSection
) -> AsyncIterator[str]:
    """Serve the console inside the block; yields its address, `http://HOST:PORT`.

    Raises:
        ConsoleError: the address cannot be had, or other machines would be served unencrypted.
    """
    listener = _listener(section)
    tls = bool(section.cert_file)
    config = uvicorn.Config(
        site(house, live, observer),
        lifespan="off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=section.plain,  # else anybody on this machine could say where they come from
        http="h11",
        limit_concurrency=CONNECTIONS_MAX,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(STOP_S),
        ssl_certfile=section.cert_file or None,
        ssl_keyfile=section.key_file or None,
    )
    server = _Server(config)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    address = f"{'https' if tls else 'http'}://{shown}:{port}"
    task = asyncio.create_task(server.serve(sockets=[listener]), name="console")
    watching = asyncio.create_task(observer.run(), name="observe")
    try:
        yield address
    finally:
        watching.cancel()
        live.close()
        server.should_exit = True
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(STOP_S + 1.0):
                await asyncio.wait((task, watching))
        task.cancel()
        listener.close()


def _listener(section: ConsoleSection) -> socket.socket:
    host, _, port = section.listen.rpartition(":")
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        if not section.cert_file and not section.plain and not _is_loopback(str(address[0])):
            raise ConsoleError(
                403,
                f"[console] listen = {section.listen!r} would serve other machines unencrypted; "
                "give cert_file and key_file, or say plain = true behind a proxy that encrypts",
            )
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # who is told the address need not wait until the server takes calls
    except (OSError, OverflowError, ValueError) as error:
        raise ConsoleError(
            503, f"[console] listen = {section.listen!r}: {error}; choose another address"
        ) from None
    listener.setblocking(False)
    return listener


def _is_loopback(host: str) -> bool:
    return host == "::1" or host.startswith("127.")
