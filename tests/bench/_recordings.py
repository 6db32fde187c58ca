"""Recordings that a manifest lists: JSON lines, each with the path of a sound file beside it."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from antiphon_protocol.audio import SAMPLE_RATE_HZ


class NoRecordingsError(Exception):
    """A manifest or one of its files cannot be used; the message says which, and what to do."""


def rows(manifest: Path, root: Path) -> Iterator[dict[str, Any]]:
    """Yield the manifest's rows, each with `file`: its path below `root`.

    Raises:
        NoRecordingsError: the manifest is absent or is none.
    """
    try:
        lines = manifest.read_text(encoding="utf-8").splitlines()
        for line in lines:
            row = json.loads(line)
            yield {**row, "file": root / row["path"]}
    except OSError as error:
        raise NoRecordingsError(
            f"{manifest}: {error.strerror}; this bench needs recordings of people, which the "
            "project does not bring: name your own with --manifest"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise NoRecordingsError(f"{manifest}: not JSON lines with a path: {error}") from None


def read(file: Path) -> bytes:
    """Return a sound file's samples: 16 kHz mono signed 16-bit.

    Raises:
        NoRecordingsError: it is absent, of another format, or soundfile is not installed.
    """
    try:
        soundfile = importlib.import_module("soundfile")
    except ImportError:
        raise NoRecordingsError("reading FLAC needs soundfile; pip install soundfile") from None
    try:
        samples, rate_hz = soundfile.read(str(file), dtype="int16")
    except (OSError, RuntimeError) as error:
        raise NoRecordingsError(f"{file}: cannot be read: {error}") from None
    if rate_hz != SAMPLE_RATE_HZ or samples.ndim != 1:
        raise NoRecordingsError(f"{file}: not {SAMPLE_RATE_HZ} Hz mono")
    return bytes(samples.tobytes())
