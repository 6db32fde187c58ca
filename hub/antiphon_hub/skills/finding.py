"""Finding plug-ins: those that are installed, by entry point, and those of the owner's folder."""

import importlib.util
import inspect
import logging
import stat
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from antiphon_hub.errors import PluginError
from antiphon_protocol.ids import is_slug

log = logging.getLogger(__name__)

GROUP: Final = "antiphon.skills"
ATTRIBUTE: Final = "skill"
"""What a file of the folder must define."""
SENTENCES: Final = "sentences.yaml"

Make = Callable[[Any], Any]
"""Builds the skill, given its `House`: usually the skill's class."""


class Found(msgspec.Struct, frozen=True):
    """A plug-in whose code is not loaded yet."""

    name: str
    origin: str
    """Where it comes from, for people: a distribution and its version, or a path."""
    load: Callable[[], "Loaded"]
    """Imports it.

    Raises:
        Exception: whatever the plug-in's code raises.
    """


class Loaded(msgspec.Struct, frozen=True):
    """A plug-in's code and the sentences beside it."""

    make: Make
    sentences: Path | None


def installed() -> Iterator[Found]:
    """Yield the plug-ins that installed packages name as `antiphon.skills`."""
    for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        dist = entry.dist
        origin = f"{dist.name} {dist.version}" if dist else entry.value
        yield Found(entry.name, origin, _entry_loader(entry))


def in_folder(folder: Path) -> Iterator[Found]:
    """Yield the plug-ins of a folder: each `NAME.py` and each package `NAME/`.

    Raises:
        PluginError: the folder cannot be read, or is open to everybody.
    """
    try:
        _refuse_open(folder)
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise PluginError(f"[skills] dir: {folder}: {error.strerror}") from None
    for path in paths:
        if path.name.startswith((".", "_")):
            continue
        code = path / "__init__.py" if path.is_dir() else path
        if code.suffix == ".py" and code.exists():
            yield Found(path.stem, str(path), _file_loader(path.stem, code))


def of_factory(make: Make) -> Loaded:
    """Return a plug-in by its factory, as its author's tests have it."""
    return Loaded(make, _beside(Path(inspect.getfile(make))))


def checked_name(name: str) -> str:
    """Return the name if it may stand as one.

    Raises:
        PluginError: it may not.
    """
    if not is_slug(name):
        raise PluginError(f"{name!r} is no name: 1-64 of a-z 0-9 _ - are, a letter or digit first")
    return name


def _entry_loader(entry: EntryPoint) -> Callable[[], Loaded]:
    def load() -> Loaded:
        make = entry.load()
        module = sys.modules[entry.module]
        return Loaded(make, _beside(Path(module.__file__)) if module.__file__ else None)

    return load


def _file_loader(name: str, code: Path) -> Callable[[], Loaded]:
    def load() -> Loaded:
        _refuse_open(code)
        module = _imported(f"antiphon_skill_{name.replace('-', '_')}", code)
        make = getattr(module, ATTRIBUTE, None)
        if not callable(make):
            raise PluginError(f"{code} defines no `{ATTRIBUTE}`: write `{ATTRIBUTE} = YourSkill`")
        return Loaded(make, _beside(code))

    return load


def _imported(module_name: str, code: Path) -> ModuleType:
    package = [str(code.parent)] if code.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(
        module_name, code, submodule_search_locations=package
    )
    if spec is None or spec.loader is None:
        raise PluginError(f"{code} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _beside(code: Path) -> Path | None:
    """Return the sentences of a module: `NAME.yaml` beside it, in a package `sentences.yaml`."""
    file = code.with_name(SENTENCES) if code.name == "__init__.py" else code.with_suffix(".yaml")
    return file if file.exists() else None


def _refuse_open(path: Path) -> None:
    """What everybody may write would let everybody run code as the hub."""
    if path.stat().st_mode & stat.S_IWOTH:
        raise PluginError(f"{path} may be written by everybody; run: chmod o-w {path}")
