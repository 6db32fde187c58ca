"""The browser satellite's page and its way to a broker, served as the console serves them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount

from antiphon_hub.web.satellite_page import Admit, House, SatellitePage
from antiphon_link.broker import BrokerAddress


class Console:
    """A console with nothing but that page."""

    def __init__(self, broker: Callable[[], BrokerAddress], admit: Admit | None = None) -> None:
        self._broker = broker
        self.signed_in = True
        self.page = SatellitePage(
            self._find_broker,
            self._may_enter,
            lambda: House(site="Home", rooms=("hall", "kitchen")),
            admit,
        )
        # A person who signed out is noticed at once, not within half a minute.
        self.page.socket._look_again_s = 0.1
        self.url = ""

    async def _find_broker(self) -> BrokerAddress:
        return self._broker()

    async def _may_enter(self, _: HTTPConnection) -> bool:
        return self.signed_in

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Console"]:
        """Serve on a free port inside the block."""
        app = Starlette(routes=[Mount("/satellite", routes=self.page.routes())])
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/satellite/"
            server = _Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield self
            finally:
                server.should_exit = server.force_exit = True
                await serving


class _Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    def install_signal_handlers(self) -> None:
        """Take none."""
