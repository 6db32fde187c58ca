"""The hub's gate, put together: people, devices, certificates, pairing, and the broker's files."""

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import ifaddr

from antiphon_hub.errors import IdentityError, StorageError
from antiphon_hub.identity.accounts import Accounts
from antiphon_hub.identity.devices import Devices
from antiphon_hub.identity.gatekeeper import (
    ACL,
    BROWSERS,
    CERTIFICATE,
    KEY,
    PASSWORDS,
    Gatekeeper,
)
from antiphon_hub.identity.pairing import House, Pairing
from antiphon_hub.mosquitto_conf import Guard
from antiphon_hub.settings import Settings

FOLDER: Final = "identity"
ACCOUNTS: Final = "accounts.sqlite"
DEVICES: Final = "devices.sqlite"


def folder_of(state_dir: Path) -> Path:
    """Return the folder for all that tells who may do what; a backup must have it."""
    return state_dir / FOLDER


class Gate:
    """Who may come in. After `open()` it has `accounts` and `pairing`."""

    def __init__(self, settings: Settings, state_dir: Path) -> None:
        """Say where the files will be; nothing is opened yet."""
        self._settings = settings
        self._folder = folder_of(state_dir)
        self._closing = contextlib.ExitStack()
        self.guard = Guard(
            passwords=self._folder / PASSWORDS,
            browsers=self._folder / BROWSERS,
            acl=self._folder / ACL,
            certificate=self._folder / CERTIFICATE,
            key=self._folder / KEY,
        )
        self.fingerprint = ""
        """SHA-256 of the hub's authority; empty where devices are not paired."""
        self.accounts: Accounts
        self.pairing: Pairing

    def open(self, changed: Callable[[], None] | None) -> None:
        """Open everything, and make what is missing.

        Args:
            changed: Called when the broker must read its files again; from any thread. None: we are
                not the hub, which will notice what we do.

        Raises:
            StorageError: a file cannot be opened or made.
            IdentityError: the certificates are damaged.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self._folder}: {error.strerror}") from None
        self.accounts = Accounts(self._folder / ACCOUNTS, clock=time.time)
        self._closing.callback(self.accounts.close)
        devices = Devices(self._folder / DEVICES, clock=time.time)
        self._closing.callback(devices.close)
        tell_broker = Gatekeeper(self._folder, devices, changed).update if changed else _nobody
        self.pairing = Pairing(
            devices,
            self._house(),
            tell_broker=tell_broker,
            clock=time.time,
            audit=self.accounts.audit,
        )
        self.pairing.refresh()

    def close(self) -> None:
        """Close everything."""
        self._closing.close()

    def _house(self) -> House:
        return House(
            hub=self._settings.hub_id(), site=self._settings.hub.site, authority=self._authority()
        )

    def _authority(self) -> str:
        """Return what devices shall trust; makes the hub's own authority where it is needed."""
        broker = self._settings.broker
        if broker.address:  # somebody else's, with files of ours perhaps
            if not (broker.tls and broker.ca_file):
                return ""
            try:
                return Path(broker.ca_file).read_text(encoding="ascii")
            except (OSError, UnicodeDecodeError) as error:
                raise IdentityError(f"[broker] ca_file: {error}") from None
        if not self._settings.mosquitto.paired:
            return ""
        # It brings `cryptography`: 0.05 s of the start of each hub that pairs nobody.
        from antiphon_hub.identity.authority import Authority  # noqa: PLC0415

        hub = self._settings.hub_id()
        authority = Authority(self._folder, hub, _names(hub))
        self.fingerprint = authority.fingerprint
        return authority.pem


def _nobody(_: bool) -> None:
    """Tell nobody."""


def _names(hub: str) -> list[str]:
    """Return the names and addresses of this machine, for programs that compare them."""
    host = socket.gethostname().partition(".")[0]
    addresses = [
        entry.ip if isinstance(entry.ip, str) else entry.ip[0]
        for adapter in ifaddr.get_adapters()
        for entry in adapter.ips
    ]
    return [f"antiphon-{hub}.local", host, f"{host}.local", "localhost", *sorted(addresses)]
