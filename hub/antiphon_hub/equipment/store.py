"""What was installed: a folder for each, whole or not there at all. Blocking throughout."""

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from antiphon_hub.equipment.sorts import Sort, sort_of
from antiphon_hub.equipment.unpacking import Upload, unpack
from antiphon_hub.errors import EquipmentError
from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import is_slug, slug_of

log = logging.getLogger(__name__)

FOLDER: Final = "models"
"""In the hub's state directory."""
ABOUT: Final = "installed.json"
INSTALLED_MAX: Final = 64
_STAGING: Final = ".new-"


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """A model or a voice."""

    name: str
    sort: Sort
    bytes: int
    at_s: float
    """When, seconds since 1970."""
    by: str
    """Who installed it."""


class Draft(msgspec.Struct, frozen=True):
    """Something unpacked, which nobody uses yet."""

    folder: Path
    about: Installed


class Store:
    """All of them."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / FOLDER

    def all(self) -> list[Installed]:
        """Return what is installed, by name; what is damaged is left out, and logged."""
        found = []
        for path in sorted(self.folder.glob(f"*/{ABOUT}")):
            if path.parent.name.startswith("."):
                continue
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Installed))
            except (OSError, msgspec.DecodeError) as error:
                log.error("%s: %s; remove the folder and install it anew", path, error)  # noqa: TRY400 - the message says it all
        return found

    def options(self, one: Installed) -> dict[str, str]:
        """Return the engine's settings that name its files."""
        return options_in(self.folder / one.name, one.sort)

    @contextmanager
    def draft(
        self, uploads: Sequence[Upload], name: str, language: str, by: str
    ) -> Iterator[Draft]:
        """Unpack and look at what was uploaded; inside the block it may be tried, or `keep` it.

        Raises:
            EquipmentError: it cannot be used, or the name is taken; nothing has changed.
        """
        staging = self._staging()
        try:
            unpack(uploads, staging)
            sort = sort_of(staging)
            if language:
                sort = msgspec.structs.replace(sort, language=sort.language or language)
            size = sum(one.stat().st_size for one in staging.rglob("*") if one.is_file())
            called = self._free_name(name or sort.name or _stem(uploads[0][0]))
            about = Installed(name=called, sort=sort, bytes=size, at_s=time.time(), by=by)
            yield Draft(staging, about)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def keep(self, draft: Draft) -> None:
        """Let a draft be one of ours, in one step.

        Raises:
            EquipmentError: it cannot be written.
        """
        target = self.folder / self._free_name(draft.about.name)
        try:
            (draft.folder / ABOUT).write_bytes(msgspec.json.encode(draft.about))
            draft.folder.replace(target)
        except OSError as error:
            raise EquipmentError(f"it cannot be kept: {error.strerror}") from None

    def remove(self, name: str) -> None:
        """Remove one, in one step.

        Raises:
            EquipmentError: there is none of that name, or it cannot be removed.
        """
        if not is_slug(name) or not (self.folder / name / ABOUT).exists():
            raise EquipmentError(f"nothing is installed by the name {name[:80]!r}")
        going = self._staging()
        try:
            (self.folder / name).replace(going / name)
        except OSError as error:
            raise EquipmentError(f"it cannot be removed: {error.strerror}") from None
        finally:
            shutil.rmtree(going, ignore_errors=True)

    def clear(self) -> None:
        """Remove what a life before this one left half done."""
        for one in self.folder.glob(f"{_STAGING}*"):
            shutil.rmtree(one, ignore_errors=True)

    # -- inside -----------------------------------------------------------------------------------

    def _staging(self) -> Path:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.folder))
        except OSError as error:
            raise EquipmentError(f"{self.folder} cannot be written: {error.strerror}") from None

    def _free_name(self, name: str) -> str:
        try:
            slug = slug_of(name)
        except TopicError:
            raise EquipmentError(f"name: {name[:80]!r} has no letter or digit") from None
        if (self.folder / slug).exists():
            raise EquipmentError(f"{slug} is installed already; remove it first, or name this one")
        if len(self.all()) >= INSTALLED_MAX:
            raise EquipmentError(f"{INSTALLED_MAX} are installed already; remove one first")
        return slug


def options_in(folder: Path, sort: Sort) -> dict[str, str]:
    """Return the engine's settings for a model's files in that folder."""
    options = {name: str(folder / path) for name, path in sort.options.items()}
    if sort.engine == "sherpa" and sort.language:
        options["language"] = sort.language
    return options


def _stem(name: str) -> str:
    plain = name.replace("\\", "/").rpartition("/")[2]
    for end in (".tar.bz2", ".tar.gz", ".tar.xz", ".tgz", ".tbz2", ".tar", ".zip", ".onnx"):
        plain = plain.removesuffix(end)
    return plain
