"""A whole house in one archive, and back: strict about what it takes in. Blocking throughout.

A restore is two steps: the archive is checked and unpacked beside the state (`unpack`), and the
next start of the hub, before anything is open, puts it in place (`take_in`): all of it or nothing.
"""

import hashlib
import re
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

import msgspec

from antiphon_hub.errors import BackupError

FORMAT: Final = 1
MANIFEST: Final = "antiphon-backup.json"
FILES_MAX: Final = 2000
FILE_BYTES_MAX: Final = 1024 * 1024 * 1024
TOTAL_BYTES_MAX: Final = 2 * FILE_BYTES_MAX
RATIO_MAX: Final = 200
"""Nothing of ours shrinks so much; what does was made to fill a disk."""
MANIFEST_BYTES_MAX: Final = 1024 * 1024

WAITING: Final = "restore"
"""Where an archive waits, unpacked, for the next start."""
_UNPACKING: Final = "restore.new"
_BEFORE: Final = "before-restore"
_LEFT_OUT: Final = frozenset(
    {"audio", "broker", "models", "hub.json", WAITING, _UNPACKING, _BEFORE}
)
"""Recordings and models stay at home, what the broker keeps is told again, the rest is of now."""
_LEFT_OUT_NAMES: Final = re.compile(
    r"^worker-\d+b?\.toml$|\.new$|-wal$|-shm$|-journal$|\.part$|^\."
)
_NAME: Final = re.compile(
    r"^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}/){0,5}[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"
)
_CHUNK: Final = 256 * 1024


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an archive says of itself."""

    format: int
    hub: str
    software: str
    made_s: float
    """Seconds since 1970."""
    files: dict[str, str]
    """Each file's SHA-256, hexadecimal."""


def pack(state_dir: Path, out: IO[bytes], manifest: Manifest, extra: Mapping[str, Path]) -> int:
    """Write an archive; return how many files it has.

    Args:
        state_dir: The hub's state directory; it may be in use.
        out: Where the archive goes.
        manifest: What to say of it; its files are filled in.
        extra: Files from elsewhere, by the name that they get.

    Raises:
        BackupError: a file cannot be read.
    """
    sums: dict[str, str] = {}
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in {**dict(_ours(state_dir)), **extra}.items():
                data = _copy_of(path) if path.suffix == ".sqlite" else path.read_bytes()
                sums[name] = hashlib.sha256(data).hexdigest()
                archive.writestr(name, data)
            whole = msgspec.structs.replace(manifest, files=sums)
            archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(whole)))
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"the backup cannot be made: {error}") from None
    return len(sums)


def unpack(state_dir: Path, source: IO[bytes]) -> Manifest:
    """Check an archive and lay it ready for the next start; return what it says of itself.

    Raises:
        BackupError: it is no archive of ours, damaged or hostile; nothing has changed then.
    """
    folder = state_dir / _UNPACKING
    try:
        _clear(folder)
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest(archive)
            _check_names(archive, manifest)
            folder.mkdir(mode=0o700)
            for name, digest in manifest.files.items():
                _extract(archive, name, digest, folder / name)
        _check_databases(folder)
        _clear(state_dir / WAITING)
        folder.replace(state_dir / WAITING)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, RuntimeError, ValueError) as error:
        raise BackupError(f"this is no backup of ours, or damaged: {error}") from None
    except (OSError, NotImplementedError, sqlite3.Error) as error:
        raise BackupError(f"the backup cannot be taken in: {error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return manifest


def take_in(state_dir: Path) -> bool:
    """Put a waiting archive in place, before anything is open; tells whether there was one.

    What was there before is kept beside, until the next restore.

    Raises:
        BackupError: the state directory cannot be written.
    """
    waiting, before = state_dir / WAITING, state_dir / _BEFORE
    if not waiting.is_dir():
        return False
    try:
        _clear(before)
        before.mkdir(mode=0o700)
        for path in sorted(state_dir.iterdir()):
            if path.name not in _LEFT_OUT:
                path.replace(before / path.name)
        for path in sorted(waiting.iterdir()):
            path.replace(state_dir / path.name)
        waiting.rmdir()
    except OSError as error:
        raise BackupError(f"{state_dir}: the backup cannot be put in place: {error}") from None
    return True


# -- inside ---------------------------------------------------------------------------------------


def _ours(state_dir: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(state_dir.rglob("*")):
        name = path.relative_to(state_dir).as_posix()
        parts = name.split("/")
        if parts[0] in _LEFT_OUT or any(_LEFT_OUT_NAMES.search(part) for part in parts):
            continue
        if path.is_file() and not path.is_symlink() and _NAME.fullmatch(name):
            yield name, path


def _copy_of(path: Path) -> bytes:
    """Return a database as it is at one moment, although it is in use."""
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    memory = sqlite3.connect(":memory:")
    try:
        source.backup(memory)
        return memory.serialize()
    finally:
        memory.close()
        source.close()


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError:
        raise BackupError("this is no backup of ours: it has no list of its files") from None
    if info.file_size > MANIFEST_BYTES_MAX:
        raise BackupError("its list of files is too large")
    try:
        manifest = msgspec.json.decode(_read(archive, info, MANIFEST_BYTES_MAX), type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(f"its list of files is damaged: {error}") from None
    if manifest.format != FORMAT:
        raise BackupError(f"it is of format {manifest.format}, this program knows {FORMAT}: update")
    return manifest


def _check_names(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    infos = archive.infolist()
    names = [one.filename for one in infos]
    if len(names) > FILES_MAX + 1:
        raise BackupError(f"it has more than {FILES_MAX} files")
    if len(set(names)) != len(names) or set(names) != {*manifest.files, MANIFEST}:
        raise BackupError("it does not hold just the files that it lists")
    for name in manifest.files:
        parts = name.split("/")
        if not _NAME.fullmatch(name) or parts[0] in _LEFT_OUT or ".." in parts:
            raise BackupError(f"it holds {name[:80]!r}, which is no file of a backup")
        if any(_LEFT_OUT_NAMES.search(part) for part in parts):
            raise BackupError(f"it holds {name[:80]!r}, which is no file of a backup")
    for one in infos:
        if one.file_size > FILE_BYTES_MAX or one.file_size > RATIO_MAX * (one.compress_size + 512):
            raise BackupError(f"{one.filename[:80]!r} would become {one.file_size} bytes")
        if one.external_attr >> 28 not in (0, 8):  # regular files, or no Unix type told
            raise BackupError(f"{one.filename[:80]!r} is no plain file")
    if sum(one.file_size for one in infos) > TOTAL_BYTES_MAX:
        raise BackupError(f"it would become larger than {TOTAL_BYTES_MAX} bytes")


def _extract(archive: zipfile.ZipFile, name: str, digest: str, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = hashlib.sha256()
    info, left = archive.getinfo(name), archive.getinfo(name).file_size
    with archive.open(info) as source, target.open("xb") as out:
        target.chmod(0o600)
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:  # its header lied
                raise BackupError(f"{name[:80]!r} is larger than it says")
            found.update(chunk)
            out.write(chunk)
    if found.hexdigest() != digest:
        raise BackupError(f"{name[:80]!r} is not what the list says: the archive is damaged")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    with archive.open(info) as source:
        data = source.read(limit + 1)
    if len(data) > limit:
        raise BackupError("its list of files is larger than it says")
    return data


def _check_databases(folder: Path) -> None:
    for path in folder.rglob("*.sqlite"):
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            raise BackupError(f"{path.name} is no database: {error}") from None
        finally:
            connection.close()
        if answer != "ok":
            raise BackupError(f"{path.name} is damaged: {answer}")


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def manifest_of(hub: str, software: str) -> Manifest:
    """Return what an archive of this hub says of itself, files still left out."""
    return Manifest(format=FORMAT, hub=hub, software=software, made_s=time.time(), files={})
