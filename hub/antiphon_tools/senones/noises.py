"""Noise of a home, all of it made: hiss, hum, fans, water, clatter, tones, talk, crowds. Pure.

Nothing here is a recording; talk is made of other utterances.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools.senones.rooms import Audio, Chance, heard_in, room

SECONDS: Final = 12
SAMPLES: Final = SECONDS * SAMPLE_RATE_HZ
BABBLE_VOICES: Final = (3, 7)
CROWD_VOICES: Final = (4, 16)
CROWD_ROOMS: Final = 4
"""Places of a room that people of a crowd stand in: one answer of the room each."""
FAR_SHARE: Final = 0.25
"""Of what is heard is heard across a room, not beside the microphone."""


def noises(count: int, speech: Sequence[Audio], chance: Chance) -> list[Audio]:
    """Return so many pieces of noise, SAMPLES long each, root mean square 1.

    Args:
        count: How many.
        speech: Utterances that talk is made of.
        chance: The same generator makes the same noise.
    """
    kinds: list[Callable[[Chance], Audio]] = [
        _hiss,
        _hum,
        _fan,
        _water,
        _clatter,
        _clatter,
        _tones,
        lambda own: _talk(own, speech, 1),
        lambda own: _talk(own, speech, int(own.integers(*BABBLE_VOICES))),
        lambda own: _crowd(own, speech),
        lambda own: _crowd(own, speech) + _level(_clatter(own)) * float(own.uniform(0.5, 3)),
    ]
    found = []
    for number in range(count):
        noise = kinds[number % len(kinds)](chance)
        if chance.random() < 0.5:  # noqa: PLR2004 - two at a time, as often as not
            other = kinds[int(chance.integers(len(kinds)))](chance)
            noise = noise + other * float(chance.uniform(0.2, 1.5))
        if chance.random() < FAR_SHARE:
            noise = heard_in(noise, room(chance))
        found.append(_level(noise))
    return found


def _level(audio: Audio) -> Audio:
    power = float(np.sqrt(np.mean(audio.astype(np.float64) ** 2)))
    return (audio / max(power, 1e-9)).astype(np.float32)


def _shaped(chance: Chance, shape: Callable[[Audio], Audio]) -> Audio:
    """Return white noise whose amplitude at each frequency, Hz, is what `shape` says."""
    spectrum = np.fft.rfft(chance.standard_normal(SAMPLES).astype(np.float32))
    hz = np.linspace(0, SAMPLE_RATE_HZ / 2, len(spectrum), dtype=np.float32)
    return _level(np.fft.irfft(spectrum * shape(hz), SAMPLES).astype(np.float32))


def _swelling(chance: Chance, per_s: float, depth: float) -> Audio:
    """Return a gain that wanders, SAMPLES long."""
    points = chance.standard_normal(max(3, int(SECONDS * per_s)))
    at = np.linspace(0, len(points) - 1, SAMPLES)
    return np.exp(depth * np.interp(at, np.arange(len(points)), points)).astype(np.float32)


def _hiss(chance: Chance) -> Audio:
    """White to brown, or with a hill anywhere."""
    slope = float(chance.uniform(0, 1.2))
    centre, width = float(chance.uniform(200, 6000)), float(chance.uniform(200, 3000))
    height = float(chance.choice([0.0, 0.0, 3.0, 10.0]))

    def shape(hz: Audio) -> Audio:
        hill = 1 + height * np.exp(-(((hz - centre) / width) ** 2))
        return np.asarray(hill / np.maximum(hz, 40) ** slope, np.float32)

    return _shaped(chance, shape)


def _hum(chance: Chance) -> Audio:
    """Of the mains, with its harmonics, over a little hiss."""
    base = float(chance.choice([50.0, 60.0, 100.0, 120.0])) * float(chance.uniform(0.995, 1.005))
    at = np.arange(SAMPLES, dtype=np.float32) / SAMPLE_RATE_HZ
    hum = np.zeros(SAMPLES, np.float32)
    for order in range(1, int(chance.integers(3, 14))):
        gain = float(chance.uniform(0.2, 1)) / order ** float(chance.uniform(0.3, 1.2))
        hum += gain * np.sin(2 * np.pi * base * order * at + float(chance.uniform(0, 6.28)))
    return _level(hum) + _hiss(chance) * float(chance.uniform(0.05, 0.6))


def _fan(chance: Chance) -> Audio:
    """Low rushing whose loudness turns with the blades; motors whine above it."""
    turns_hz, corner = float(chance.uniform(4, 60)), float(chance.uniform(150, 2500))
    at = np.arange(SAMPLES, dtype=np.float32) / SAMPLE_RATE_HZ
    rush = _shaped(chance, lambda hz: np.asarray(1 / (1 + (hz / corner) ** 2), np.float32))
    rush *= 1 + float(chance.uniform(0, 0.6)) * np.sin(2 * np.pi * turns_hz * at)
    whine = np.sin(2 * np.pi * float(chance.uniform(200, 3000)) * at).astype(np.float32)
    return np.asarray(rush + whine * float(chance.choice([0.0, 0.1, 0.4])), np.float32)


def _water(chance: Chance) -> Audio:
    """Running water, frying, rain: a high band that flickers."""
    low, high = float(chance.uniform(200, 1500)), float(chance.uniform(2500, 8000))

    def shape(hz: Audio) -> Audio:
        return np.asarray(hz**2 / (hz**2 + low**2) / (1 + (hz / high) ** 4), np.float32)

    steady = _shaped(chance, shape) * _swelling(chance, float(chance.uniform(2, 40)), 0.4)
    drops = _hits(chance, per_s=float(chance.uniform(2, 40)), hz=(500, 5000), decay_s=(0.003, 0.03))
    return np.asarray(steady + drops * float(chance.uniform(0, 1)), np.float32)


def _clatter(chance: Chance) -> Audio:
    """Dishes, cutlery, cupboards, steps: ringing and dull hits, over a quiet rush."""
    ringing = _hits(chance, float(chance.uniform(1, 8)), (600, 7000), (0.01, 0.25))
    dull = _hits(chance, float(chance.uniform(0.5, 4)), (60, 900), (0.01, 0.08))
    loud = ringing * float(chance.uniform(0.3, 1)) + dull * float(chance.uniform(0, 1))
    return np.asarray(loud + _hiss(chance) * float(chance.uniform(0.02, 0.4)), np.float32)


def _hits(
    chance: Chance, per_s: float, hz: tuple[float, float], decay_s: tuple[float, float]
) -> Audio:
    """Return hits at random, each a few tones and a burst of noise that die away."""
    sum_of = np.zeros(SAMPLES, np.float32)
    for _ in range(max(1, int(per_s * SECONDS))):
        decay = float(chance.uniform(*decay_s))
        count = int(min(6 * decay, 0.6) * SAMPLE_RATE_HZ)
        begin = int(chance.integers(0, SAMPLES - count))
        at = np.arange(count, dtype=np.float32) / SAMPLE_RATE_HZ
        hit = chance.standard_normal(count).astype(np.float32) * float(chance.uniform(0, 0.7))
        hit *= np.exp(-at / (0.3 * decay))
        for _ in range(int(chance.integers(1, 6))):
            tone_hz = float(np.exp(chance.uniform(np.log(hz[0]), np.log(hz[1]))))
            hit += float(chance.uniform(0.2, 1)) * np.sin(2 * np.pi * tone_hz * at)
        loud = float(np.exp(chance.normal(0, 0.7)))
        sum_of[begin : begin + count] += hit * np.exp(-at / decay) * loud
    return _level(sum_of)


def _tones(chance: Chance) -> Audio:
    """Something like music: chords with harmonics that change, and a beat."""
    at = np.arange(SAMPLES, dtype=np.float32) / SAMPLE_RATE_HZ
    music = np.zeros(SAMPLES, np.float32)
    length = int(float(chance.uniform(0.2, 0.9)) * SAMPLE_RATE_HZ)
    for begin in range(0, SAMPLES, length):
        part = slice(begin, min(SAMPLES, begin + length))
        for _ in range(int(chance.integers(1, 5))):
            base = 110.0 * 2 ** (float(chance.integers(0, 40)) / 12)
            for order in range(1, int(chance.integers(2, 8))):
                music[part] += np.sin(2 * np.pi * base * order * at[part]) / order**1.2
        music[part] *= np.linspace(1, float(chance.uniform(0.1, 1)), part.stop - begin)
    beat = _hits(chance, float(chance.uniform(1, 6)), (60, 6000), (0.01, 0.1))
    return _level(music) + beat * float(chance.uniform(0, 0.8))


def _talk(chance: Chance, speech: Sequence[Audio], voices: int) -> Audio:
    """Return other people's speech: one is a television, more are babble."""
    heard = np.zeros(SAMPLES, np.float32)
    for _ in range(voices):
        at = 0
        while at < SAMPLES:
            piece = _level(speech[int(chance.integers(len(speech)))])[: SAMPLES - at]
            heard[at : at + len(piece)] += piece
            at += len(piece) + int(chance.integers(0, SAMPLE_RATE_HZ))
    return heard


def _crowd(chance: Chance, speech: Sequence[Audio]) -> Audio:
    """Return many people who talk in a room, each as loud as far away."""
    answers = [room(chance) for _ in range(CROWD_ROOMS)]
    heard = np.zeros(SAMPLES, np.float32)
    for voice in range(int(chance.integers(*CROWD_VOICES))):
        talk = heard_in(_talk(chance, speech, 1), answers[voice % CROWD_ROOMS])
        heard += _level(talk) * float(np.exp(chance.normal(0, 0.6)))
    return _level(heard)
