"""Where the broker is and how to prove who we are."""

import ipaddress
import ssl
from pathlib import Path

import msgspec

from antiphon_link.errors import SettingsError

DEFAULT_PORT = 1883
DEFAULT_TLS_PORT = 8883
PORT_MAX = 65535


class BrokerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A broker's address and our account there."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: bool = False
    ca_file: str = ""
    """Certificate authority to trust instead of the system's; PEM."""
    authority: str = ""
    """The PEM text of an authority that signs for this one hub: it alone is trusted, by whatever
    name the hub is reached."""
    unverified: bool = False
    """Encrypt without knowing to whom: for pairing, which proves by itself who the other is."""

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None for a plain connection.

        Raises:
            SettingsError: the CA file cannot be read.
        """
        if not self.tls:
            return None
        if self.unverified:
            anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            anybody.check_hostname = False
            anybody.verify_mode = ssl.CERT_NONE
            return anybody
        if self.authority:
            return self._house_context()
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(self.ca_file, [f"no readable CA certificate: {error}"]) from None

    def _house_context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self.authority)
        except ssl.SSLError as error:
            raise SettingsError("the house's certificate", [f"{error}; pair again"]) from None
        context.check_hostname = False  # the authority signs for nobody else
        return context

    def __str__(self) -> str:
        return f"{self.host}:{self.port}{' (TLS)' if self.tls else ''}"


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings section `[broker]`: which broker a program uses."""

    address: str = ""
    """`host` or `host:port`; empty: find the hub by zeroconf."""
    username: str = ""
    password: str = ""
    password_file: str = ""
    """Read the password from this file instead, so that it is in no settings file."""
    tls: bool = False
    ca_file: str = ""

    @property
    def on_this_machine(self) -> bool:
        """The configured broker is reached without a network, and without TLS."""
        if self.tls:
            return False
        host = parse_address(self.address, DEFAULT_PORT)[0] if self.address else ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def resolve(self) -> BrokerAddress | None:
        """Return the configured address, or None when it must be found by zeroconf.

        Raises:
            SettingsError: the port is no number, or the password file cannot be read.
        """
        if not self.address:
            return None
        host, port = parse_address(self.address, DEFAULT_TLS_PORT if self.tls else DEFAULT_PORT)
        return self.at(host, port, tls=self.tls)

    def at(self, host: str, port: int, *, tls: bool) -> BrokerAddress:
        """Return our account's address at a broker that was found.

        Raises:
            SettingsError: the password file cannot be read.
        """
        password = self.password
        if self.password_file:
            try:
                password = Path(self.password_file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError("[broker]", [f"password_file: {error}"]) from None
        return BrokerAddress(
            host=host,
            port=port,
            username=self.username,
            password=password,
            tls=tls,
            ca_file=self.ca_file,
        )


def parse_address(text: str, default_port: int) -> tuple[str, int]:
    """Split `host`, `host:port`, `[v6]` or `[v6]:port`.

    Raises:
        SettingsError: no host, or the port is no number from 1 to 65535.
    """
    host, port = text, ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _no_address(text, f"write [{host}]{':' if rest else ''}{rest}")
        port = rest[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if "/" in text:
        raise _no_address(text, "write host or host:port")
    if not host:
        raise _no_address(text, "it has no host; write host or host:port")
    if not port:
        return host, default_port
    if not (port.isascii() and port.isdigit()) or not 0 < int(port) <= PORT_MAX:
        raise _no_address(text, f"{port!r} is no port from 1 to {PORT_MAX}")
    return host, int(port)


def _no_address(text: str, remedy: str) -> SettingsError:
    return SettingsError("broker address", [f"{text!r}: {remedy}"])
