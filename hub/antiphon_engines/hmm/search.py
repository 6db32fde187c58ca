"""The best sentence of a graph for an utterance, while it comes and when it is there.

Time-synchronous Viterbi search with a beam, by kaldi-decoder.
"""

from typing import Any, Final

import kaldi_decoder
import kaldifst
import msgspec
import numpy as np

from antiphon_engines.hmm.graph import Graph
from antiphon_engines.hmm.model import Floats, Ints

BEAM: Final = 200.0
"""Paths this much less likely than the best are dropped, natural logarithm."""
ACTIVE_MAX: Final = 1500
"""States that are followed at a time: more cost much, and find no more in a home's grammar."""
OTHER_BELOW_BEST: Final = 3.0
"""How far below the best-fitting sound of a frame other sound scores, natural logarithm. Words that
were said are 1 to 2 below it on average, in much noise 2.5."""
WORDS_FIT_MIN: Final = -2.2
"""Words that fit worse on average are made of noise: of children's, few are so far off."""
WEAKEST_FRAMES: Final = 25
"""So long is a short word that was not said, among others that were."""
STEP_FRAMES: Final = 32
"""So many at a time: other threads may run in between."""


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """The best way through the graph."""

    words: tuple[str, ...]
    fit: float
    """Log likelihood ratio of the words' sounds against the best of all, a frame; 0 at best."""
    weakest: float
    """The same where the words fit worst, over WEAKEST_FRAMES of them."""
    silence_fit: float
    """The same of the silences."""
    spoken_frames: int
    other_before: int
    """Frames before the first word of sound that is neither silence nor the wake phrase."""
    other_after: int
    """The same behind it."""


NOTHING: Final = Path(
    words=(), fit=0.0, weakest=0.0, silence_fit=0.0, spoken_frames=0, other_before=0, other_after=0
)


class Search:
    """One utterance; one thread at a time."""

    def __init__(self, graph: Graph, weight: float = 1.0) -> None:
        """Begin.

        Args:
            graph: What may be said.
            weight: How much more all scores count beside the grammar's odds than they say.
        """
        self._graph = graph
        self._weight = np.float32(weight)
        options = kaldi_decoder.FasterDecoderOptions(beam=BEAM, max_active=ACTIVE_MAX)
        self._decoder = kaldi_decoder.FasterDecoder(graph.fst, options)
        self._decoder.init_decoding()
        self._below: list[Floats] = []
        self._frames = 0
        self._words: tuple[str, ...] = ()
        self._words_at = 0

    def push(self, scores: Floats) -> None:
        """Take log likelihoods, (frames, senones)."""
        for begin in range(0, len(scores), STEP_FRAMES):
            self._step(scores[begin : begin + STEP_FRAMES])

    def words(self) -> tuple[str, ...]:
        """Return the best words so far; none if they fit so badly that nobody said them."""
        if self._words_at != self._frames:
            self._words_at = self._frames
            found, lattice = self._decoder.get_best_path(use_final_probs=False)
            path = self._measured(lattice) if found else NOTHING
            self._words = path.words if path.fit > WORDS_FIT_MIN else ()
        return self._words

    def finish(self) -> Path:
        """Return the best whole sentence; the best begin of one if none fits at all."""
        if not self._frames:
            return NOTHING
        found, lattice = self._decoder.get_best_path(use_final_probs=True)
        if not found:  # all ways came to an end before the sound did
            return msgspec.structs.replace(NOTHING, other_after=self._frames)
        return self._measured(lattice)

    def sounds(self) -> tuple[Path, Ints] | None:
        """Return the best whole sentence and each frame's column of scores; None if none fits."""
        found, lattice = self._decoder.get_best_path(use_final_probs=True)
        if not found:
            return None
        _, labels, _, _ = kaldifst.get_linear_symbol_sequence(lattice)
        return self._measured(lattice), np.array(labels, np.int64) - 1

    def _step(self, scores: Floats) -> None:
        below = scores - scores.max(axis=1, keepdims=True)
        self._below.append(below)
        other = np.full((len(below), 1), -OTHER_BELOW_BEST, np.float32)
        columns = np.concatenate((below, other, below[:, self._graph.called]), axis=1)
        columns *= self._weight
        self._decoder.advance_decoding(kaldi_decoder.DecodableCtc(columns, self._frames))
        self._frames += len(below)

    def _measured(self, lattice: Any) -> Path:
        _, labels, words, _ = kaldifst.get_linear_symbol_sequence(lattice)
        sounds = np.array(labels, np.int64) - 1
        graph = self._graph
        fits = self._fits(np.minimum(sounds, graph.other - 1))
        silent = np.isin(sounds, list(graph.silence))
        spoken = (sounds < graph.other) & ~silent
        first = int(np.argmax(spoken))
        return Path(
            words=tuple(graph.words[label] for label in words),
            fit=_mean(fits[spoken]),
            weakest=_weakest(fits[spoken]),
            silence_fit=_mean(fits[silent]),
            spoken_frames=int(spoken.sum()),
            other_before=int((sounds[:first] == graph.other).sum()),
            other_after=int((sounds[first:] == graph.other).sum()),
        )

    def _fits(self, sounds: Ints) -> Floats:
        """Return how far below the best-fitting sound each frame's own is."""
        found, at = [], 0
        for below in self._below:
            found.append(below[np.arange(len(below)), sounds[at : at + len(below)]])
            at += len(below)
        return np.concatenate(found)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _weakest(values: Floats) -> float:
    """Return the least mean of WEAKEST_FRAMES in a row; of all, where there are fewer."""
    if len(values) <= WEAKEST_FRAMES:
        return _mean(values)
    sums = np.cumsum(np.concatenate(([0.0], values)))
    return float((sums[WEAKEST_FRAMES:] - sums[:-WEAKEST_FRAMES]).min() / WEAKEST_FRAMES)
