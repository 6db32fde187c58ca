"""The file in which alarms outlive the program: small, and replaced as a whole."""

from pathlib import Path

import msgspec

from antiphon_satellite.alarms.book import Kept
from antiphon_satellite.kept_file import replace_file


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
        if self._file is not None:
            replace_file(self._file, msgspec.json.encode(kept))
