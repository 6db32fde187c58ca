"""Rooms in which recordings might have been made. Pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_protocol.audio import SAMPLE_RATE_HZ

Audio = npt.NDArray[np.float32]
Chance = np.random.Generator

_DECAY: Final = 6.91
_SOUND_M_S: Final = 343.0


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


def heard_in(audio: Audio, answer: Audio) -> Audio:
    """Return sound in the room of such an answer, as long as before."""
    size = 1 << (len(audio) + len(answer)).bit_length()
    both = np.fft.rfft(audio, size) * np.fft.rfft(answer, size)
    return np.asarray(np.fft.irfft(both, size)[: len(audio)], np.float32)
