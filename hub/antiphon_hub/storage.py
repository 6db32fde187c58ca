"""SQLite in a thread of its own: short transactions that never hold up the event loop."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from antiphon_hub.errors import StorageError

T = TypeVar("T")


class Database:
    """One SQLite file, opened with its migrations; all calls run in one thread, in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")
        self._connection: sqlite3.Connection | None = None

    async def open(self, migrations: Sequence[str]) -> None:
        """Open the file and bring it to the newest schema; migration n makes version n + 1.

        Raises:
            StorageError: it cannot be opened, is no database of ours, or is of a newer version.
        """
        await self._in_thread(lambda: self._open(migrations))

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in one transaction and return its result.

        Raises:
            StorageError: the database refuses (full disk, damaged file).
        """
        return await self._in_thread(lambda: self._transaction(work))

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            await self._in_thread(self._connection.close)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self._path}: {error}; is the disk full, or the file another program's?"
            ) from None

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            raise StorageError(f"{self._path} is not open")
        with self._connection:
            return work(self._connection)

    def _open(self, migrations: Sequence[str]) -> None:
        self._connection = open_sqlite(self._path, migrations)


def open_sqlite(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """Open the file, for us alone, and bring it to the newest schema.

    Raises:
        StorageError: a newer version of this program wrote it.
        sqlite3.Error: it is no database, or damaged.
        OSError: it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # what was said at home concerns no other account
    connection = sqlite3.connect(path, check_same_thread=False)
    # A crash of the hub loses nothing with WAL; only a power cut may lose the last transaction,
    # and a full fsync per turn costs tens of milliseconds on an SD card.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise StorageError(
            f"{path} is of version {version}, this program knows {len(migrations)}: "
            "a newer Antiphon wrote it; update this one"
        )
    for number, script in enumerate(migrations[version:], start=version + 1):
        connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")
    return connection
