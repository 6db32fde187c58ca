"""What ringing sounds like, with pauses long enough to be spoken into. Pure."""

from functools import cache
from typing import Final

from antiphon_protocol.messages.timer import TimerKind
from antiphon_satellite.speak.cues import Tone, tones_pcm

PAUSE_S: Final = 1.6
"""Between two cycles: a wake phrase takes less, and the microphone hears it unspoiled."""

_BEEP = (Tone(1047, 0.09), Tone(0, 0.07))
_TONES: Final[dict[TimerKind, tuple[Tone, ...]]] = {
    # Three beeps: something is done. A rising triad: a new day. Two notes: remember.
    "timer": _BEEP * 3,
    "alarm": (Tone(523, 0.22), Tone(659, 0.22), Tone(784, 0.3), Tone(0, 0.1), Tone(784, 0.3)),
    "reminder": (Tone(784, 0.2), Tone(587, 0.3)),
}


@cache
def ring_pcm(kind: TimerKind) -> bytes:
    """Return one cycle: signed 16-bit mono samples at 16 kHz, without the pause behind it."""
    return tones_pcm(_TONES[kind])
