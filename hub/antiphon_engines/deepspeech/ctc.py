"""Connectionist temporal classification: what the network's probabilities say about a text.

Source: Graves et al., "Connectionist Temporal Classification", ICML 2006: the forward algorithm
(section 4.1) and the best path. A text is emitted label by label; a label may last several steps,
blanks may stand anywhere, and one must stand between two equal labels. Pure.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from antiphon_engines.errors import EngineFailedError

Probabilities: TypeAlias = npt.NDArray[np.float64]
"""[steps, classes]; what the network gives, made safe by `checked`."""
PROBABILITY_MIN: Final = 1e-10
"""Nothing is quite impossible: below float32's resolution next to 1, with a finite logarithm."""
SUM_TOLERANCE: Final = 0.05
"""A step's probabilities make 1, but for the rounding of int8 and half precision."""
ALIGN_CELLS_MAX: Final = 50_000_000
"""Steps times labels of an alignment, a byte each: a minute of speech needs two million."""


def checked(probabilities: npt.NDArray[Any], classes: int) -> Probabilities:
    """Return a network's output as float64, no value below `PROBABILITY_MIN`.

    Args:
        probabilities: [steps, classes], each step's making 1; any number of steps.
        classes: Labels of the alphabet and the blank.

    Raises:
        EngineFailedError: another shape, not finite, or no probabilities.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != classes:  # noqa: PLR2004 - a matrix
        shape = list(probabilities.shape)
        raise EngineFailedError(f"the network gave {shape} numbers, not [steps, {classes}]")
    rows = probabilities.astype(np.float64)
    sums = rows.sum(axis=1)
    # NaN compares as false, infinite sums are far from 1.
    if not (np.all(np.abs(sums - 1.0) <= SUM_TOLERANCE) and np.all(rows >= -SUM_TOLERANCE)):
        raise EngineFailedError(
            "the network gave numbers that are no probabilities (NaN, or worse)"
        )
    np.maximum(rows, PROBABILITY_MIN, out=rows)
    return rows


def log_likelihood(probabilities: Probabilities, labels: Sequence[int]) -> float:
    """Return ln P(these labels | audio), over all their paths; -inf when the steps are too few.

    Args:
        probabilities: [steps, classes], checked; the blank is the last class.
        labels: Classes of the text, no blanks.
    """
    spaced, may_skip = _spaced(labels, probabilities.shape[1] - 1)
    mass = np.zeros(len(spaced))
    mass[0] = 1.0
    log_scale = 0.0
    emitted = probabilities[:, spaced]
    for step, emission in enumerate(emitted):
        moved = mass.copy()
        if step:
            moved[1:] += mass[:-1]
            moved[2:] += mass[:-2] * may_skip
        else:
            moved[1:2] = 1.0
        mass = moved * emission
        scale = mass.max()
        if scale == 0.0:
            return -np.inf
        mass /= scale
        log_scale += float(np.log(scale))
    final = float(mass[-2:].sum())
    return log_scale + float(np.log(final)) if final > 0.0 else -np.inf


def align(probabilities: Probabilities, labels: Sequence[int]) -> list[tuple[int, int]]:
    """Return when each label is spoken on the likeliest path: its first step, and after its last.

    Empty when the steps are too few for the labels, or too many to align (`ALIGN_CELLS_MAX`).
    """
    spaced, may_skip = _spaced(labels, probabilities.shape[1] - 1)
    if not labels or not 0 < len(probabilities) * len(spaced) <= ALIGN_CELLS_MAX:
        return []
    scores = np.full(len(spaced), -np.inf)
    scores[:2] = 0.0
    moves = np.zeros((len(probabilities), len(spaced)), np.int8)
    skips = np.where(may_skip, 0.0, -np.inf)
    emitted = np.log(probabilities[:, spaced])
    scores += emitted[0]
    came = np.full((3, len(spaced)), -np.inf)
    for step in range(1, len(emitted)):
        came[0] = scores
        came[1, 1:] = scores[:-1]
        came[2, 2:] = scores[:-2] + skips
        moves[step] = came.argmax(axis=0)
        scores = came.max(axis=0) + emitted[step]
    return _spans(moves, scores, len(labels))


def _spans(
    moves: npt.NDArray[np.int8], scores: npt.NDArray[np.float64], labels: int
) -> list[tuple[int, int]]:
    state = 2 * labels - int(scores[-2] >= scores[-1])
    if scores[state] == -np.inf:
        return []
    spans = [(0, 0)] * labels
    for step in range(len(moves) - 1, -1, -1):
        if state % 2:
            end = spans[state // 2][1] or step + 1
            spans[state // 2] = (step, end)
        state -= int(moves[step, state])
    return spans


def best_path(probabilities: Probabilities) -> tuple[list[int], float]:
    """Return the labels of the likeliest path, and its ln P: what no text's path can exceed."""
    blank = probabilities.shape[1] - 1
    classes = probabilities.argmax(axis=1)
    log_probability = float(np.log(probabilities.max(axis=1, initial=PROBABILITY_MIN)).sum())
    begins = np.ones(len(classes), np.bool_)
    begins[1:] = classes[1:] != classes[:-1]
    return classes[begins & (classes != blank)].tolist(), log_probability


def _spaced(
    labels: Sequence[int], blank: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the labels with blanks around each, and which may follow the label before."""
    spaced = np.full(2 * len(labels) + 1, blank, np.int64)
    spaced[1::2] = labels
    return spaced, (spaced[2:] != blank) & (spaced[2:] != spaced[:-2])
