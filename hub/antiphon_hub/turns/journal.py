"""The journal: a turn is written down before anything is done, and nothing is done twice."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from antiphon_hub.errors import StorageError
from antiphon_hub.storage import Database
from antiphon_hub.turns.ports import Recordings
from antiphon_hub.turns.record import TurnRecord, without_speech, without_words
from antiphon_protocol.messages.event import TurnOutcome

FILE: Final = "turns.sqlite"
"""Its name in the state directory."""
MIGRATIONS: Final = (
    """
    CREATE TABLE turns (
        turn TEXT PRIMARY KEY,
        started_us INTEGER NOT NULL,
        room TEXT NOT NULL,
        satellite TEXT NOT NULL,
        cause TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('acting', 'ended')),
        intent TEXT NOT NULL DEFAULT '',
        slots TEXT NOT NULL DEFAULT '{}',
        outcome TEXT NOT NULL DEFAULT '',
        code TEXT NOT NULL DEFAULT '',
        transcript TEXT NOT NULL DEFAULT '',
        reply TEXT NOT NULL DEFAULT '',
        timings TEXT NOT NULL DEFAULT '{}',
        trace TEXT NOT NULL DEFAULT '{}'
    );
    CREATE INDEX turns_started ON turns (started_us)
    """,
    "ALTER TABLE turns ADD COLUMN marks TEXT NOT NULL DEFAULT '{}'",
    """
    CREATE TABLE acts (
        turn TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (turn, number)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE hearing (satellite TEXT PRIMARY KEY, learned TEXT NOT NULL)",
    """
    CREATE TABLE wrong (
        turn TEXT PRIMARY KEY,
        meant TEXT NOT NULL,
        who TEXT NOT NULL,
        at_us INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
)
_DAY_US: Final = 86_400_000_000


class Journal:
    """Turns in SQLite. What was spoken is kept only when the owner asked for that."""

    def __init__(
        self,
        database: Database,
        *,
        keep_days: int,
        keep_text: bool,
        recordings: Recordings | None = None,
        may_act: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Prepare; the database is opened by its owner.

        Args:
            database: Where turns are written.
            keep_days: How long they are kept.
            keep_text: Keep speech as text, too.
            recordings: The audio that is kept beside.
            may_act: Asked before each act whether this hub is still the one that acts.
        """
        self._database = database
        self._may_act = may_act
        self._keep_days = keep_days
        self._keep_text = keep_text
        self._recordings = recordings

    async def act_once(self, record: TurnRecord, number: int = 0) -> bool:
        """Write down that this turn is about to act; False if it was written before.

        Args:
            record: The turn.
            number: Which of its acts, from 0: a sentence may hold two commands.

        Raises:
            StorageError: it cannot be written; then nothing may be done.
        """
        if self._may_act is not None and not await self._may_act():
            raise StorageError("another hub may have taken over; nothing was done here")
        row = (record.turn, record.started_us, record.room, record.satellite, record.cause)
        meaning = (record.intent, _json(self._slots(record)))

        def insert(connection: sqlite3.Connection) -> bool:
            connection.execute(
                "INSERT OR IGNORE INTO turns"
                " (turn, started_us, room, satellite, cause, state, intent, slots)"
                " VALUES (?, ?, ?, ?, ?, 'acting', ?, ?)",
                row + meaning,
            )
            act = (record.turn, number)
            cursor = connection.execute("INSERT OR IGNORE INTO acts VALUES (?, ?)", act)
            return cursor.rowcount == 1

        return await self._database.run(insert)

    async def ended(self, record: TurnRecord, now_us: int) -> None:
        """Write down how the turn ended, and forget what is older than the retention.

        Raises:
            StorageError: it cannot be written.
        """
        await self._database.run(self._ending(record))
        if self._recordings is not None:
            await self._recordings.keep(record.turn, record.satellite, record.streams())
        await self.forget(now_us)

    async def forget(self, now_us: int) -> None:
        """Drop turns that are older than the retention, and the audio of all that are gone.

        Raises:
            StorageError: it cannot be written.
        """
        oldest_us = now_us - self._keep_days * _DAY_US
        heard = await self._recordings.turns() if self._recordings is not None else ()

        def drop(connection: sqlite3.Connection) -> set[str]:
            connection.execute(
                "DELETE FROM acts WHERE turn IN (SELECT turn FROM turns WHERE started_us < ?)",
                (oldest_us,),
            )
            connection.execute("DELETE FROM turns WHERE started_us < ?", (oldest_us,))
            connection.execute("DELETE FROM wrong WHERE turn NOT IN (SELECT turn FROM turns)")
            rows = connection.execute(
                "SELECT turn FROM turns WHERE turn IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode(heard).decode(),),
            )
            return {turn for (turn,) in rows}

        known = await self._database.run(drop)
        if self._recordings is not None:
            # Not "all but the known": another turn may just have ended and put its audio there.
            await self._recordings.forget(set(heard) - known, now_us)

    async def mark_wrong(self, turn: str, meant: str, who: str, now_us: int) -> bool:
        """Note that a turn went wrong, for as long as it is kept; the last mark counts.

        Args:
            turn: Which.
            meant: What was said or meant in truth; may be empty.
            who: Who says so.
            now_us: When.

        Returns: whether there is such a turn.

        Raises:
            StorageError: it cannot be written.
        """

        def mark(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                "INSERT OR REPLACE INTO wrong SELECT turn, ?, ?, ? FROM turns WHERE turn = ?",
                (meant, who, now_us, turn),
            )
            return cursor.rowcount == 1

        return await self._database.run(mark)

    def _ending(self, record: TurnRecord) -> Callable[[sqlite3.Connection], None]:
        text = (record.transcript, record.reply) if self._keep_text else ("", "")
        trace = record.trace if self._keep_text else without_speech(record.trace)
        row = (
            record.turn,
            record.started_us,
            record.room,
            record.satellite,
            record.cause,
            record.intent,
            _json(self._slots(record)),
            record.outcome or "failed",
            record.code,
            *text,
            _json(record.timings()),
            _json(trace),
            _json(record.offsets()),
        )

        def replace(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO turns (turn, started_us, room, satellite, cause, state,"
                " intent, slots, outcome, code, transcript, reply, timings, trace, marks)"
                " VALUES (?, ?, ?, ?, ?, 'ended', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

        return replace

    def _slots(self, record: TurnRecord) -> dict[str, Any]:
        return record.slots if self._keep_text else without_words(record.slots)

    async def unfinished(self) -> list[tuple[str, str, str]]:
        """Return (turn, room, satellite) of turns that a stopped hub left, and end them.

        Raises:
            StorageError: the journal cannot be read.
        """

        def take(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
            rows = connection.execute(
                "SELECT turn, room, satellite FROM turns WHERE state != 'ended'"
            ).fetchall()
            connection.execute(
                "UPDATE turns SET state = 'ended', outcome = 'cancelled', code = 'hub-restarted'"
                " WHERE state != 'ended'"
            )
            return rows

        return await self._database.run(take)

    async def recent(self, count: int) -> list[tuple[str, TurnOutcome]]:
        """Return (turn, outcome) of the last turns that ended, oldest first.

        Raises:
            StorageError: the journal cannot be read.
        """
        return await self._database.run(
            lambda connection: connection.execute(
                "SELECT turn, outcome FROM turns WHERE state = 'ended' ORDER BY rowid DESC LIMIT ?",
                (count,),
            ).fetchall()[::-1]
        )

    async def alive(self) -> None:
        """Touch the database, as the watchdog's proof that turns can be written.

        Raises:
            StorageError: it does not answer.
        """
        await self._database.run(lambda connection: connection.execute("SELECT 1").fetchone())


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
