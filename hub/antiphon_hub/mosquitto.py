"""The hub's own broker: a Mosquitto that it starts, supervises and ends when none is configured.

The listener is for this machine alone unless `lan` is set. With TLS there is a second, plain
listener on the loopback interface, so that the hub and its local workers need no certificate. Where
devices are paired there is a third, for those that the console lets through.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import signal
import socket
from pathlib import Path
from typing import Final

from antiphon_hub.errors import BrokerChildError, ChildError
from antiphon_hub.mosquitto_conf import (
    LOOPBACK,
    Guard,
    Listeners,
    Machine,
    MosquittoSettings,
    checked,
    configuration,
    password_line,
)
from antiphon_hub.supervise import Child
from antiphon_link.broker import DEFAULT_PORT, DEFAULT_TLS_PORT, BrokerAddress
from antiphon_link.errors import LinkDownError
from antiphon_link.private_file import write_private

log = logging.getLogger(__name__)

SEARCH: Final = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin"
"""Debian puts the broker into /usr/sbin, which is in no ordinary user's PATH."""
READY_TIMEOUT_S: Final = 5.0
_PROBE_S: Final = 0.01
_START_TRIES: Final = 3
"""Somebody may take a free port between our look and the broker's own bind."""


class Mosquitto:
    """A supervised Mosquitto. After `start()` it serves; `run()` keeps it up until cancelled."""

    def __init__(
        self, settings: MosquittoSettings, state_dir: Path, guard: Guard | None = None
    ) -> None:
        """Describe the broker.

        Args:
            settings: Who may connect, and where.
            state_dir: Existing or new directory for its configuration file.
            guard: Files of the paired devices, there before the start.
        """
        self._guard = guard
        self._settings = settings
        self._state_dir = state_dir
        self._child: Child | None = None
        self._listeners: Listeners | None = None

    @property
    def listeners(self) -> Listeners:
        """Its ports; what to announce.

        Raises:
            BrokerChildError: it was not started.
        """
        if self._listeners is None:
            raise BrokerChildError("the hub's own broker was not started")
        return self._listeners

    @property
    def address(self) -> BrokerAddress:
        """Where the programs of this machine reach it, without TLS.

        Raises:
            BrokerChildError: it was not started.
        """
        return BrokerAddress(
            host=LOOPBACK,
            port=self.listeners.own_port,
            username=self._settings.username,
            password=self._settings.password,
        )

    def for_browsers(self) -> BrokerAddress:
        """Return where browsers that are satellites are let through to: accounts of their own only.

        Raises:
            LinkDownError: it was not started, or lets none in.
        """
        if self._listeners is None or not self._listeners.guarded_port:
            raise LinkDownError("the hub's own broker lets no browsers in")
        return BrokerAddress(host=LOOPBACK, port=self._listeners.guarded_port)

    @property
    def pid(self) -> int | None:
        """Its process id; None while it is not running."""
        return self._child.pid if self._child is not None else None

    async def start(self) -> BrokerAddress:
        """Start the broker; returns once it accepts connections. Then `run()` it, or `stop()` it.

        Raises:
            BrokerChildError: it is not installed, its port is taken, or it refuses its settings.
        """
        self._settings = checked(self._settings)
        binary = find_binary()
        for _ in range(_START_TRIES):
            listeners = choose_listeners(self._settings, guarded=self._guard is not None)
            if await self._try(binary, listeners):
                return self.address
        raise BrokerChildError(f"Mosquitto finds no free port: {self._last_words()}")

    async def run(self) -> None:
        """Keep the started broker running until cancelled, then end it."""
        if self._child is None:
            raise BrokerChildError("the hub's own broker was not started")
        await self._child.run()

    def reload(self) -> None:
        """Have it read the guard's files again; who is connected and may no longer be is cut off.

        While it is down there is nothing to do: it reads them when it starts.
        """
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    async def stop(self) -> None:
        """End the broker if it runs; for who never reached `run()`."""
        if self._child is not None:
            await self._child.stop()

    async def _try(self, binary: str, listeners: Listeners) -> bool:
        """Start it once; False if a port was taken in the meantime."""
        config = self._write(listeners)
        self._child = child = Child([binary, "-c", str(config)], name="mosquitto")
        ready = False
        try:
            await child.start()
            ready = await self._ready(child, listeners)
        except ChildError as error:
            raise BrokerChildError(str(error)) from None
        finally:
            if not ready:
                await child.stop()
        if ready:
            self._listeners = listeners
        elif "Address already in use" not in self._last_words():
            raise BrokerChildError(f"Mosquitto did not start: {self._last_words()}")
        return ready

    async def _ready(self, child: Child, listeners: Listeners) -> bool:
        """Wait until it accepts connections on every port; False if it ends instead."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                for port in {listeners.port, listeners.own_port, listeners.guarded_port} - {0}:
                    # Asked again and again: nobody tells when another program opens its port.
                    while child.pid and not await _accepts(port):  # noqa: ASYNC110
                        await asyncio.sleep(_PROBE_S)
                return child.pid is not None
        except TimeoutError:
            raise BrokerChildError(
                f"Mosquitto accepts nobody within {READY_TIMEOUT_S:g} s: {self._last_words()}"
            ) from None

    def _last_words(self) -> str:
        lines = self._child.last_lines if self._child is not None else ()
        return "; ".join(lines) or "it said nothing"

    def _write(self, listeners: Listeners) -> Path:
        """Write its files, for our eyes only."""
        path = self._state_dir / "mosquitto.conf"
        passwords = self._state_dir / "mosquitto.passwords"
        try:
            self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._settings.username:
                line = password_line(
                    self._settings.username, self._settings.password, secrets.token_bytes(12)
                )
                write_private(passwords, line)
            text = configuration(self._settings, listeners, passwords, machine(), self._guard)
            write_private(path, text)
        except OSError as error:
            raise BrokerChildError(
                f"the broker's settings cannot be written: {error}; "
                "choose another directory with [hub] state_dir"
            ) from None
        return path


def find_binary() -> str:
    """Return Mosquitto's path.

    Raises:
        BrokerChildError: it is not installed.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), SEARCH))
    binary = shutil.which("mosquitto", path=path)
    if binary is None:
        raise BrokerChildError(
            "Mosquitto is not installed; run `apt install mosquitto`, or name a broker that you "
            "have: [broker] address (or --broker HOST:PORT)"
        )
    return binary


def choose_listeners(settings: MosquittoSettings, *, guarded: bool = False) -> Listeners:
    """Return ports that nobody listens on now.

    Raises:
        BrokerChildError: the configured port is taken.
    """
    host = "0.0.0.0" if settings.lan else LOOPBACK  # noqa: S104 - the owner asked for the network
    usual = DEFAULT_TLS_PORT if settings.tls else DEFAULT_PORT
    if settings.port and not _can_bind(host, settings.port):
        raise BrokerChildError(
            f"port {settings.port} is taken: is another broker running? Use it with [broker] "
            f'address = "localhost:{settings.port}", or choose another [mosquitto] port'
        )
    free = usual if _can_bind(host, usual) else _free_port(host)
    port = settings.port or free
    return Listeners(
        port,
        _plain_port(port) if settings.tls else port,
        _free_port(LOOPBACK) if guarded else 0,
    )


def _plain_port(network: int) -> int:
    """Return the usual port, where the programs of this machine look first, or a free one."""
    usual = network != DEFAULT_PORT and _can_bind(LOOPBACK, DEFAULT_PORT)
    return DEFAULT_PORT if usual else _free_port(LOOPBACK)


def machine() -> Machine:
    """Return what this machine is like."""
    return Machine(_can_bind("::", 0, socket.AF_INET6), os.geteuid() == 0)


def _can_bind(host: str, port: int, family: socket.AddressFamily = socket.AF_INET) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
