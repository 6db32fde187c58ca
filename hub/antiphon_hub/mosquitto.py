"""The hub's own broker: a Mosquitto that it starts, supervises and ends when none is configured.

The listener is for this machine alone unless `lan` is set. With TLS there is a second, plain
listener on the loopback interface, so that the hub and its local workers need no certificate.
"""

import asyncio
import base64
import contextlib
import hashlib
import logging
import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from antiphon_hub.errors import BrokerChildError, ChildError
from antiphon_hub.supervise import Child
from antiphon_link.broker import DEFAULT_PORT, DEFAULT_TLS_PORT, BrokerAddress
from antiphon_protocol.limits import CONTEXT_BYTES_MAX, MESSAGE_BYTES_MAX

log = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"
SEARCH: Final = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin"
"""Debian puts the broker into /usr/sbin, which is in no ordinary user's PATH."""
READY_TIMEOUT_S: Final = 5.0
_PROBE_S: Final = 0.01
_START_TRIES: Final = 3
"""Somebody may take a free port between our look and the broker's own bind."""

LIMITS: Final[Mapping[str, int]] = {
    # A recognition context is the largest message; the rest is for topic and properties.
    "max_packet_size": CONTEXT_BYTES_MAX + MESSAGE_BYTES_MAX,
    # Per client and QoS 1: the link posts in parallel, and 20 (the default) would serialise it.
    "max_inflight_messages": 128,
    # A satellite sends a whole stream again at once: 60 s in frames of 32 ms are 1875 messages.
    "max_queued_messages": 4096,
    # What a client that does not read may cost, bytes: the same stream is 2 MB.
    "max_queued_bytes": 8 * 1024 * 1024,
    # A large home has dozens of programs; beyond this it is a fault or an attack.
    "max_connections": 512,
}


class MosquittoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings section `[mosquitto]`: the broker that the hub starts by itself."""

    lan: bool = False
    """Listen on all interfaces, so that satellites on other machines can join."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """TCP port; 0: 1883 (8883 with TLS), or a free one if that is taken."""
    anonymous: bool = False
    """With `lan`: let everybody in the network hear and command the house without a password."""
    username: str = ""
    """Account that every program of the house uses; empty: none."""
    password: str = ""
    password_file: str = ""
    """Read the password from this file instead, so that it is in no settings file."""
    cert_file: str = ""
    """The broker's certificate, PEM; with `key_file` the listener speaks TLS."""
    key_file: str = ""
    ca_file: str = ""
    """Accept only clients with a certificate of this authority, PEM; empty: any client."""

    @property
    def tls(self) -> bool:
        """The listener speaks TLS."""
        return bool(self.cert_file)


class Listeners(msgspec.Struct, frozen=True):
    """Where the broker listens."""

    port: int
    """For everybody."""
    own_port: int
    """Plain, on the loopback interface; the same as `port` without TLS."""


class Mosquitto:
    """A supervised Mosquitto. After `start()` it serves; `run()` keeps it up until cancelled."""

    def __init__(self, settings: MosquittoSettings, state_dir: Path) -> None:
        """Describe the broker.

        Args:
            settings: Who may connect, and where.
            state_dir: Existing or new directory for its configuration file.
        """
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
            listeners = choose_listeners(self._settings)
            if await self._try(binary, listeners):
                return self.address
        raise BrokerChildError(f"Mosquitto finds no free port: {self._last_words()}")

    async def run(self) -> None:
        """Keep the started broker running until cancelled, then end it."""
        if self._child is None:
            raise BrokerChildError("the hub's own broker was not started")
        await self._child.run()

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
                for port in {listeners.port, listeners.own_port}:
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
                _write_private(passwords, password_line(self._settings, secrets.token_bytes(12)))
            _write_private(path, configuration(self._settings, listeners, passwords, machine()))
        except OSError as error:
            raise BrokerChildError(
                f"the broker's settings cannot be written: {error}; "
                "choose another directory with [hub] state_dir"
            ) from None
        return path


def checked(settings: MosquittoSettings) -> MosquittoSettings:
    """Return the settings with the password read; refuse what cannot work or is an accident.

    Raises:
        BrokerChildError: the message says what to change.
    """
    if settings.password_file:
        try:
            password = Path(settings.password_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BrokerChildError(f"[mosquitto] password_file: {error}") from None
        settings = msgspec.structs.replace(settings, password=password, password_file="")
    mistake = _mistake(settings)
    if mistake:
        raise BrokerChildError(f"[mosquitto] {mistake}")
    if settings.lan and not settings.username:
        log.warning("the broker is open: everybody in the network can hear and command the house")
    return settings


def _mistake(settings: MosquittoSettings) -> str:
    for name in ("username", "password", "cert_file", "key_file", "ca_file"):
        if not getattr(settings, name).isprintable():
            return f"{name}: no line breaks or control characters"
    if ":" in settings.username:
        return "username: no colon, the password file ends it there"
    if bool(settings.username) != bool(settings.password):
        return "username and password: give both or neither"
    if bool(settings.cert_file) != bool(settings.key_file):
        return "cert_file and key_file: give both or neither"
    if settings.lan and not settings.username and not settings.anonymous:
        return (
            "lan: everybody in the network could hear and command the house; set username and "
            "password, or anonymous = true if that is what you want"
        )
    return ""


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


def choose_listeners(settings: MosquittoSettings) -> Listeners:
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
    return Listeners(port, _free_port(LOOPBACK) if settings.tls else port)


class Machine(msgspec.Struct, frozen=True):
    """What the configuration depends on besides the settings."""

    ipv6: bool
    """There is IPv6; a listener without an address would fail where there is none."""
    root: bool
    """We are root: Mosquitto would become the user `mosquitto`, who may not read our files."""


def machine() -> Machine:
    """Return what this machine is like."""
    return Machine(_can_bind("::", 0, socket.AF_INET6), os.geteuid() == 0)


def configuration(
    settings: MosquittoSettings, listeners: Listeners, passwords: Path, machine: Machine
) -> str:
    """Return mosquitto.conf(5) (pure).

    Args:
        settings: Checked settings.
        listeners: The ports.
        passwords: The password file; named only when there is an account.
        machine: What the machine is like.
    """
    everywhere = "" if machine.ipv6 else " 0.0.0.0"
    lines = [
        "# Written by the hub at each start.",
        "persistence false",  # what must survive is retained by its owners, who say it again
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "connection_messages false",
        "sys_interval 0",
        "set_tcp_nodelay true",  # else each QoS 1 exchange takes 42 ms
        *(["user root"] if machine.root else []),
        f"allow_anonymous {'false' if settings.username else 'true'}",
        *([f"password_file {passwords}"] if settings.username else []),
        *(f"{name} {value}" for name, value in LIMITS.items() if name != "max_connections"),
        f"listener {listeners.port}{everywhere if settings.lan else f' {LOOPBACK}'}",
        f"max_connections {LIMITS['max_connections']}",
    ]
    if settings.tls:
        lines += [f"certfile {settings.cert_file}", f"keyfile {settings.key_file}"]
        if settings.ca_file:
            lines += [f"cafile {settings.ca_file}", "require_certificate true"]
        lines += [f"listener {listeners.own_port} {LOOPBACK}"]
    return "\n".join(lines) + "\n"


def password_line(settings: MosquittoSettings, salt: bytes) -> str:
    """Return the account as mosquitto_passwd(1) would write it: PBKDF2-SHA512, its 101 rounds."""
    rounds = 101
    digest = hashlib.pbkdf2_hmac("sha512", settings.password.encode(), salt, rounds)
    salt_text, digest_text = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"{settings.username}:$7${rounds}${salt_text}${digest_text}\n"


def _write_private(path: Path, text: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # its permissions may be somebody else's idea
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


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
