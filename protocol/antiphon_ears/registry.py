"""Finds engines by entry point; an engine's library is imported only when it is asked for."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from antiphon_ears.errors import EngineMissingError
from antiphon_ears.vad.port import VadEngine
from antiphon_ears.wake.port import WakeEngine

WAKE_GROUP = "antiphon.wake"
VAD_GROUP = "antiphon.vad"


def load_wake(name: str) -> WakeEngine:
    """Return the wake-word engine of that name.

    Raises:
        EngineMissingError: it is not installed; the message says what to install.
    """
    engine: WakeEngine = _load(WAKE_GROUP, name)
    return engine


def load_vad(name: str) -> VadEngine:
    """Return the voice-activity engine of that name.

    Raises:
        EngineMissingError: it is not installed; the message says what to install.
    """
    engine: VadEngine = _load(VAD_GROUP, name)
    return engine


def installed_wake() -> tuple[str, ...]:
    """Return the names of the wake-word engines that work here, sorted; fakes are left out."""
    return _installed(WAKE_GROUP)


def installed_vad() -> tuple[str, ...]:
    """Return the names of the voice-activity engines that work here, sorted; fakes are left out."""
    return _installed(VAD_GROUP)


def _entries(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}


def _load(group: str, name: str) -> Any:
    entries = _entries(group)
    if name not in entries:
        known = ", ".join(sorted(entries)) or "none: install antiphon-protocol"
        kind = group.removeprefix("antiphon.")
        raise EngineMissingError(f"no {kind} engine is called {name!r}; there are: {known}")
    return entries[name].load()()


def _installed(group: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in _entries(group) if name != "fake" and _works(group, name)))


def _works(group: str, name: str) -> bool:
    try:
        _load(group, name)
    except EngineMissingError:
        return False
    return True
