"""Recordings as they might have been made elsewhere: speed, room, line. Pure."""

import io
from typing import Any, Final, NamedTuple

import numpy as np

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.deepspeech.training.augment import faster
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools.senones.rooms import Audio, Chance, heard_in, room

FULL_SCALE: Final = 32768.0
SPEED: Final = (0.85, 1.25)
"""Readers take their time; who commands a house does not."""
SPEED_SHARE: Final = 0.6
REVERB_SHARE: Final = 0.5
LINE_SHARE: Final = 0.12
LOUDEST_SAMPLES: Final = 2048
"""How long a sound is taken to be when the loudest of speech and noise are compared."""
_PEAK: Final = 0.5


class Scene(NamedTuple):
    """An utterance in its surroundings."""

    samples: Samples
    speed: float
    """How much faster than the original."""


def placed(speech: Audio, chance: Chance, *, elsewhere: bool = True) -> Scene:
    """Return the utterance somewhere else.

    Args:
        speech: Samples.
        chance: The same generator gives the same scene.
        elsewhere: Or where it was made, at the same level as the others.
    """
    audio, speed = speech, 1.0
    if elsewhere and chance.random() < SPEED_SHARE:
        speed = float(chance.uniform(*SPEED))
        audio = faster(speech, speed)
    if elsewhere and chance.random() < REVERB_SHARE:
        audio = heard_in(audio, room(chance))
    if elsewhere and chance.random() < LINE_SHARE:
        audio = _line(audio, chance)
    return Scene(scaled(audio), speed)


def in_floats(samples: Samples) -> Audio:
    """Return samples as fractions of full scale."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def scaled(audio: Audio) -> Samples:
    """Return samples of a common level."""
    peak = float(np.abs(audio).max()) + 1e-9
    samples: Samples = np.rint(audio * (_PEAK * FULL_SCALE / peak)).astype(np.int16)
    return samples


def blocks(audio: Audio) -> Audio:
    """Return the energy of each LOUDEST_SAMPLES samples."""
    count = max(1, len(audio) // LOUDEST_SAMPLES)
    found: Audio = (np.resize(audio, (count, LOUDEST_SAMPLES)) ** 2).sum(axis=1)
    return found


def _line(audio: Audio, chance: Chance) -> Audio:
    """Return it through a poor microphone, a telephone's companding, or a codec."""
    kind = int(chance.integers(3))
    if kind == 0:
        spectrum = np.fft.rfft(audio)
        hz = np.linspace(0, SAMPLE_RATE_HZ / 2, len(spectrum))
        low, high = float(chance.uniform(20, 300)), float(chance.uniform(3000, 8000))
        kept = hz**2 / (hz**2 + low**2) / (1 + (hz / high) ** 8)
        return np.asarray(np.fft.irfft(spectrum * kept, len(audio)), np.float32)
    peak = float(np.abs(audio).max()) + 1e-9
    if kind == 1:
        law = np.sign(audio) * np.log1p(255 * np.abs(audio) / peak) / np.log(256)
        steps = np.rint(law * 127) / 127
        coarse = np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255 * peak
        return np.asarray(coarse, np.float32)
    return _opus(audio / peak) * peak


def _opus(audio: Audio) -> Audio:
    import soundfile as untyped  # noqa: PLC0415 - only the recipe needs it

    soundfile: Any = untyped
    buffer = io.BytesIO()
    soundfile.write(
        buffer, audio * 0.9, SAMPLE_RATE_HZ, format="OGG", subtype="OPUS", compression_level=0.9
    )
    buffer.seek(0)
    heard, rate_hz = soundfile.read(buffer, dtype="float32")
    every = max(1, rate_hz // SAMPLE_RATE_HZ)
    return np.resize(heard[::every] / 0.9, len(audio)).astype(np.float32)
