"""Timers and lists in SQLite: written before they count, so that they survive any stop."""

import sqlite3
from typing import Final

import msgspec

from antiphon_hub.storage import Database
from antiphon_hub.timers.model import Entry

MIGRATIONS: Final = (
    """
    CREATE TABLE timers (id TEXT PRIMARY KEY, entry TEXT NOT NULL);
    CREATE TABLE items (
        list TEXT NOT NULL,
        item TEXT NOT NULL,
        PRIMARY KEY (list, item)
    )
    """,
)
LIST_ITEMS_KEPT: Final = 200
"""Items of one list; policy: reject. All of it fits into one answer."""
LISTS_MAX: Final = 50
"""Lists with anything on them; policy: reject."""


class Store:
    """What is set, and what stands on lists.

    Every method raises StorageError when the database refuses (full disk, damaged file).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Entry]:
        """Return all that is set."""

        def read(connection: sqlite3.Connection) -> list[tuple[str]]:
            return connection.execute("SELECT entry FROM timers ORDER BY id").fetchall()

        return [msgspec.json.decode(row[0], type=Entry) for row in await self._database.run(read)]

    async def put(self, *entries: Entry) -> None:
        """Keep these as they are now, all or none."""
        rows = [(one.id, msgspec.json.encode(one).decode()) for one in entries]
        statement = "INSERT OR REPLACE INTO timers (id, entry) VALUES (?, ?)"
        await self._database.run(lambda connection: connection.executemany(statement, rows))

    async def drop(self, entry_id: str) -> None:
        """Forget it."""
        statement = "DELETE FROM timers WHERE id = ?"
        await self._database.run(lambda connection: connection.execute(statement, (entry_id,)))

    async def items(self, name: str) -> tuple[str, ...]:
        """Return what is on a list, in the order in which it was put there."""
        return await self._database.run(lambda connection: _items(connection, name))

    async def add(self, name: str, item: str) -> bool:
        """Put something on a list; False if the list is full, or there are too many lists."""

        def insert(connection: sqlite3.Connection) -> bool:
            held = _items(connection, name)
            lists = connection.execute("SELECT count(DISTINCT list) FROM items").fetchone()[0]
            if len(held) >= LIST_ITEMS_KEPT or (not held and lists >= LISTS_MAX):
                return False
            row = (name, item)
            connection.execute("INSERT OR IGNORE INTO items (list, item) VALUES (?, ?)", row)
            return True

        return await self._database.run(insert)

    async def remove(self, name: str, items: tuple[str, ...]) -> None:
        """Take these off a list."""
        rows = [(name, item) for item in items]
        statement = "DELETE FROM items WHERE list = ? AND item = ?"
        await self._database.run(lambda connection: connection.executemany(statement, rows))


def _items(connection: sqlite3.Connection, name: str) -> tuple[str, ...]:
    rows = connection.execute("SELECT item FROM items WHERE list = ? ORDER BY rowid", (name,))
    return tuple(item for (item,) in rows)
