"""Keeps what was learned of the satellites' hearing over restarts."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterable

import msgspec

from antiphon_hub.errors import StorageError
from antiphon_hub.storage import Database
from antiphon_hub.turns.arbitration.gains import Gains, Hearing

log = logging.getLogger(__name__)


class GainKeeper:
    """One row a satellite, in the hub's database (`journal.MIGRATIONS` makes the table)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed: set[str] = set()
        self._learned = asyncio.Event()
        self.gains = Gains()
        """What is known now."""

    def learned(self, satellites: Iterable[str]) -> None:
        """Something was learned of these: it is to be written down."""
        self._changed.update(satellites)
        self._learned.set()

    def rest(self, satellite: str, noise_dbfs: float, now_s: float) -> None:
        """Learn a satellite's noise floor between calls; `now_s` on any steady clock."""
        if self.gains.rest(satellite, noise_dbfs, now_s):
            self.learned((satellite,))

    async def run(self) -> None:
        """Remember what was known, then write down what is learned, until cancelled."""
        try:
            await self._remember()
        except StorageError as error:
            log.error("how satellites hear is learned anew: %s", error)  # noqa: TRY400 - the message says it all
        while True:
            await self._learned.wait()
            self._learned.clear()
            try:
                await self._write()
            except StorageError as error:
                log.error("how satellites hear is not kept: %s", error)  # noqa: TRY400 - the message says it all

    async def _remember(self) -> None:
        def select(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            return connection.execute("SELECT satellite, learned FROM hearing").fetchall()

        for satellite, learned in await self._database.run(select):
            self.gains.restore(satellite, msgspec.json.decode(learned, type=Hearing))

    async def _write(self) -> None:
        changed, self._changed = self._changed, set()
        rows = [(one, msgspec.json.encode(self.gains.known(one)).decode()) for one in changed]

        def replace(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT OR REPLACE INTO hearing (satellite, learned) VALUES (?, ?)", rows
            )

        await self._database.run(replace)
