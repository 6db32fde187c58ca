"""Mosquitto's settings, checked, and its configuration file (pure but for reading the password)."""

import base64
import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from antiphon_hub.errors import BrokerChildError
from antiphon_protocol.limits import CONTEXT_BYTES_MAX, MESSAGE_BYTES_MAX

log = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"
PASSWORD_ROUNDS: Final = 101
"""As mosquitto_passwd(1) has it; devices' passwords are random and need no more."""

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
    """Listen on all interfaces, so that satellites on other machines can join: with TLS, and only
    those that were paired, unless `anonymous` or `username` says otherwise."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """TCP port; 0: 1883 (8883 with TLS), or a free one if that is taken."""
    anonymous: bool = False
    """With `lan`: let everybody in the network hear and command the house without a password."""
    username: str = ""
    """One account that every program of the house uses, instead of pairing; empty: none."""
    password: str = ""
    password_file: str = ""
    """Read the password from this file instead, so that it is in no settings file."""
    cert_file: str = ""
    """The broker's certificate, PEM; with `key_file` the listener speaks TLS."""
    key_file: str = ""
    ca_file: str = ""
    """Accept only clients with a certificate of this authority, PEM; empty: any client."""

    @property
    def paired(self) -> bool:
        """Only paired devices may join from the network."""
        return self.lan and not self.username and not self.anonymous

    @property
    def tls(self) -> bool:
        """The listener speaks TLS."""
        return bool(self.cert_file) or self.paired


class Listeners(msgspec.Struct, frozen=True):
    """Where the broker listens."""

    port: int
    """For everybody."""
    own_port: int
    """Plain, on the loopback interface; the same as `port` without TLS."""
    guarded_port: int = 0
    """Plain, on the loopback interface, for browsers alone, which the console lets through to it
    while their people are signed in; 0: there is none."""


class Guard(msgspec.Struct, frozen=True):
    """The files by which the broker knows the devices of the house, and they know it."""

    passwords: Path
    """Of who comes from the network."""
    browsers: Path
    """Passwords of who comes through the console."""
    acl: Path
    certificate: Path
    """With the authority's behind it; PEM."""
    key: Path


class Machine(msgspec.Struct, frozen=True):
    """What the configuration depends on besides the settings."""

    ipv6: bool
    """There is IPv6; a listener without an address would fail where there is none."""
    root: bool
    """We are root: Mosquitto would become the user `mosquitto`, who may not read our files."""


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
    if settings.lan and settings.anonymous and not settings.username:
        log.warning("the broker is open: everybody in the network can hear and command the house")
    elif settings.lan and not settings.tls:
        log.warning(
            "the broker has no TLS: the password and what is said travel through the network in "
            "the clear; without [mosquitto] username, devices are paired and all is encrypted"
        )
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
    if settings.paired and (settings.cert_file or settings.ca_file):
        return (
            "cert_file and ca_file: paired devices trust the hub's own certificate; leave these "
            "out, or set username and password, or anonymous = true"
        )
    return ""


def configuration(
    settings: MosquittoSettings,
    listeners: Listeners,
    passwords: Path,
    machine: Machine,
    guard: Guard | None = None,
) -> str:
    """Return mosquitto.conf(5) (pure).

    Args:
        settings: Checked settings.
        listeners: The ports.
        passwords: The password file of the one account; named only when there is one.
        machine: What the machine is like.
        guard: Of the paired devices; needed where only they may join.

    Raises:
        BrokerChildError: only paired devices may join, and there is no guard.
    """
    everywhere = "" if machine.ipv6 else " 0.0.0.0"
    one_account = [f"allow_anonymous {'false' if settings.username else 'true'}"]
    if settings.username:
        one_account += [f"password_file {passwords}"]
    lines = [
        "# Written by the hub at each start.",
        "persistence false",  # what must survive is retained by its owners, who say it again
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "connection_messages false",
        "sys_interval 0",
        "set_tcp_nodelay true",  # else each QoS 1 exchange takes 42 ms
        "per_listener_settings true",
        *(["user root"] if machine.root else []),
        *(f"{name} {value}" for name, value in LIMITS.items() if name != "max_connections"),
        f"listener {listeners.port}{everywhere if settings.lan else f' {LOOPBACK}'}",
        f"max_connections {LIMITS['max_connections']}",
        *(_paired(guard, tls=True) if settings.paired else one_account),
    ]
    if settings.cert_file:
        lines += [f"certfile {settings.cert_file}", f"keyfile {settings.key_file}"]
        if settings.ca_file:
            lines += [f"cafile {settings.ca_file}", "require_certificate true"]
    if listeners.own_port != listeners.port:
        lines += [f"listener {listeners.own_port} {LOOPBACK}", *one_account]
    if listeners.guarded_port:
        lines += [f"listener {listeners.guarded_port} {LOOPBACK}", *_paired(guard, tls=False)]
    return "\n".join(lines) + "\n"


def _paired(guard: Guard | None, *, tls: bool) -> list[str]:
    if guard is None:
        raise BrokerChildError("[mosquitto] lan: there is nobody who keeps the paired devices")
    lines = [
        "allow_anonymous false",
        f"password_file {guard.passwords if tls else guard.browsers}",
        f"acl_file {guard.acl}",
    ]
    if tls:
        lines += [f"certfile {guard.certificate}", f"keyfile {guard.key}", "tls_version tlsv1.2"]
    return lines


def password_line(username: str, password: str, salt: bytes) -> str:
    """Return an account as mosquitto_passwd(1) would write it: PBKDF2 with SHA-512."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ROUNDS)
    salt_text, digest_text = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"{username}:$7${PASSWORD_ROUNDS}${salt_text}${digest_text}\n"
