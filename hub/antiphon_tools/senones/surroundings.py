"""Recordings as they might have been made elsewhere: speed, room, line. Pure."""

import io
from typing import Any, Final, NamedTuple

import numpy as np

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.deepspeech.training.augment import faster
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools.senones.noises import Audio, Chance

FULL_SCALE: Final = 32768.0
SPEED: Final = (0.85, 1.25)
"""Readers take their time; who commands a house does not."""
SPEED_SHARE: Final = 0.6
REVERB_SHARE: Final = 0.5
LINE_SHARE: Final = 0.12
LOUDEST_SAMPLES: Final = 2048
"""How long a sound is taken to be when the loudest of speech and noise are compared."""
_PEAK: Final = 0.5
_DECAY: Final = 6.91
_SOUND_M_S: Final = 343.0


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
        audio = _heard(audio, room(chance))
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


def room(chance: Chance) -> Audio:
    """Return a room's answer to a click: first reflections of a box, then a fading tail.

    Source: Allen & Berkley, "Image method for efficiently simulating small-room acoustics", 1979,
    first order alone; what follows is noise that falls by 60 dB in the reverberation time.
    """
    size = chance.uniform((2.5, 2.5, 2.2), (8.0, 7.0, 3.2))
    decay_s = float(chance.uniform(0.15, 0.7))
    speaker, microphone = (chance.uniform(0.15, 0.85, 3) * size for _ in range(2))
    direct_m = max(0.3, float(np.linalg.norm(speaker - microphone)))
    answer = np.zeros(int(decay_s * SAMPLE_RATE_HZ), np.float32)
    answer[0] = 1.0
    reflects = float(chance.uniform(0.4, 0.9))
    for axis in range(3):
        for wall in (0.0, float(size[axis])):
            image = speaker.copy()
            image[axis] = 2 * wall - image[axis]
            way_m = float(np.linalg.norm(image - microphone))
            at = int((way_m - direct_m) / _SOUND_M_S * SAMPLE_RATE_HZ)
            if 0 < at < len(answer):
                answer[at] += reflects * direct_m / way_m
    late = np.exp(-_DECAY * np.arange(len(answer)) / len(answer))
    tail = chance.standard_normal(len(answer)) * late
    tail[: int(0.004 * SAMPLE_RATE_HZ)] = 0.0
    share = float(chance.uniform(0.05, 0.45)) * min(3.0, direct_m)
    tail *= share / float(np.sqrt(np.sum(tail**2)))
    return (answer + tail).astype(np.float32)


def _heard(audio: Audio, answer: Audio) -> Audio:
    size = 1 << (len(audio) + len(answer)).bit_length()
    both = np.fft.rfft(audio, size) * np.fft.rfft(answer, size)
    return np.asarray(np.fft.irfft(both, size)[: len(audio)], np.float32)


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
