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
_MASS_MIN: Final = 1e-200
"""Hypotheses lighter than this, next to the best, are dropped before they underflow."""
_SCALE_MIN: Final = 1e-50
"""The best hypothesis's mass is scaled to 1 when it is smaller, or as much greater."""
# Rows of the hypotheses' integers ...
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

    outlook: Floats
    """[states] What a scorer will give at best for the word that has begun, 1 where none is: it
    ranks hypotheses fairly, and is no part of their score."""
    hope: Floats
    """[arcs] The outlook after this arc, or what the word that ends with it is worth at best."""

    @property
    def states(self) -> int:
        """How many states there are."""
        return len(self.may_end)


class WordScorer(Protocol):
    """A language model, as the search asks it; one per search."""

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
        ranks = mass * self._graph.outlook.take(self._state[_NODE])
        return self._candidate(int(ranks.argmax()), mass)

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
        stay[_LABEL] *= row.take(self._state[_LAST])
        source, arcs, offsets = self._extensions()
        label = self._graph.label.take(arcs)
        repeated = label == self._state[_LAST].take(source)
        grown = np.where(repeated, self._mass[_BLANK].take(source), total.take(source))
        grown *= row.take(label)
        self._merge(stay, grown, offsets)
        self._cut(stay, _Grown(source, arcs, grown))

    def _extensions(self) -> tuple[Ints, Ints, Ints]:
        """Return each possible extension's slot and arc, and where each slot's ones begin."""
        node = self._state[_NODE]
        count = self._count.take(node)
        ends = count.cumsum(dtype=np.int32)
        offsets = ends - count
        source = self._slots[: len(node)].repeat(count)
        arcs = np.arange(ends[-1], dtype=np.int32)
        arcs += (self._graph.first.take(node) - offsets).take(source)
        return source, arcs, offsets

    def _merge(self, stay: Floats, grown: Floats, offsets: Ints) -> None:
        """Give what would be a hypothesis that is there already to that one."""
        child = np.flatnonzero(self._state[_PARENT] >= 0)
        parent = self._state[_PARENT].take(child)
        first = self._graph.first.take(self._state[_NODE].take(parent))
        at = offsets.take(parent) + self._state[_ARC].take(child) - first
        stay[_LABEL, child] += grown.take(at) * stay[_FACTOR].take(child)
        grown[at] = 0.0

    def _cut(self, stay: Floats, grown: "_Grown") -> None:
        """Keep the best of what stays and what has grown."""
        stayed = stay[_BLANK] + stay[_LABEL]
        ranks = stayed * self._graph.outlook.take(self._state[_NODE])
        hopes = grown.mass * self._graph.hope.take(grown.arcs)
        likely = grown.take(np.flatnonzero(hopes > ranks.max() * self._ratio))
        factor, context, word = self._scored(likely)
        likely.mass *= factor
        grown_ranks = likely.mass * self._graph.outlook.take(self._graph.target.take(likely.arcs))
        kept = self._kept(np.concatenate((ranks, grown_ranks)))
        old = kept[: int(kept.searchsorted(len(ranks)))]
        picked = kept[len(old) :] - len(ranks)
        new = likely.take(picked)
        self._mass = np.empty((3, len(kept)))
        stay.take(old, axis=1, out=self._mass[:, : len(old)])
        self._mass[_BLANK, len(old) :] = 0.0
        self._mass[_LABEL, len(old) :] = new.mass
        self._mass[_FACTOR, len(old) :] = factor.take(picked)
        self._replace(old, new, context.take(picked), word.take(picked))
        self._rescale()

    def _scored(self, likely: "_Grown") -> tuple[Floats, Ints, Ints]:
        """Return what ended words are worth, and the contexts and words' sums from here on."""
        factor = np.ones(len(likely.mass))
        context = self._state[_CONTEXT].take(likely.source)
        if self._scorer is None:
            return factor, context, context
        word = self._state[_WORD].take(likely.source) + self._graph.word.take(likely.arcs)
        ends = np.flatnonzero(self._graph.ends_word.take(likely.arcs))
        if len(ends):
            factor[ends], context[ends] = self._scorer.score(context[ends], word[ends])
            word[ends] = 0
        return factor, context, word

    def _kept(self, ranks: Floats) -> Indices:
        """Return which hypotheses stay, in their order."""
        kept = np.flatnonzero(ranks > ranks.max() * self._ratio)
        if len(kept) > self._beam:
            kept = kept[np.argpartition(-ranks[kept], self._beam)[: self._beam]]
            kept.sort()
        return kept

    def _replace(self, old: Indices, new: "_Grown", context: Ints, word: Ints) -> None:
        """Renumber what stays, append what is new."""
        before, stayed = self._state, len(old)
        slots = np.full(before.shape[1] + 1, -1, np.int32)
        slots[old] = self._slots[:stayed]
        state = np.empty((_FIELDS, stayed + len(new.mass)), np.int32)
        before.take(old, axis=1, out=state[:, :stayed])
        state[_PARENT, :stayed] = slots.take(state[_PARENT, :stayed])
        label = self._graph.label.take(new.arcs)
        state[_NODE, stayed:] = self._graph.target.take(new.arcs)
        state[_LAST, stayed:] = label
        state[_PARENT, stayed:] = slots.take(new.source)
        state[_ARC, stayed:] = new.arcs
        state[_CONTEXT, stayed:] = context
        state[_WORD, stayed:] = word
        if len(new.mass):
            parents = before[_HISTORY].take(new.source)
            state[_HISTORY, stayed:] = self._strings.add(parents, label)
        self._state = state

    def _rescale(self) -> None:
        scale = float(self._mass[:_FACTOR].max())
        if not _SCALE_MIN < scale < 1 / _SCALE_MIN:
            self._mass[:_FACTOR] /= scale
            self._log_scale += math.log(scale)


class _Grown(msgspec.Struct):
    """Hypotheses a label longer."""

    source: Ints
    """The slots they grow from."""
    arcs: Ints
    """What they grow by."""
    mass: Floats

    def take(self, at: Indices) -> "_Grown":
        return _Grown(self.source.take(at), self.arcs.take(at), self.mass.take(at))


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
