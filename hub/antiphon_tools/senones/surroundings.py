"""Recordings as they might have been made elsewhere: speed, room, noise, line, level. Pure."""

import io
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.deepspeech.training.augment import faster
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools.senones.noises import SAMPLES, Audio, Chance

FULL_SCALE: Final = 32768.0
WARPS: Final = (0.88, 0.94, 1.0, 1.0, 1.0, 1.06, 1.12)
"""Of the frequencies (see FrontEnd): what opinions assume."""
SPEED: Final = (0.88, 1.25)
"""Readers take their time; who commands a house does not."""
SNR_DB: Final = (0.0, 30.0)
CLEAN_SHARE: Final = 0.15
REVERB_SHARE: Final = 0.45
LINE_SHARE: Final = 0.15
_LOUDEST_SAMPLES: Final = 2048
_DECAY: Final = 6.91
_SOUND_M_S: Final = 343.0


class Scene(NamedTuple):
    """An utterance in its surroundings."""

    samples: Samples
    speed: float
    """How much faster than the original."""


def placed(speech: Audio, noise: Sequence[Audio], chance: Chance) -> Scene:
    """Return the utterance somewhere else.

    Args:
        speech: Samples, full scale 1.
        noise: Pieces of SAMPLES each.
        chance: The same generator gives the same scene.
    """
    speed = float(chance.uniform(*SPEED)) if chance.random() < 0.6 else 1.0  # noqa: PLR2004
    audio = speech if speed == 1.0 else faster(speech, speed)
    if chance.random() < REVERB_SHARE:
        audio = _heard(audio, room(chance))
    if chance.random() > CLEAN_SHARE:
        audio = _mixed(audio, noise[int(chance.integers(len(noise)))], chance)
    if chance.random() < LINE_SHARE:
        audio = _line(audio, chance)
    peak = float(np.abs(audio).max()) + 1e-9
    loud = 10 ** (float(chance.uniform(-35, 3)) / 20)
    scaled = audio * (loud * FULL_SCALE / peak)
    clipped = np.clip(np.rint(scaled), -FULL_SCALE, FULL_SCALE - 1)
    return Scene(clipped.astype(np.int16), speed)


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


def _mixed(audio: Audio, noise: Audio, chance: Chance) -> Audio:
    """Add noise; the ratio is between the loudest frames of both, as the benches take it."""
    piece = np.resize(np.roll(noise, -int(chance.integers(SAMPLES))), len(audio))
    wanted = 10 ** (-float(chance.uniform(*SNR_DB)) / 10)
    gain = np.sqrt(_loudest(audio) / max(1e-12, _loudest(piece)) * wanted)
    return np.asarray(audio + gain * piece, np.float32)


def _loudest(audio: Audio) -> float:
    frames = max(1, len(audio) // _LOUDEST_SAMPLES)
    return float((np.resize(audio, (frames, _LOUDEST_SAMPLES)) ** 2).sum(axis=1).max())


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
