"""The devices of the house and their accounts at the broker."""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.rights import Account, require_outside
from antiphon_hub.identity.store import Row, Store
from antiphon_hub.identity.window import PairingWindow
from antiphon_hub.mosquitto_conf import password_line
from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import require_slug
from antiphon_protocol.topic import EVERY_SATELLITE, Role

DEVICES_MAX: Final = 500
"""Not more than the broker takes connections."""
_MIGRATIONS: Final = (
    """
    CREATE TABLE device (
        username TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        name TEXT NOT NULL,
        room TEXT NOT NULL,
        host TEXT NOT NULL,
        serial TEXT NOT NULL,
        outside TEXT NOT NULL,
        password TEXT NOT NULL,
        made_s REAL NOT NULL
    );
    CREATE TABLE pairing (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        code TEXT NOT NULL,
        until_s REAL NOT NULL,
        tries INTEGER NOT NULL,
        outcome TEXT NOT NULL
    )
    """,
    "ALTER TABLE device ADD COLUMN browser INTEGER NOT NULL DEFAULT 0",
)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device, or a program, that has an account at the broker."""

    account: Account
    room: str = ""
    """Where it said it stands when it was paired."""
    host: str = ""
    serial: str = ""
    """Which device it is: it alone may pair again under this id; empty: no device, a program."""
    browser: bool = False
    """A page of the console: it comes in through there alone, while its person is signed in."""
    made_s: float = 0.0
    """Seconds since 1970."""

    @property
    def id(self) -> str:
        """Its username."""
        return self.account.username


class Credentials(msgspec.Struct, frozen=True):
    """An account's name and password; the password is not kept and cannot be shown again."""

    username: str
    password: str


class Devices:
    """Keeps devices and the pairing window; several programs may have the file open."""

    def __init__(self, path: Path, *, clock: Callable[[], float]) -> None:
        """Open the file.

        Args:
            path: SQLite file, made if it is missing.
            clock: Gives seconds since 1970.

        Raises:
            StorageError: it cannot be opened.
        """
        self._store = Store(path, _MIGRATIONS)
        self._clock = clock

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def all(self) -> list[Device]:
        """Return the devices, by name."""
        return [_device(row) for row in self._store.rows(f"{_SELECT} ORDER BY username")]

    def find(self, username: str) -> Device | None:
        """Return the device of this account."""
        row = self._store.row(f"{_SELECT} WHERE username = ?", (username,))
        return _device(row) if row else None

    def admit(self, device: Device) -> Credentials:
        """Make an account with a new password; the same device's old one ends.

        Raises:
            IdentityError: another device has the id, a filter will not do, or there are too many.
        """
        account = device.account
        if account.role is Role.SATELLITE and account.id == EVERY_SATELLITE:
            raise IdentityError(f"no satellite may be called {EVERY_SATELLITE!r}: that is all")
        try:
            require_slug(account.id, "id")
            for one in account.outside:
                require_outside(one)
        except TopicError as error:
            raise IdentityError(str(error)) from None
        password = secrets.token_urlsafe(24)
        hashed = password_line(account.username, password, secrets.token_bytes(12))
        with self._store.transaction() as connection:
            known = connection.execute(
                "SELECT serial, browser, room, host FROM device WHERE username = ?",
                (account.username,),
            ).fetchone()
            if known is not None and known[:2] != (device.serial, device.browser):
                raise IdentityError(_taken(account, room=known[2], host=known[3]))
            (kept,) = connection.execute("SELECT COUNT(*) FROM device").fetchone()
            if known is None and kept >= DEVICES_MAX:
                raise IdentityError(f"no more than {DEVICES_MAX} devices; revoke one first")
            values = (
                *(account.username, account.role, account.id, device.room, device.host),
                *(device.serial, "\n".join(account.outside), hashed, self._clock()),
                device.browser,
            )
            connection.execute(
                "INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values
            )
        return Credentials(account.username, password)

    def revoke(self, username: str) -> bool:
        """End an account; tells whether there was one."""
        return bool(self._store.write("DELETE FROM device WHERE username = ?", (username,)))

    def password_lines(self, *, browsers: bool) -> str:
        """Return the accounts as mosquitto_passwd(1) has them: the browsers', or all others."""
        rows = self._store.rows(
            "SELECT password FROM device WHERE browser = ? ORDER BY username", (browsers,)
        )
        return "".join(row[0] for row in rows)

    def changed_elsewhere(self) -> int:
        """Return a number that is another one once another program has changed the file."""
        row = self._store.row("PRAGMA data_version")
        return int(row[0]) if row else 0

    def window(self) -> PairingWindow | None:
        """Return the last pairing window; None: there never was one."""
        row = self._store.row("SELECT code, until_s, tries, outcome FROM pairing")
        return PairingWindow(*row) if row else None

    def set_window(self, window: PairingWindow) -> None:
        """Keep a pairing window, in place of the last one."""
        self._store.write(
            "INSERT OR REPLACE INTO pairing VALUES (1, ?, ?, ?, ?)", msgspec.structs.astuple(window)
        )


_SELECT: Final = "SELECT role, name, room, host, serial, outside, made_s, browser FROM device"


def _device(row: Row) -> Device:
    role, name, room, host, serial, outside, made_s, browser = row
    account = Account(role=Role(role), id=name, outside=_lines(outside))
    return Device(
        account=account, room=room, host=host, serial=serial, made_s=made_s, browser=bool(browser)
    )


def _lines(text: str) -> tuple[str, ...]:
    lines: Sequence[str] = text.splitlines()
    return tuple(lines)


def _taken(account: Account, *, room: str, host: str) -> str:
    where = ", ".join([*([f"room {room}"] if room else []), *([f"host {host}"] if host else [])])
    return (
        f"another {account.role} is called {account.id}{f' ({where})' if where else ''}: give this "
        f"one another id (--id NAME), or revoke the other first"
    )
