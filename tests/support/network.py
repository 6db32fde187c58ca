"""Small networks and audio for tests of the DeepSpeech engine."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.weights import Geometry, Weights, random_weights

Samples = npt.NDArray[np.int16]
A = TypeVar("A", bound=npt.NDArray[Any])

SMALL = Geometry(hidden=24, lstm=16)


def network(seed: int = 3, geometry: Geometry = SMALL) -> Weights:
    """Return a network whose outputs differ from frame to frame, and from seed to seed."""
    return random_weights(geometry, seed, gain=2.0)


def noise(samples: int, seed: int = 0) -> Samples:
    """Return noise whose loudness and colour change."""
    random = np.random.default_rng(seed)
    loudness = np.repeat(random.uniform(1, 9000, -(-samples // 1600)), 1600)[:samples]
    return np.rint(random.normal(0, 1, samples) * loudness).clip(-32_768, 32_767).astype(np.int16)


def cut(array: A, sizes: Sequence[int]) -> Iterator[A]:
    """Return the array in parts of these sizes, again and again."""
    at = 0
    for size in cycle(sizes):
        if at >= len(array):
            return
        yield array[at : at + size]
        at += size
