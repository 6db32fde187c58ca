"""Finds speech engines by entry point, so that others can add theirs without a fork."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, cast

from antiphon_engines.errors import EngineMissingError
from antiphon_engines.stt.port import SttEngine
from antiphon_engines.tts.port import TtsEngine

STT_GROUP = "antiphon.stt"
TTS_GROUP = "antiphon.tts"


def names(group: str) -> tuple[str, ...]:
    """Return the names of the engines that are registered in that group, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def load_stt(name: str, options: Mapping[str, Any]) -> SttEngine:
    """Return the speech-to-text engine of that name, built from its options.

    Raises:
        EngineMissingError: it is not installed; the message says what to install.
        ModelError: one of its files cannot be used.
    """
    return cast("SttEngine", _class(STT_GROUP, name).from_options(options))


def load_tts(name: str, options: Mapping[str, Any]) -> TtsEngine:
    """Return the text-to-speech engine of that name, built from its options.

    Raises:
        EngineMissingError: it is not installed; the message says what to install.
        ModelError: one of its files cannot be used.
    """
    return cast("TtsEngine", _class(TTS_GROUP, name).from_options(options))


def _class(group: str, name: str) -> Any:
    found = [entry for entry in entry_points(group=group) if entry.name == name]
    if not found:
        raise EngineMissingError(
            f"no {group.rpartition('.')[2]} engine {name!r} is installed; "
            f"there are: {', '.join(names(group)) or 'none'}"
        )
    try:
        return found[0].load()
    except ImportError as error:
        raise EngineMissingError(
            f"engine {name!r} needs {error.name or error}; the extras engines, espeak, piper "
            "and sherpa of antiphon-hub bring what our own engines need"
        ) from error
