"""Word vectors: GloVe's, turned into fewer dimensions and fewer words."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon_hub.nlu.natural.words import NUMBER

AXES_OF: Final = 20_000
"""The most frequent words, whose main axes are kept."""
ENDINGS: Final = {
    "'s": "is",
    "n't": "not",
    "'m": "am",
    "'re": "are",
    "'ll": "will",
    "'d": "would",
    "'ve": "have",
    NUMBER: "five",
}
"""Tokens that GloVe writes otherwise, and the word whose vector they take."""


class Vectors(NamedTuple):
    """Words and their vectors, one row each."""

    words: list[str]
    rows: NDArray[np.float32]


def read_vectors(path: Path, wanted: Collection[str], common: int, dimensions: int) -> Vectors:
    """Return the first `common` words of the file and those wanted, on their main axes.

    The file is GloVe's text format: a word and its numbers on each line, frequent words first.
    (Pennington, Socher, Manning, EMNLP 2014; the vectors are in the public domain, PDDL 1.0.)
    """
    words, rows = [], []
    for at, (word, numbers) in enumerate(_lines(path)):
        plain = word.isascii() and word.isalpha()
        if at < AXES_OF or (plain and word in wanted):
            words.append(word if plain else "")
            rows.append(numbers)
    every = np.array(rows, dtype=np.float32)
    frequent = every[:AXES_OF]
    middle = frequent.mean(axis=0)
    axes = np.linalg.svd(frequent - middle, full_matrices=False)[2][:dimensions]
    turned = (every - middle) @ axes.T
    turned /= np.sqrt(np.square(turned[:AXES_OF]).mean())
    kept = [at for at, word in enumerate(words) if word and (at < common or word in wanted)]
    places = {words[at]: at for at in kept}
    ends = {token: places[word] for token, word in ENDINGS.items() if word in places}
    return Vectors(
        [*ends, *(words[at] for at in kept)], turned[[*ends.values(), *kept]].astype(np.float32)
    )


def _lines(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            word, _, numbers = line.partition(" ")
            yield word, np.fromstring(numbers, dtype=np.float32, sep=" ")
