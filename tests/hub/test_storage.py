"""The database: migrations, refusals, and errors that say what to do."""

import sqlite3
from pathlib import Path

import pytest

from antiphon_hub.errors import StorageError
from antiphon_hub.storage import Database


async def test_migrations_run_once_each_in_order(tmp_path: Path) -> None:
    first = ["CREATE TABLE a (x)"]
    second = [*first, "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)"]
    for migrations in (first, second, second):
        database = Database(tmp_path / "deep" / "file.sqlite")
        await database.open(migrations)
        await database.close()
    database = Database(tmp_path / "deep" / "file.sqlite")
    await database.open(second)
    rows = await database.run(lambda connection: connection.execute("SELECT * FROM a").fetchall())
    await database.close()
    assert rows == [(1, 2)]


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "file.sqlite")
    await database.open(["CREATE TABLE a (x)", "CREATE TABLE b (x)"])
    await database.close()
    older = Database(tmp_path / "file.sqlite")
    with pytest.raises(StorageError, match="newer Antiphon"):
        await older.open(["CREATE TABLE a (x)"])
    await older.close()


async def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file.sqlite").write_bytes(b"hello, this is no database" * 100)
    database = Database(tmp_path / "file.sqlite")
    with pytest.raises(StorageError, match=r"file\.sqlite"):
        await database.open([])
    await database.close()


async def test_a_failed_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    database = Database(tmp_path / "file.sqlite")
    await database.open(["CREATE TABLE a (x UNIQUE)"])

    def twice(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO a VALUES (1)")
        connection.execute("INSERT INTO a VALUES (1)")

    with pytest.raises(StorageError):
        await database.run(twice)
    count = await database.run(lambda c: c.execute("SELECT count(*) FROM a").fetchone())
    await database.close()
    assert count == (0,)
