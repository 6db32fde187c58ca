"""Recordings as batches that a network can learn from."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import torch

from antiphon_engines.deepspeech.features import Samples, inputs
from antiphon_engines.deepspeech.training.augment import Augmentation, augment
from antiphon_engines.deepspeech.training.manifest import Sample
from antiphon_engines.deepspeech.training.recordings import read_recording
from antiphon_engines.deepspeech.weights import Floats, Geometry

KEPT_BYTES_MAX: Final = 256 * 1024 * 1024
"""Recordings that stay in memory from epoch to epoch; those after are read again."""
_POOL_BATCHES: Final = 8
"""Batches are made of recordings of like length, out of so many."""


class Batch(msgspec.Struct, frozen=True, eq=False):
    """Utterances, filled up with zeros to the longest."""

    inputs: torch.Tensor
    """float32 [utterances, frames, geometry.inputs]"""
    frames: torch.Tensor
    """int64 [utterances]"""
    labels: torch.Tensor
    """int64, all texts one after the other."""
    lengths: torch.Tensor
    """int64 [utterances], of the texts."""
    texts: tuple[str, ...]


class Corpus:
    """A list of samples, read as they are needed."""

    def __init__(self, samples: Sequence[Sample], geometry: Geometry) -> None:
        self.samples = tuple(samples)
        self._geometry = geometry
        self._kept: dict[Path, Samples] = {}
        self._kept_bytes = 0
        self.too_short = 0
        """Utterances left out: fewer frames than their text needs."""

    def batches(
        self, size: int, *, how: Augmentation, seed: int, shuffled: bool = True
    ) -> Iterator[Batch]:
        """Yield every sample once, in batches; the same for the same seed.

        Raises:
            TrainingError: a recording cannot be read.
        """
        random = np.random.default_rng(seed)
        order = random.permutation(len(self.samples)) if shuffled else range(len(self.samples))
        pool_size = size * _POOL_BATCHES
        for at in range(0, len(self.samples), pool_size):
            chosen = [self.samples[one] for one in order[at : at + pool_size]]
            pool = [(one, self.utterance(one, how, random)) for one in chosen]
            fitting = [one for one in pool if len(one[1]) >= _frames_needed(one[0].labels)]
            self.too_short += len(pool) - len(fitting)
            fitting.sort(key=lambda one: len(one[1]))
            groups = [fitting[begin : begin + size] for begin in range(0, len(fitting), size)]
            for group in random.permutation(len(groups)):
                yield _batch(groups[group])

    def utterance(self, sample: Sample, how: Augmentation, random: np.random.Generator) -> Floats:
        """Return a sample as the network takes it: float32 [frames, geometry.inputs]."""
        pcm = augment(self._read(sample.path), how, random, self._geometry.sample_rate_hz)
        return inputs(pcm, self._geometry)

    def _read(self, path: Path) -> Samples:
        if path in self._kept:
            return self._kept[path]
        pcm = read_recording(path, self._geometry.sample_rate_hz)
        if self._kept_bytes + pcm.nbytes <= KEPT_BYTES_MAX:
            self._kept_bytes += pcm.nbytes
            self._kept[path] = pcm
        return pcm


def _frames_needed(labels: Sequence[int]) -> int:
    """Return one frame a label, and one for the blank between two equal ones."""
    return len(labels) + sum(first == second for first, second in pairwise(labels))


def _batch(group: Sequence[tuple[Sample, Floats]]) -> Batch:
    longest = max(len(utterance) for _, utterance in group)
    padded = np.zeros((len(group), longest, group[0][1].shape[1]), np.float32)
    for at, (_, utterance) in enumerate(group):
        padded[at, : len(utterance)] = utterance
    return Batch(
        inputs=torch.from_numpy(padded),
        frames=torch.tensor([len(utterance) for _, utterance in group]),
        labels=torch.tensor([label for sample, _ in group for label in sample.labels]),
        lengths=torch.tensor([len(sample.labels) for sample, _ in group]),
        texts=tuple(sample.text for sample, _ in group),
    )
