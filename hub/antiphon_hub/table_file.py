"""A small table in one JSON file: read at the start, replaced as a whole. Blocking for a moment."""

from pathlib import Path
from typing import TypeVar

import msgspec

from antiphon_hub.errors import StorageError

V = TypeVar("V")


def read_table(path: Path, kind: type[dict[str, V]]) -> dict[str, V]:
    """Return the table in the file; an empty one where there is no file yet.

    Raises:
        StorageError: the file cannot be read, or is not ours.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise StorageError(f"{path}: {error}; move it away to start without") from None


def write_table(path: Path, table: dict[str, V]) -> None:
    """Keep the table in the file, wholly or not at all.

    Raises:
        StorageError: it cannot be kept.
    """
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.write_bytes(msgspec.json.format(msgspec.json.encode(table)))
        new.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; is the disk full?") from None
