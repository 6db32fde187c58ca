"""Files that people edit in the console: written whole or not at all, each change can be undone."""

import contextlib
import os
import time
from pathlib import Path
from typing import Final

from antiphon_hub.errors import ConsoleError
from antiphon_hub.yaml_file import FILE_BYTES_MAX

VERSIONS_MAX: Final = 20
"""Earlier versions of a file that are kept; the oldest goes first."""


class Texts:
    """Files, and their earlier versions in a folder of ours. Blocking; call it in a thread."""

    def __init__(self, before: Path) -> None:
        """`before` is the folder of earlier versions."""
        self._before = before

    def read(self, path: Path) -> str:
        """Return a file's text; empty if there is none yet.

        Raises:
            ConsoleError: it cannot be read.
        """
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConsoleError(409, f"{path} cannot be read: {error}") from None

    def write(self, path: Path, text: str) -> None:
        """Replace a file's text, and keep what it was.

        Raises:
            ConsoleError: it cannot be written, or is too large; then it is as it was.
        """
        if len(text.encode(errors="replace")) > FILE_BYTES_MAX:
            raise ConsoleError(413, f"larger than {FILE_BYTES_MAX} bytes")
        try:
            self._keep(path)
            self._replace(path, text)
        except OSError as error:
            raise _refused(path, error) from None

    def remove(self, path: Path) -> None:
        """Remove a file, and keep what it was.

        Raises:
            ConsoleError: it cannot be removed.
        """
        try:
            self._keep(path)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _refused(path, error) from None

    def previous(self, path: Path) -> str | None:
        """Return the version before this one; None: there is none."""
        versions = self._versions(path)
        return self.read(versions[-1]) if versions else None

    def undo(self, path: Path) -> None:
        """Bring the previous version back; that can be done as often as there are versions.

        Raises:
            ConsoleError: there is none, or it cannot be written.
        """
        versions = self._versions(path)
        if not versions:
            raise ConsoleError(409, "there is nothing to undo")
        text = self.read(versions[-1])
        try:
            self._replace(path, text)
            versions[-1].unlink()
        except OSError as error:
            raise _refused(path, error) from None

    # -- inside -----------------------------------------------------------------------------------

    def _keep(self, path: Path) -> None:
        if not path.exists():
            return
        folder = self._folder(path)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"{time.time_ns()}.yaml").write_bytes(path.read_bytes())
        for old in self._versions(path)[:-VERSIONS_MAX]:
            old.unlink(missing_ok=True)

    def _replace(self, path: Path, text: str) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                new.chmod(path.stat().st_mode & 0o777)
            new.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            raise

    def _versions(self, path: Path) -> list[Path]:
        return sorted(self._folder(path).glob("*.yaml"))

    def _folder(self, path: Path) -> Path:
        return self._before / path.name


def _refused(path: Path, error: OSError) -> ConsoleError:
    return ConsoleError(
        409, f"{path} cannot be written: {error.strerror}; may the hub's account write there?"
    )
