"""Kept audio as a picture: peaks over time."""

import array
import sys
from pathlib import Path

import msgspec

from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.errors import WavError
from antiphon_protocol.wav import read_wav

FULL_SCALE = 32768.0


class Wave(msgspec.Struct, frozen=True):
    """A recording's outline."""

    seconds: float
    peaks: tuple[float, ...]
    """0 to 1, evenly over time."""


def wave_of(file: Path, columns: int) -> Wave:
    """Return the outline of a WAV file of ours.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.
    """
    try:
        samples = array.array("h", read_wav(file))
    except WavError as error:
        raise ValueError(str(error)) from None
    if sys.byteorder == "big":
        samples.byteswap()
    return Wave(round(len(samples) / SAMPLE_RATE_HZ, 2), peaks(samples, columns))


def peaks(samples: "array.array[int]", columns: int) -> tuple[float, ...]:
    """Return the loudest of each stretch, 0 to 1."""
    if not samples:
        return ()
    step = max(1, -(-len(samples) // columns))
    parts = [samples[begin : begin + step] for begin in range(0, len(samples), step)]
    return tuple(round(max(*part, -min(part)) / FULL_SCALE, 3) for part in parts)
