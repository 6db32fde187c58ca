"""The file in which alarms outlive the program: small, and replaced as a whole."""

import contextlib
import os
from pathlib import Path

import msgspec

from antiphon_satellite.alarms.book import Kept


class Shelf:
    """Keeps alarms in one file; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None, satellite: str) -> None:
        self._file = folder / f"alarms-{satellite}.json" if folder else None

    def read(self) -> list[Kept]:
        """Return what was kept; nothing where the file is absent or damaged."""
        if self._file is None:
            return []
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=list[Kept])
        except (OSError, msgspec.DecodeError):
            return []  # the hub sets them anew as soon as it is there

    def write(self, kept: list[Kept]) -> None:
        """Keep these.

        Raises:
            OSError: the file cannot be written.
        """
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        try:
            with fresh.open("wb") as out:
                out.write(msgspec.json.encode(kept))
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise
