"""What people have changed in the rooms, over restarts."""

import sqlite3
from typing import Final

from antiphon_hub.playback.manners import RoomState
from antiphon_hub.storage import Database

MIGRATIONS: Final = (
    """
    CREATE TABLE room (
        name TEXT PRIMARY KEY,
        percent INTEGER,
        disturb_after_us INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)
ROOMS_MAX: Final = 1024
"""As many as there may be satellites."""


class Memory:
    """The rooms' states by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> dict[str, RoomState]:
        """Open it and return what is known.

        Raises:
            StorageError: the database cannot be read, or a newer version wrote it.
        """
        await self._database.open(MIGRATIONS)

        def read(connection: sqlite3.Connection) -> dict[str, RoomState]:
            rows = connection.execute(
                "SELECT name, percent, disturb_after_us FROM room LIMIT ?", (ROOMS_MAX,)
            )
            return {
                name: RoomState(percent=percent, disturb_after_us=after_us)
                for name, percent, after_us in rows
            }

        return await self._database.run(read)

    async def close(self) -> None:
        """Close it."""
        await self._database.close()

    async def save(self, states: dict[str, RoomState]) -> None:
        """Keep these rooms' states.

        Raises:
            StorageError: the database cannot be written.
        """
        rows = [(name, one.percent, one.disturb_after_us) for name, one in states.items()]
        await self._database.run(
            lambda connection: connection.executemany(
                "INSERT OR REPLACE INTO room VALUES (?, ?, ?)", rows
            )
        )
