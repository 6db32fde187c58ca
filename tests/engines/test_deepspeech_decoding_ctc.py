"""CTC's sums and paths are those of an enumeration of all paths."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.deepspeech import ctc
from antiphon_engines.errors import EngineFailedError
from tests.support.posteriors import softmax

LABELS = 2
BLANK = LABELS


def matrix(steps: int, seed: int) -> ctc.Probabilities:
    rng = np.random.default_rng(seed)
    return ctc.checked(softmax(rng.normal(size=(steps, LABELS + 1)) * 2), LABELS + 1)


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != BLANK)


def paths(probabilities: ctc.Probabilities) -> dict[tuple[int, ...], float]:
    """Return every path's probability."""
    steps = range(len(probabilities))
    return {
        path: math.prod(probabilities[step, path[step]] for step in steps)
        for path in itertools.product(range(LABELS + 1), repeat=len(probabilities))
    }


@given(st.integers(1, 6), st.integers(0, 1000), st.lists(st.integers(0, LABELS - 1), max_size=4))
def test_a_text_is_as_likely_as_all_its_paths(steps: int, seed: int, labels: list[int]) -> None:
    probabilities = matrix(steps, seed)
    wanted = sum(p for path, p in paths(probabilities).items() if collapse(path) == tuple(labels))
    found = ctc.log_likelihood(probabilities, labels)
    assert math.exp(found) == pytest.approx(wanted, rel=1e-9)


@given(st.integers(1, 6), st.integers(0, 1000), st.lists(st.integers(0, 1), min_size=1, max_size=3))
def test_labels_are_aligned_along_the_likeliest_path(
    steps: int, seed: int, labels: list[int]
) -> None:
    probabilities = matrix(steps, seed)
    mine = {p: v for p, v in paths(probabilities).items() if collapse(p) == tuple(labels)}
    spans = ctc.align(probabilities, labels)
    if not mine:
        assert spans == []
        return
    assert all(begin < end for begin, end in spans)
    path = [BLANK] * steps
    for label, (begin, end) in zip(labels, spans, strict=True):
        path[begin:end] = [label] * (end - begin)
    assert mine[tuple(path)] == pytest.approx(max(mine.values()), rel=1e-9)


@given(st.integers(1, 5), st.integers(0, 1000))
def test_the_best_path_is_the_likeliest(steps: int, seed: int) -> None:
    probabilities = matrix(steps, seed)
    path, likeliest = max(paths(probabilities).items(), key=lambda item: item[1])
    labels, log_probability = ctc.best_path(probabilities)
    assert tuple(labels) == collapse(path)
    assert math.exp(log_probability) == pytest.approx(likeliest, rel=1e-9)


def test_nothing_says_nothing() -> None:
    empty = np.zeros((0, 3))
    assert ctc.log_likelihood(empty, []) == 0.0
    assert ctc.log_likelihood(empty, [1]) == -math.inf
    assert ctc.align(empty, [1]) == []
    assert ctc.best_path(empty) == ([], 0.0)


def test_too_long_to_align_is_not_aligned() -> None:
    steps = np.full((ctc.ALIGN_CELLS_MAX // 3 + 1, 2), 0.5)
    assert ctc.align(steps, [0]) == []


@pytest.mark.parametrize(
    "bad",
    [
        np.full((2, 3), np.nan),
        np.full((2, 3), np.inf),
        np.full((2, 3), 0.9),
        np.array([[2.0, -1.0, 0.0]]),
        np.log(np.full((2, 3), 1 / 3)),
        np.full((2, 4), 0.25),
        np.full(3, 1 / 3),
    ],
    ids=["nan", "infinite", "too-much", "negative", "logarithms", "classes", "no-matrix"],
)
def test_what_is_no_probability_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(EngineFailedError, match="network"):
        ctc.checked(bad, 3)


def test_rounding_is_forgiven_and_nothing_is_impossible() -> None:
    half = np.array([[0.999, 0.0, 0.004]], np.float16)
    assert ctc.checked(half, 3).min() == ctc.PROBABILITY_MIN
