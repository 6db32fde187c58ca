"""A real Mosquitto for tests: a child on a free port, ready when it is handed out."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from antiphon_link.broker import BrokerAddress

START_TIMEOUT_S = 10.0
_RETRY_S = 0.01


def binary() -> str | None:
    """Return Mosquitto's path, or None where it is not installed."""
    return shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")


class Broker:
    """A Mosquitto child that can be stopped and started again on its port."""

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        settings: Sequence[str] = (),
        *,
        tls: bool = False,
    ) -> None:
        self.address = BrokerAddress(host=host, port=free_port(host), tls=tls)
        self._config = folder / f"mosquitto-{self.address.port}.conf"
        self._log = folder / f"mosquitto-{self.address.port}.log"
        self._config.write_text("\n".join(self._lines(settings)) + "\n", encoding="utf-8")
        self._child: subprocess.Popen[bytes] | None = None

    def _lines(self, settings: Sequence[str]) -> list[str]:
        usual = ["user root", "set_tcp_nodelay true", "max_inflight_messages 128"]
        if not any(line.startswith("allow_anonymous") for line in settings):
            usual.append("allow_anonymous true")
        return [*usual, f"listener {self.address.port} {self.address.host}", *settings]

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._child is not None, "the broker is not running"
        return self._child.pid

    @property
    def log(self) -> str:
        """All that it said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    async def start(self) -> Self:
        """Start it; returns once it accepts connections."""
        path = binary()
        assert path is not None, "mosquitto is not installed: apt install mosquitto"
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: ASYNC220 - a fork, over at once
                [path, "-c", str(self._config)], stdout=log, stderr=log
            )
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await accepts(self.address.host, self.address.port):
                assert self._child.poll() is None, f"mosquitto ended:\n{self.log}"
                await asyncio.sleep(_RETRY_S)
        return self

    def stop(self, *, kill: bool = False) -> None:
        """End it; a second stop does nothing."""
        if self._child is None:
            return
        if kill:
            self._child.kill()
        else:
            self._child.terminate()
        self._child.wait(timeout=START_TIMEOUT_S)
        self._child = None


@asynccontextmanager
async def mosquitto(
    folder: Path, host: str = "127.0.0.1", settings: Sequence[str] = (), *, tls: bool = False
) -> AsyncIterator[Broker]:
    """Run a broker inside the block.

    Args:
        folder: Where its files go.
        host: The address that it listens on.
        settings: More lines of mosquitto.conf(5).
        tls: The settings make its listener speak TLS.
    """
    broker = Broker(folder, host, settings, tls=tls)
    try:
        yield await broker.start()
    finally:
        broker.stop()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of that address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def accepts(host: str, port: int) -> bool:
    """Tell whether somebody accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
