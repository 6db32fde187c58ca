"""Tables in SQLite: plain reads and writes, in any thread, one at a time."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from antiphon_hub.errors import StorageError
from antiphon_hub.storage import open_sqlite

Row = tuple[Any, ...]


class Store:
    """One SQLite file; each `transaction` has it for itself."""

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        """Open it.

        Raises:
            StorageError: it cannot be opened, or is of a newer version.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            self._connection = open_sqlite(path, migrations)
            self._connection.execute("PRAGMA foreign_keys = ON")
        except (sqlite3.Error, OSError) as error:
            raise self._refused(error) from None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Have the file for oneself; all that is written counts at its end, or nothing.

        Raises:
            StorageError: the database refuses (full disk, damaged file).
        """
        with self._lock:
            try:
                with self._connection:
                    yield self._connection
            except sqlite3.Error as error:
                raise self._refused(error) from None

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return what a query finds."""
        with self.transaction() as connection:
            return connection.execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first that a query finds."""
        found = self.rows(query, values)
        return found[0] if found else None

    def write(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Change something; returns how many rows changed."""
        with self.transaction() as connection:
            return connection.execute(statement, values).rowcount

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _refused(self, error: Exception) -> StorageError:
        return StorageError(f"{self._path}: {error}; is the disk full, or the file damaged?")
