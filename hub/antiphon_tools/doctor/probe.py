"""Loads one engine in a process of its own.

Run as `python -m antiphon_tools.doctor.probe KIND NAME OPTIONS`, the options as a JSON object.
A damaged library may end the process that loads it; here that is only one more finding. Prints one
JSON object as its last line: what the engine can do, or why it cannot be used.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from antiphon_ears.errors import EarsError
from antiphon_ears.errors import EngineMissingError as EarsMissingError
from antiphon_ears.registry import load_vad, load_wake
from antiphon_engines.errors import EngineError, EngineMissingError
from antiphon_engines.registry import load_stt, load_tts

Kind = Literal["stt", "tts", "wake", "vad"]
KINDS: Final[tuple[Kind, ...]] = ("stt", "tts", "wake", "vad")


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of loading one engine."""

    detail: str = ""
    """What it can do; empty if it cannot be used."""
    error: str = ""
    installed: bool = True
    """False: its library is not here; the error says what to install."""
    phrases: tuple[str, ...] = ()
    """A wake engine's phrases."""


def probe(kind: Kind, name: str, options: Mapping[str, Any]) -> Report:
    """Load the engine as a program would, with its model."""
    try:
        return _PROBES[kind](name, options)
    except (EngineMissingError, EarsMissingError) as error:
        return Report(error=str(error), installed=False)
    except (EngineError, EarsError) as error:
        return Report(error=str(error))
    except Exception as error:  # noqa: BLE001 - an engine by somebody else may raise anything
        return Report(error=f"{type(error).__name__}: {error}")


def _stt(name: str, options: Mapping[str, Any]) -> Report:
    engine = load_stt(name, options)
    try:
        abilities = [
            *(["grammar"] if engine.grammar else []),
            *(["dictation"] if engine.dictation else []),
            *(["streaming"] if engine.streaming else []),
        ]
        return Report(detail=f"{', '.join(engine.languages)}: {', '.join(abilities)}")
    finally:
        engine.close()


def _tts(name: str, options: Mapping[str, Any]) -> Report:
    engine = load_tts(name, options)
    try:
        samples = sum(len(piece) for piece in engine.synthesize("Ready.", language="en"))
        voices, languages = len(engine.voices), len(engine.languages)
        counts = f"{voices} voice(s), {languages} language(s), {engine.rate_hz} Hz"
        return Report(detail=counts) if samples else Report(error="it speaks, but gives no sound")
    finally:
        engine.close()


def _wake(name: str, _options: Mapping[str, Any]) -> Report:
    engine = load_wake(name)
    engine.open(engine.phrases[:1])
    return Report(detail=", ".join(engine.phrases), phrases=engine.phrases)


def _vad(name: str, _options: Mapping[str, Any]) -> Report:
    engine = load_vad(name)
    engine.open()
    return Report(detail=f"windows of {engine.window_samples} samples")


_PROBES: Final[Mapping[Kind, Callable[[str, Mapping[str, Any]], Report]]] = {
    "stt": _stt,
    "tts": _tts,
    "wake": _wake,
    "vad": _vad,
}


def main() -> None:
    """Entry point of the child process."""
    kind, name, options = sys.argv[1:]
    report = probe(msgspec.convert(kind, Kind), name, msgspec.json.decode(options))
    sys.stdout.write("\n" + msgspec.json.encode(report).decode() + "\n")


if __name__ == "__main__":
    main()
