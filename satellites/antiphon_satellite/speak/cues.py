"""Short tones that tell a person how it went without words; made by calculation. Pure."""

import math
from array import array
from collections.abc import Iterable
from functools import cache
from typing import Final

import msgspec

from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.satellite import CueName

CUE_PREFIX: Final = "cue-"
"""A cue's name as a sound: `cue-failed`."""
_PEAK: Final = 0.2 * 32767
"""Audible beside speech, and far from loud at night."""
_RAMP_S: Final = 0.01
"""Soft edges: a tone that is switched on hard clicks."""


class Tone(msgspec.Struct, frozen=True):
    """A sine, or a pause when its frequency is 0."""

    hertz: float
    seconds: float


# Rising: go on. Falling: it failed. A low double tone: nobody is there; rising: somebody is again.
# Same: say it again. Two bells: something waits to be told.
CUES: Final[dict[CueName, tuple[Tone, ...]]] = {
    "listening": (Tone(660, 0.07), Tone(990, 0.09)),
    "heard": (Tone(990, 0.06),),
    "failed": (Tone(660, 0.12), Tone(440, 0.2)),
    "not-understood": (Tone(550, 0.1), Tone(0, 0.06), Tone(550, 0.1)),
    "notice": (Tone(784, 0.12), Tone(0, 0.05), Tone(1047, 0.25)),
    "unreachable": (Tone(330, 0.16), Tone(0, 0.1), Tone(330, 0.16)),
    "back": (Tone(330, 0.16), Tone(0, 0.1), Tone(440, 0.16)),
}


@cache
def cue_pcm(cue: CueName) -> bytes:
    """Return a cue's samples: signed 16-bit mono at 16 kHz."""
    return tones_pcm(CUES[cue])


def tones_pcm(tones: Iterable[Tone]) -> bytes:
    """Return the samples of tones behind each other: signed 16-bit mono at 16 kHz."""
    return b"".join(_sine(tone) for tone in tones)


def _sine(tone: Tone) -> bytes:
    count = int(tone.seconds * SAMPLE_RATE_HZ)
    turn = 2 * math.pi * tone.hertz / SAMPLE_RATE_HZ
    ramp = _RAMP_S * SAMPLE_RATE_HZ
    return array(
        "h",
        [
            round(_PEAK * min(1.0, n / ramp, (count - n) / ramp) * math.sin(turn * n))
            for n in range(count)
        ],
    ).tobytes()
