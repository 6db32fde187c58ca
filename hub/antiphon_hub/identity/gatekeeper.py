"""Writes the files by which the broker knows the devices: passwords and rights."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.devices import Devices
from antiphon_hub.identity.rights import PAIRING, PAIRING_ACCOUNT, acl
from antiphon_hub.mosquitto_conf import password_line
from antiphon_link.private_file import write_private

PASSWORDS: Final = "devices.passwords"
BROWSERS: Final = "browsers.passwords"
ACL: Final = "devices.acl"
CERTIFICATE: Final = "broker.pem"
KEY: Final = "broker.key"


class Gatekeeper:
    """Keeps three files as the table of devices has them, and the broker informed."""

    def __init__(self, folder: Path, devices: Devices, changed: Callable[[], None]) -> None:
        """Prepare.

        Args:
            folder: Where the files go; existing, and ours alone.
            devices: What they are made of.
            changed: Called when they are other ones than before; from any thread.
        """
        self._folder = folder
        self._devices = devices
        self._changed = changed
        self._lock = threading.Lock()
        self._written: tuple[str, ...] | None = None
        # One salt for the program's life, or each look would find another file.
        self._pairing = password_line(PAIRING, PAIRING, secrets.token_bytes(12))

    def update(self, pairing: bool) -> None:
        """Write the files if they must change, with the account for pairing or without.

        Raises:
            IdentityError: they cannot be written.
            StorageError: the devices cannot be read.
        """
        with self._lock:
            accounts = [device.account for device in self._devices.all()]
            network = self._devices.password_lines(browsers=False)
            wanted = (
                # Rights before passwords: nobody is ever let in without them.
                acl([*accounts, PAIRING_ACCOUNT]),
                network + (self._pairing if pairing else ""),
                self._devices.password_lines(browsers=True),
            )
            if wanted == self._written:
                return
            try:
                for name, text in zip((ACL, PASSWORDS, BROWSERS), wanted, strict=True):
                    write_private(self._folder / name, text)
            except OSError as error:
                raise IdentityError(f"the broker's files cannot be written: {error}") from None
            first, self._written = self._written is None, wanted
        if not first:
            self._changed()
