"""Mozilla's and Coqui's native libraries, for comparing ours with them.

`python -m tests.support.native_speech` fetches their wheels, which no Python of today can install,
and unpacks them into a cache folder: $ANTIPHON_NATIVE_SPEECH, by default
~/.cache/antiphon/native-speech. They are never part of the project.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

VARIABLE: Final = "ANTIPHON_NATIVE_SPEECH"
WHEELS: Final = {
    "deepspeech": ("deepspeech==0.9.3", "3.9", "deepspeech/lib/libdeepspeech.so"),
    "deepspeech-tflite": ("deepspeech-tflite==0.9.3", "3.9", "deepspeech/lib/libdeepspeech.so"),
    "stt": ("stt==1.4.0", "3.10", "stt/lib/libstt.so"),
}
"""Name here: requirement, Python that the wheel is for, library in it."""


def folder() -> Path:
    """Return the cache folder."""
    default = Path.home() / ".cache" / "antiphon" / "native-speech"
    return Path(os.environ.get(VARIABLE) or default)


def find(name: str) -> Path | None:
    """Return the path of a library, if it was fetched."""
    path = folder() / name / WHEELS[name][2]
    return path if path.is_file() else None


def needed(name: str) -> Path:
    """Return the path of a library, or skip the test."""
    if (path := find(name)) is None:
        pytest.skip(f"{name} was not fetched: python -m tests.support.native_speech")
    return path


def fetch(name: str) -> None:
    """Download and unpack one wheel.

    Raises:
        CalledProcessError: pip could not get it.
    """
    requirement, version, _ = WHEELS[name]
    into = folder() / name
    into.mkdir(parents=True, exist_ok=True)
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", requirement)
    kind = ("--only-binary=:all:", "--python-version", version, "--dest", str(into))
    subprocess.run((*pip, *kind), check=True)
    for wheel in into.glob("*.whl"):
        with zipfile.ZipFile(wheel) as file:
            file.extractall(into)
        wheel.unlink()


def main() -> None:
    """Fetch what is missing."""
    for name in WHEELS:
        if find(name) is None:
            fetch(name)
        sys.stdout.write(f"{find(name)}\n")


if __name__ == "__main__":
    main()
