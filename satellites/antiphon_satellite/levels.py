"""Levels of PCM, without numpy: a satellite's board may be too small for it. Pure."""

import math
import operator
from array import array
from collections.abc import Sequence
from functools import cache
from typing import Final

SILENCE_DBFS: Final = -200.0
_FULL_SCALE: Final = 32768


def level_dbfs(pcm: bytes) -> float:
    """Return the root-mean-square level of signed 16-bit samples, dB relative to full scale.

    -200 stands for digital silence, and for no samples at all.
    """
    samples = array("h", pcm)
    energy = sum(map(operator.mul, samples, samples))
    if not energy:
        return SILENCE_DBFS
    return 10.0 * math.log10(energy / len(samples) / _FULL_SCALE**2)


def amplified(pcm: bytes, gain_db: float) -> bytes:
    """Return signed 16-bit samples made louder or quieter, clipped at full scale."""
    if not gain_db:
        return pcm
    table = _gain_table(round(gain_db, 1))
    return array("h", [table[sample] for sample in array("h", pcm)]).tobytes()


@cache
def _gain_table(gain_db: float) -> Sequence[int]:
    # A table of all 65,536 samples, indexed by the sample itself (negative ones from the end):
    # a third of the time that multiplying and clipping each sample takes.
    gain = 10.0 ** (gain_db / 20.0)
    clipped = [
        max(-_FULL_SCALE, min(_FULL_SCALE - 1, round(n * gain)))
        for n in (*range(_FULL_SCALE), *range(-_FULL_SCALE, 0))
    ]
    return array("h", clipped)
