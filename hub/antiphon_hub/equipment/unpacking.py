"""Uploaded files and archives to plain files in a folder: strict about what it takes in. Blocking.

Zip bombs, names that lead elsewhere, headers that lie: refused, before or while it is written.
"""

import bz2
import gzip
import io
import lzma
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from antiphon_hub.errors import EquipmentError

TOTAL_BYTES_MAX: Final = 2 * 1024**3
"""What one model may become on the disk."""
SPARE_BYTES: Final = 256 * 1024**2
"""Room on the disk that is left to others."""
MEMBERS_MAX: Final = 5000
KEPT_MAX: Final = 64
RATIO_MAX: Final = 200
"""No model shrinks so much; what does was made to fill a disk."""
_KEPT: Final = re.compile(
    r"\.(?:onnx|json|txt|vocab|model|md|pb|pbmm|tflite|npz|scorer)$|^(?:LICENSE|COPYING|MODEL_CARD)$",
    re.IGNORECASE,
)
"""What models are made of; recordings, pictures and scripts beside them are not kept."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,126}")
_DEPTH_MAX: Final = 6
_CHUNK: Final = 256 * 1024
_HEADER_BYTES_MAX: Final = 1024**2
"""A tar file's headers with long names are read as a whole."""
_HEADERS: Final = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)
_OPENERS: Final[Mapping[bytes, Callable[[IO[bytes], str], Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_TAR_MAGIC_AT: Final = 257
_BROKEN: Final = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, tarfile.TarError, lzma.LZMAError, zlib.error),
    *(EOFError, RuntimeError, ValueError, NotImplementedError),
)

Upload = tuple[str, IO[bytes]]
"""A file's name, as somebody says it, and what it holds."""


def unpack(uploads: Sequence[Upload], folder: Path) -> None:
    """Write what was uploaded into an empty folder: an archive's files, or the files themselves.

    Raises:
        EquipmentError: it is damaged, hostile, too large, or holds nothing of a model.
    """
    room = min(TOTAL_BYTES_MAX, shutil.disk_usage(folder).free - SPARE_BYTES)
    if room <= 0:
        raise EquipmentError("the disk is full: remove something first")
    writer = _Writer(folder, room)
    try:
        for name, file in uploads:
            _unpack_one(name, file, writer)
    except _BROKEN as error:
        raise EquipmentError(f"the archive is damaged: {_line(error)}") from None
    except OSError as error:
        raise EquipmentError(f"it cannot be unpacked: {_line(error)}") from None
    if not writer.count:
        raise EquipmentError("there is no file of a model in it")


def _unpack_one(name: str, file: IO[bytes], writer: "_Writer") -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(_TAR_MAGIC_AT + 8)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        _unzip(file, writer)
    elif opener := next((one for magic, one in _OPENERS.items() if head.startswith(magic)), None):
        with opener(file, "rb") as plain:
            _untar(_Bounded(plain, RATIO_MAX * (size + 512)), writer)
    elif head[_TAR_MAGIC_AT:].startswith(b"ustar"):
        _untar(_Bounded(file, size), writer)
    else:
        member = writer.place(name.replace("\\", "/").rpartition("/")[2])
        if member is None:
            raise EquipmentError(f"{name[:80]!r} is neither an archive nor a file of a model")
        writer.write(member, file, size)


def _unzip(file: IO[bytes], writer: "_Writer") -> None:
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if len(infos) > MEMBERS_MAX:
            raise EquipmentError(f"it holds more than {MEMBERS_MAX} files")
        for one in infos:
            target = writer.place(one.filename)
            if target is None or one.is_dir():
                continue
            if one.external_attr >> 28 not in (0, 8):  # regular files, or no Unix type told
                raise EquipmentError(f"{one.filename[:80]!r} is no plain file")
            if one.flag_bits & 1:
                raise EquipmentError("it is encrypted: unpack it, and pack it without a password")
            if one.file_size > RATIO_MAX * (one.compress_size + 512):
                raise EquipmentError(f"{one.filename[:80]!r} would become {one.file_size} bytes")
            with archive.open(one) as source:
                writer.write(target, source, one.file_size)


def _untar(stream: "_Bounded", writer: "_Writer") -> None:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive:
        for member in _members(archive):
            target = writer.place(member.name)
            if target is None or member.isdir():
                continue
            source = archive.extractfile(member) if member.isreg() else None
            if source is None or member.issparse():
                raise EquipmentError(f"{member.name[:80]!r} is no plain file")
            writer.write(target, source, member.size)


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for number, member in enumerate(archive):
        if number >= MEMBERS_MAX:
            raise EquipmentError(f"it holds more than {MEMBERS_MAX} files")
        archive.members = []  # type: ignore[attr-defined]  # a stream is read once: remembering would only fill the memory
        yield member


class _Member(tarfile.TarInfo):
    """A member whose own headers are bounded."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _HEADER_BYTES_MAX:
            raise EquipmentError("its headers are too large")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]  # no stub has it


class _Writer:
    """Puts files into a folder, as long as there is room."""

    def __init__(self, folder: Path, room: int) -> None:
        self._folder = folder
        self._left = room
        self.count = 0

    def place(self, name: str) -> Path | None:
        """Return where a file goes; None: it is not kept.

        Raises:
            EquipmentError: the name leads elsewhere.
        """
        parts = [one for one in name.split("/") if one not in ("", ".")]
        if name.startswith("/") or "\\" in name or ".." in parts or "\0" in name:
            raise EquipmentError(f"it holds {name[:80]!r}, a name that leads elsewhere")
        if not parts or parts[0] == "__MACOSX" or not _KEPT.search(parts[-1]):
            return None
        if len(parts) > _DEPTH_MAX or not all(_NAME.fullmatch(one) for one in parts):
            if any(one.startswith(".") for one in parts):
                return None
            raise EquipmentError(f"it holds {name[:80]!r}; letters, digits and _.+@- will do")
        return self._folder.joinpath(*parts)

    def write(self, target: Path, source: IO[bytes], size: int) -> None:
        """Write a file of that size.

        Raises:
            EquipmentError: it is another size, is there already, or there is no room for it.
        """
        name = target.name
        if size > self._left:
            raise EquipmentError(f"{name!r} is too large: {self._left} bytes are left for it")
        self.count += 1
        if self.count > KEPT_MAX or target.exists():
            raise EquipmentError(f"{name!r} is there twice, or there are over {KEPT_MAX} files")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = 0
        with target.open("xb") as out:
            while chunk := source.read(min(_CHUNK, size + 1 - written)):
                written += len(chunk)
                if written > size:
                    break
                out.write(chunk)
        if written != size:
            raise EquipmentError(f"{name!r} is not as large as the archive says: it is damaged")
        self._left -= written


class _Bounded(io.RawIOBase):
    """What comes out of a decompressor, up to a number of bytes."""

    def __init__(self, source: IO[bytes], limit: int) -> None:
        super().__init__()
        self._source = source
        self._left = min(limit, 2 * TOTAL_BYTES_MAX)

    def readable(self) -> bool:
        """Tell that it is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or fewer at the end.

        Raises:
            EquipmentError: it would become too large.
        """
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise EquipmentError("it would become too large when it is unpacked")
        return data


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
