"""CTC prefix beam search over a graph of labels, in numpy: the one search of all decoders.

Source: Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using
Bi-Directional Recurrent DNNs", 2014 (the prefix search, with a language model at word ends), as in
Mozilla's decoder; here all hypotheses of a step are worked out together. A hypothesis is a label
string that the graph allows; its probability sums over all its CTC paths, so that, with a wide
enough beam, the search is exact. Pure: it never reads a clock, and the cuts depend on nothing but
the steps so far, so that chunks of any size give the same result.
"""

import math
from typing import Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.ctc import Probabilities
from antiphon_engines.errors import EngineFailedError

Ints = npt.NDArray[np.int32]
Indices = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

STRINGS_MAX: Final = 4_000_000
"""Label strings that one search remembers, 8 bytes each: a minute at beam 500 makes 1.5 million."""
_MASS_MIN: Final = 1e-250
"""Hypotheses lighter than this, next to the best, are dropped before they underflow."""
# Rows of the hypotheses' integers (a new one's _HISTORY is its parent's, inverted) ...
_NODE, _LAST, _PARENT, _ARC, _HISTORY, _CONTEXT, _WORD, _FIELDS = range(8)
# ... and of their masses: of paths that end in a blank, in the last label; the last word's factor.
_BLANK, _LABEL, _FACTOR = range(3)


class LabelGraph(msgspec.Struct, frozen=True):
    """Which label may follow which: a deterministic automaton, its arcs ordered by state."""

    start: int
    first: Ints
    """[states + 1] Where each state's arcs begin."""
    label: Ints
    """[arcs]"""
    target: Ints
    """[arcs]"""
    may_end: npt.NDArray[np.bool_]
    """[states] A sentence (or the last word of one) may end here."""
    word: Ints
    """[arcs] The sum along a word is the word's number, where words are scored."""
    ends_word: npt.NDArray[np.bool_]
    """[arcs] Where words are scored: with this label one is complete; the target is the start."""

    @property
    def states(self) -> int:
        """How many states there are."""
        return len(self.may_end)


class WordScorer(Protocol):
    """A language model, as the search asks it; one per search."""

    gain_max: float
    """No factor is greater."""

    def score(self, contexts: Ints, words: Ints) -> tuple[Floats, Ints]:
        """Return each word's factor after its context, and the contexts with the words added.

        Context 0 is the beginning of a sentence.
        """
        ...


class Candidate(msgspec.Struct, frozen=True):
    """A hypothesis as it stands."""

    start: int
    """Which of the search's starts it began in."""
    labels: tuple[int, ...]
    log_score: float
    """ln of its probability, the language model's factors included."""
    state: int
    """In the graph."""
    context: int
    """The scorer's, after the last whole word."""
    word: int
    """Sum of the arcs' `word` since then."""


class PrefixBeam:
    """One utterance's search; one thread at a time."""

    def __init__(
        self,
        graph: LabelGraph,
        *,
        beam: int,
        threshold: float,
        scorer: WordScorer | None = None,
        starts: tuple[int, ...] = (),
    ) -> None:
        """Begin at the graph's start.

        Args:
            graph: What is allowed.
            beam: Hypotheses kept after each step.
            threshold: How far a hypothesis may fall behind the best, in nats.
            scorer: For graphs with words.
            starts: States to begin in; empty for the graph's one.
        """
        self._graph = graph
        self._count = np.diff(graph.first)
        self._beam = beam
        self._slots = np.arange(beam + len(starts) + 1, dtype=np.int32)
        self._ratio = max(math.exp(-threshold), _MASS_MIN)
        self._scorer = scorer
        self._gain_max = 1.0 if scorer is None else max(1.0, scorer.gain_max)
        begin = np.array(starts or (graph.start,), np.int32)
        self._state = np.zeros((_FIELDS, len(begin)), np.int32)
        self._state[_NODE] = begin
        self._state[_LAST] = -1
        self._state[_PARENT] = -1
        self._mass = np.zeros((3, len(begin)))
        self._mass[_BLANK] = self._mass[_FACTOR] = 1.0
        self._log_scale = 0.0
        self._state[_HISTORY] = np.arange(len(begin))
        self._strings = _Strings(len(begin))

    def feed(self, probabilities: Probabilities) -> None:
        """Go on by some steps.

        Args:
            probabilities: [steps, classes], checked; the blank is the last class.

        Raises:
            EngineFailedError: more than `STRINGS_MAX` label strings: far too long an utterance.
        """
        for row in probabilities:
            if self._strings.count > STRINGS_MAX:
                raise EngineFailedError("the utterance is too long for one search; end it sooner")
            self._step(row)

    def candidates(self) -> list[Candidate]:
        """Return all hypotheses, best first; nothing changes."""
        mass = self._mass[_BLANK] + self._mass[_LABEL]
        return [self._candidate(int(slot), mass) for slot in np.argsort(-mass, kind="stable")]

    def best(self) -> Candidate:
        """Return the best hypothesis as it stands."""
        mass = self._mass[_BLANK] + self._mass[_LABEL]
        return self._candidate(int(mass.argmax()), mass)

    def _candidate(self, slot: int, mass: Floats) -> Candidate:
        state = self._state[:, slot]
        start, labels = self._strings.labels(int(state[_HISTORY]))
        return Candidate(
            start=start,
            labels=labels,
            log_score=float(np.log(mass[slot])) + self._log_scale,
            state=int(state[_NODE]),
            context=int(state[_CONTEXT]),
            word=int(state[_WORD]),
        )

    def _step(self, row: Floats) -> None:
        total = self._mass[_BLANK] + self._mass[_LABEL]
        stay = self._mass.copy()
        stay[_BLANK] = total * row[-1]
        # The last label of the empty string is -1, the blank; it has no mass there.
        stay[_LABEL] *= row[self._state[_LAST]]
        source, arcs, offsets = self._extensions()
        label = self._graph.label[arcs]
        repeated = label == self._state[_LAST, source]
        grown = np.where(repeated, self._mass[_BLANK, source], total[source]) * row[label]
        self._merge(stay, grown, offsets)
        stayed = stay[_BLANK] + stay[_LABEL]
        likely = np.flatnonzero(grown * self._gain_max > stayed.max() * self._ratio)
        new, factor = self._new(source[likely], arcs[likely], label[likely])
        masses = np.concatenate((stayed, grown[likely] * factor))
        kept = self._kept(masses)
        self._state = np.concatenate((self._state, new), axis=1)[:, kept]
        grown_mass = np.vstack((np.zeros(len(likely)), masses[len(stayed) :], factor))
        self._mass = np.concatenate((stay, grown_mass), axis=1)[:, kept]
        self._settle(kept, len(stayed))

    def _extensions(self) -> tuple[Ints, Ints, Ints]:
        """Return each possible extension's slot and arc, and where each slot's ones begin."""
        node = self._state[_NODE]
        count = self._count[node]
        ends = np.cumsum(count, dtype=np.int32)
        offsets = ends - count
        source = np.repeat(self._slots[: len(node)], count)
        arcs = np.arange(ends[-1], dtype=np.int32)
        arcs += (self._graph.first[node] - offsets)[source]
        return source, arcs, offsets

    def _merge(self, stay: Floats, grown: Floats, offsets: Ints) -> None:
        """Give what would be a hypothesis that is there already to that one."""
        child = np.flatnonzero(self._state[_PARENT] >= 0)
        parent = self._state[_PARENT, child]
        first = self._graph.first[self._state[_NODE, parent]]
        at = offsets[parent] + self._state[_ARC, child] - first
        stay[_LABEL, child] += grown[at] * stay[_FACTOR, child]
        grown[at] = 0.0

    def _new(self, source: Ints, arcs: Ints, label: Ints) -> tuple[Ints, Floats]:
        """Return the states of extended hypotheses, and what their last word's end is worth."""
        old = self._state[:, source]
        new = np.empty_like(old)
        new[_NODE] = self._graph.target[arcs]
        new[_LAST] = label
        new[_PARENT] = source
        new[_ARC] = arcs
        # Strings are written down once it is clear which stay.
        new[_HISTORY] = ~old[_HISTORY]
        new[_CONTEXT] = old[_CONTEXT]
        new[_WORD] = 0
        factor = np.ones(len(source))
        if self._scorer is not None:
            self._score(self._scorer, old, new, factor)
        return new, factor

    def _score(self, scorer: WordScorer, old: Ints, new: Ints, factor: Floats) -> None:
        arcs = new[_ARC]
        new[_WORD] = old[_WORD] + self._graph.word[arcs]
        ends = np.flatnonzero(self._graph.ends_word[arcs])
        if len(ends):
            factor[ends], new[_CONTEXT, ends] = scorer.score(old[_CONTEXT, ends], new[_WORD, ends])
            new[_WORD, ends] = 0

    def _kept(self, masses: Floats) -> Indices:
        """Return which hypotheses stay, in their order."""
        kept = np.flatnonzero(masses > masses.max() * self._ratio)
        if len(kept) > self._beam:
            kept = kept[np.argpartition(-masses[kept], self._beam)[: self._beam]]
            kept.sort()
        return kept

    def _settle(self, kept: Indices, before: int) -> None:
        """Renumber the parents, write new label strings down, scale the best to about 1."""
        slots = np.full(before + 1, -1, np.int32)
        stayed = int(np.searchsorted(kept, before))
        slots[kept[:stayed]] = self._slots[:stayed]
        self._state[_PARENT] = slots[self._state[_PARENT]]
        history = self._state[_HISTORY]
        unwritten = np.flatnonzero(history < 0)
        if len(unwritten):
            history[unwritten] = self._strings.add(
                ~history[unwritten], self._state[_LAST, unwritten]
            )
        scale = float(self._mass[:_FACTOR].max())
        self._mass[:_FACTOR] /= scale
        self._log_scale += math.log(scale)


class _Strings:
    """Label strings as trees; the first ones are empty, one for each start."""

    def __init__(self, starts: int) -> None:
        self.count = starts
        self._starts = starts
        self._parents = [np.zeros(starts, np.int32)]
        self._labels = [np.zeros(starts, np.int32)]

    def add(self, parents: Ints, labels: Ints) -> Ints:
        """Return the numbers of new strings: a label more than their parents."""
        self._parents.append(parents)
        self._labels.append(labels)
        self.count += len(parents)
        return np.arange(self.count - len(parents), self.count, dtype=np.int32)

    def labels(self, string: int) -> tuple[int, tuple[int, ...]]:
        """Return a string's start, and its labels."""
        if len(self._parents) > 1:
            self._parents = [np.concatenate(self._parents)]
            self._labels = [np.concatenate(self._labels)]
        parents, labels = self._parents[0], self._labels[0]
        found: list[int] = []
        while string >= self._starts:
            found.append(int(labels[string]))
            string = int(parents[string])
        return string, tuple(reversed(found))
