"""The folder of kept audio: one WAV per stream of a turn, for this account alone. Blocking."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

FOLDER: Final = "audio"
"""Its name in the hub's state directory."""
_MIB: Final = 1024 * 1024
_DAY_S: Final = 86_400.0
_WAV: Final = ".wav"
_UNFINISHED: Final = ".part"
_UNFINISHED_S: Final = 60.0


class Shelf:
    """Files `TURN.NUMBER.wav`, bounded by their age and by the room that they take."""

    def __init__(self, folder: Path, *, days: int, mib: int) -> None:
        self._folder = folder
        self._keep_s = days * _DAY_S
        self._bytes_max = mib * _MIB

    def put(self, turn: str, number: int, wav: bytes) -> None:
        """Write one stream's WAV file, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{turn}.{number}{_WAV}"
        part = path.with_suffix(_UNFINISHED)
        part.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(wav)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def turns(self) -> list[str]:
        """Return the turns of which there are files."""
        return sorted({_turn(path) for path in self._files()})

    def sweep(self, gone: Collection[str], now_s: float) -> int:
        """Delete what is of these turns, left by a crash, too old, or too much; return how many.

        Raises:
            OSError: a file cannot be deleted.
        """
        kept = []
        count = 0
        for path in self._files():
            age_s = now_s - path.stat().st_mtime
            # One that is being written is a moment old.
            keep_s = self._keep_s if path.suffix == _WAV else min(_UNFINISHED_S, self._keep_s)
            if _turn(path) not in gone and age_s < keep_s:
                kept.append(path)
            else:
                path.unlink(missing_ok=True)
                count += 1
        kept.sort(key=lambda path: path.stat().st_mtime_ns)
        excess = sum(path.stat().st_size for path in kept) - self._bytes_max
        for path in kept:
            if excess <= 0:
                break
            excess -= path.stat().st_size
            path.unlink(missing_ok=True)
            count += 1
        return count

    def _files(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return [path for path in self._folder.iterdir() if path.suffix in (_WAV, _UNFINISHED)]


def files_of(state_dir: Path, turn: str) -> list[Path]:
    """Return the audio of a turn that is kept in a hub's state directory, stream by stream."""
    found = (state_dir / FOLDER).glob(f"{turn}.*{_WAV}")
    return sorted(found, key=lambda path: int(path.stem.rpartition(".")[2]))


def _turn(path: Path) -> str:
    return path.name.partition(".")[0]
