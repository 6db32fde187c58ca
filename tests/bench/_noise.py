"""Speech with noise of a stated ratio."""

import random
from typing import Final

import numpy as np
import numpy.typing as npt

LOUDEST_SAMPLES: Final = 2048
"""Frame by whose energy speech and noise are compared."""

Signal = npt.NDArray[np.float64]


def mix(speech: bytes, noise: bytes, snr_db: float, seed: str) -> bytes:
    """Return speech with noise from a random place of the noise, repeated where it is shorter.

    The ratio is between the loudest frames of 2,048 samples of each (the rule of Picovoice's
    speech-to-intent benchmark). Where the sum would clip, all of it is turned down.
    """
    voice, din = _signal(speech), _signal(noise)
    piece = np.resize(np.roll(din, -random.Random(seed).randrange(len(din))), len(voice))
    gain = np.sqrt(_loudest(voice) / max(1.0, _loudest(piece)) * 10 ** (-snr_db / 10))
    mixed = voice + gain * piece
    quieter = min(1.0, 32767 / max(1.0, float(np.abs(mixed).max())))
    return (mixed * quieter).astype("<i2").tobytes()


def _signal(pcm: bytes) -> Signal:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def _loudest(signal: Signal) -> float:
    frames = max(1, len(signal) // LOUDEST_SAMPLES)
    whole = np.resize(signal, (frames, LOUDEST_SAMPLES))
    return float((whole**2).sum(axis=1).max())
