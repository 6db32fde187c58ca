"""A code, spoken: a satellite that has no house yet has no voice but ten recorded digits."""

import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from antiphon_satellite.errors import SoundDeviceError

FILE: Final = Path(__file__).parent.parent / "data" / "digits.wav"
"""Ten slots of equal length, 0 to 9."""
WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RATE_HZ: Final = 16_000
SLOT_SAMPLES: Final = 11_200
GROUP: Final = 4
"""Digits between two pauses."""
_PAUSE: Final = bytes(2 * 9600)


def spoken(code: str) -> bytes:
    """Return a code's samples: signed 16-bit mono at RATE_HZ.

    Args:
        code: Digits.

    Raises:
        SoundDeviceError: the recording is missing from the installation.
    """
    slots = _slots()
    parts = []
    for at, digit in enumerate(code):
        if at and at % GROUP == 0:
            parts.append(_PAUSE)
        parts.append(slots[int(digit)])
    return b"".join(parts)


def _slots() -> Sequence[bytes]:
    try:
        with wave.open(str(FILE), "rb") as file:
            pcm = file.readframes(file.getnframes())
    except (OSError, wave.Error, EOFError) as error:
        raise SoundDeviceError(f"{FILE.name}: {error}; install the satellite anew") from None
    size = 2 * SLOT_SAMPLES
    return [pcm[at : at + size] for at in range(0, len(WORDS) * size, size)]
