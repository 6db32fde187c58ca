"""Reading the journal beside a hub that runs, or after one that was stopped: never writes."""

import re
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from antiphon_hub.errors import StorageError
from antiphon_hub.turns.journal import FILE, MIGRATIONS

NEWEST: Final = "last"
"""Names the newest turn."""
_FIELDS: Final = (
    "turn, started_us, room, satellite, cause, state, intent, slots, outcome, code,"
    " transcript, reply, timings, marks, trace"
)
_ID_PART: Final = re.compile(r"[a-z0-9_-]+")


class StoredTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A turn as the journal has it; what was spoken is empty unless the owner keeps it."""

    turn: str
    started_us: int
    """Microseconds since 1970."""
    room: str
    satellite: str
    cause: str
    state: str
    """`acting` while it runs and has begun to act, else `ended`."""
    intent: str
    slots: dict[str, Any]
    outcome: str
    code: str
    transcript: str
    reply: str
    timings: dict[str, float]
    """Milliseconds per stage."""
    marks: dict[str, float]
    """Milliseconds from the begin to each mark."""
    trace: dict[str, Any]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which turns to find; an empty text fits all."""

    text: str = ""
    """Stands in the transcript, the reply, the intent, the slots, or in what was meant."""
    room: str = ""
    outcome: str = ""
    """An outcome or its code."""
    wrong: bool = False
    """Only those that somebody marked as wrong."""
    before_us: int = 0
    """Only those that began before, microseconds since 1970; 0: any."""
    limit: int = 25


class WrongMark(msgspec.Struct, frozen=True):
    """Somebody says that a turn went wrong."""

    meant: str
    """What was said or meant in truth; may be empty."""
    who: str
    at_us: int
    """Microseconds since 1970."""


class History:
    """The turns of one state directory."""

    def __init__(self, state_dir: Path) -> None:
        """Open the journal.

        Raises:
            StorageError: there is none, or one of another version; the message says what to do.
        """
        self._path = state_dir / FILE
        if not self._path.exists():
            raise StorageError(
                f"{state_dir}: no journal is here; name the hub's state directory "
                "with --state-dir, or its settings file with --config"
            )
        self._connection = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def turns(
        self, *, room: str = "", outcome: str = "", since_us: int = 0, limit: int = 20
    ) -> list[StoredTurn]:
        """Return the newest turns that fit, the newest first; an empty text fits all.

        Raises:
            StorageError: the journal cannot be read.
        """
        return self._select(
            "WHERE started_us >= ? AND (? IN ('', room)) AND (? IN ('', outcome, code))"
            " ORDER BY started_us DESC, rowid DESC LIMIT ?",
            (since_us, room, outcome, limit),
        )

    def find(self, wanted: Wanted) -> list[StoredTurn]:
        """Return the newest turns that fit, the newest first.

        Raises:
            StorageError: the journal cannot be read.
        """
        like = "%" + re.sub(r"([%_\\])", r"\\\1", wanted.text.strip()) + "%"
        return self._select(
            "WHERE (? = 0 OR started_us < ?) AND (? IN ('', room))"
            " AND (? IN ('', outcome, code))"
            " AND (? = 0 OR turn IN (SELECT turn FROM wrong))"
            " AND (transcript LIKE ? ESCAPE '\\' OR reply LIKE ? ESCAPE '\\'"
            " OR intent LIKE ? ESCAPE '\\' OR slots LIKE ? ESCAPE '\\'"
            " OR turn IN (SELECT turn FROM wrong WHERE meant LIKE ? ESCAPE '\\'))"
            " ORDER BY started_us DESC, rowid DESC LIMIT ?",
            (
                *(wanted.before_us, wanted.before_us, wanted.room, wanted.outcome),
                *(int(wanted.wrong), like, like, like, like, like, wanted.limit),
            ),
        )

    def exactly(self, turn: str) -> StoredTurn | None:
        """Return the turn of just that id.

        Raises:
            StorageError: the journal cannot be read.
        """
        found = self._select("WHERE turn = ?", (turn,))
        return found[0] if found else None

    def rooms(self) -> list[str]:
        """Return the rooms that turns are known of.

        Raises:
            StorageError: the journal cannot be read.
        """
        return [room for (room,) in self._rows("SELECT DISTINCT room FROM turns ORDER BY room", ())]

    def wrong(self, turn: str) -> WrongMark | None:
        """Return the mark that a turn went wrong; None: it has none.

        Raises:
            StorageError: the journal cannot be read.
        """
        rows = self._rows("SELECT meant, who, at_us FROM wrong WHERE turn = ?", (turn,))
        return WrongMark(*rows[0]) if rows else None

    def turn(self, name: str) -> StoredTurn:
        """Return the turn of that id, or of the only id that begins so; `last` is the newest.

        Raises:
            StorageError: there is none, or several; or the journal cannot be read.
        """
        if name == NEWEST:
            found = self.turns(limit=1)
        elif _ID_PART.fullmatch(name):
            begin = name if name.startswith("turn-") else f"turn-{name}"
            found = self._select("WHERE substr(turn, 1, ?) = ? LIMIT 2", (len(begin), begin))
        else:
            found = []
        if not found:
            raise StorageError(f"no turn {name!r} in {self._path}; see: antiphon turns list")
        if len(found) > 1:
            raise StorageError(f"several turns begin with {name!r}; give more of the id")
        return found[0]

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: {error}; may this account read it?") from None
        if version != len(MIGRATIONS):
            connection.close()
            raise StorageError(
                f"{self._path} is of version {version}, this program knows {len(MIGRATIONS)}: "
                "let the hub of this version start once, or update this program"
            )
        return connection

    def _select(self, condition: str, values: tuple[object, ...]) -> list[StoredTurn]:
        query = f"SELECT {_FIELDS} FROM turns {condition}"  # noqa: S608 - both are ours; values are bound
        return [_stored(row) for row in self._rows(query, values)]

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: {error}") from None


def _stored(row: tuple[Any, ...]) -> StoredTurn:
    names = StoredTurn.__struct_fields__
    tree = dict(zip(names, row, strict=True))
    for name in ("slots", "timings", "marks", "trace"):
        tree[name] = msgspec.json.decode(tree[name])
    return msgspec.convert(tree, StoredTurn)
