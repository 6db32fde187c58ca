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
ACL: Final = "devices.acl"


class Gatekeeper:
    """Keeps two files as the table of devices has them, and the broker informed."""

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
        self._written: tuple[str, str] | None = None
        # One salt for the program's life, or each look would find another file.
        self._pairing = password_line(PAIRING, PAIRING, secrets.token_bytes(12))

    @property
    def passwords(self) -> Path:
        """The password file."""
        return self._folder / PASSWORDS

    @property
    def acl(self) -> Path:
        """The file of rights."""
        return self._folder / ACL

    def update(self, pairing: bool) -> None:
        """Write the files if they must change, with the account for pairing or without.

        Raises:
            IdentityError: they cannot be written.
            StorageError: the devices cannot be read.
        """
        with self._lock:
            accounts = [device.account for device in self._devices.all()]
            wanted = (
                self._devices.password_lines() + (self._pairing if pairing else ""),
                acl([*accounts, PAIRING_ACCOUNT]),
            )
            if wanted == self._written:
                return
            try:
                # Rights before passwords: nobody is ever let in without them.
                write_private(self.acl, wanted[1])
                write_private(self.passwords, wanted[0])
            except OSError as error:
                raise IdentityError(f"the broker's files cannot be written: {error}") from None
            first, self._written = self._written is None, wanted
        if not first:
            self._changed()
