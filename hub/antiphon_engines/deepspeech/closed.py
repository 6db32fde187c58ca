"""Hearing a closed grammar: the likeliest of its sentences, in one pass while the person speaks.

The grammar's word automaton is spelled out by letters (states with equal futures are one), and the
prefix beam search walks it. Every sentence is equally likely beforehand.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech import ctc
from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.beam import Candidate, LabelGraph, PrefixBeam
from antiphon_engines.deepspeech.hypotheses import Decoding, Evidence, Found, decoding
from antiphon_engines.errors import ContextError
from antiphon_engines.grammar import WordAutomaton

BEAM: Final = 128
"""Hypotheses kept."""
THRESHOLD: Final = 20.0
"""Nats behind the best."""
STEPS_MAX: Final = 3_000
"""A minute: the longest stream. No sentence of a closed grammar is longer, so none is found."""
ARCS_MAX: Final = 4_000_000
"""Letters of the spelled-out grammar; 13 bytes each."""
WORD_LABELS_MAX: Final = 100
"""Letters (or bytes) of a word; it bounds the recursion."""


class ClosedGrammar(msgspec.Struct, frozen=True):
    """A grammar as the decoder walks it; immutable, for any thread."""

    alphabet: Alphabet
    graph: LabelGraph
    must_end: npt.NDArray[np.bool_]
    """[states] No sentence goes on from here."""
    whole_words: npt.NDArray[np.bool_]
    """[states] No word has begun, or one is complete."""
    automaton: WordAutomaton
    spellings: Mapping[str, tuple[str, ...]]
    """What the alphabet writes, and the words that it may mean."""
    unspellable: tuple[str, ...]
    """Words that the alphabet cannot write, or not apart from another in the same place: no
    sentence with them can be heard."""

    def text(self, labels: Iterable[int]) -> str:
        """Return the sentence, or its beginning, in the grammar's own words."""
        return " ".join(_words(self, self.alphabet.decode(labels).split()))


def spell_out(automaton: WordAutomaton, alphabet: Alphabet) -> ClosedGrammar:
    """Spell a grammar's words out; words that the alphabet cannot write lose their accents.

    Raises:
        ContextError: it is too large, nothing of it can be written, or the alphabet has no space.
    """
    if alphabet.space is None:
        raise ContextError("the model's alphabet has no space; a grammar of words needs one")
    spelled = {word: _spell(word, alphabet) for word in sorted(automaton.vocabulary)}
    if any(len(labels) > WORD_LABELS_MAX for labels in spelled.values()):
        raise ContextError(f"the grammar has a word of more than {WORD_LABELS_MAX} letters")
    meanings: dict[str, tuple[str, ...]] = {}
    for word, labels in spelled.items():
        if labels:
            text = alphabet.decode(labels)
            meanings[text] = (*meanings.get(text, ()), word)
    builder = _Builder(automaton, spelled, alphabet.space)
    start = builder.run()
    graph, order = _graph(builder, start)
    return ClosedGrammar(
        alphabet,
        graph,
        np.array([builder.must_end(state) for state in order]),
        np.array([builder.whole_words[state] for state in order]),
        automaton,
        meanings,
        tuple(word for word in spelled if word in builder.unspellable),
    )


def _words(grammar: ClosedGrammar, texts: list[str]) -> tuple[str, ...]:
    """Return the words that these spellings stand for, where the grammar has them in this order."""
    found: list[tuple[tuple[str, ...], int]] = [((), grammar.automaton.start)]
    for text in texts:
        found = [
            ((*words, word), arcs[word])
            for words, state in found
            for arcs in (grammar.automaton.next_words(state),)
            for word in grammar.spellings.get(text, ())
            if word in arcs
        ]
    return found[0][0] if found else tuple(texts)


def _spell(word: str, alphabet: Alphabet) -> tuple[int, ...]:
    """Return the labels of a word; none when the alphabet cannot write it."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    for text in (word, unicodedata.normalize("NFC", word), bare):
        try:
            return tuple(alphabet.encode(text))
        except ContextError:
            continue
    return ()


class _Builder:
    """Letter states by content, built from the end backwards."""

    def __init__(
        self, automaton: WordAutomaton, spelled: Mapping[str, tuple[int, ...]], space: int
    ) -> None:
        self.arcs: list[tuple[tuple[int, int], ...]] = []
        self.may_end: list[bool] = []
        self.whole_words: list[bool] = []
        self._automaton = automaton
        self._spelled = spelled
        self._space = space
        self._numbers: dict[tuple[bool, bool, tuple[tuple[int, int], ...]], int] = {}
        self._after_space: dict[int, int] = {}
        self._made = 0
        self.unspellable = {word for word, labels in spelled.items() if not labels}
        self._end = self._intern(may_end=True, whole=True, arcs={})

    def run(self) -> int:
        """Return the start state."""
        for state in self._automaton.last_first():
            number = self._between_words(state)
            if self.arcs[number] or self.may_end[number]:
                self._after_space[state] = number
        start = self._after_space.get(self._automaton.start)
        if start is None:
            raise ContextError("the model's alphabet cannot write any sentence of the grammar")
        return start

    def must_end(self, state: int) -> bool:
        """Return whether nothing but a trailing space may follow."""
        return all(target == self._end for _, target in self.arcs[state])

    def _between_words(self, state: int) -> int:
        if self._automaton.must_end(state):
            return self._end
        words: dict[tuple[int, ...], int] = {}
        for word, target in self._automaton.next_words(state).items():
            labels = self._spelled[word]
            if not labels or target not in self._after_space:
                continue
            if words.setdefault(labels, target) != target:
                self.unspellable.add(word)
        return self._tree([*words.items()], may_end=self._automaton.may_end(state), whole=True)

    def _tree(
        self,
        words: list[tuple[tuple[int, ...], int]],
        *,
        may_end: bool = False,
        whole: bool = False,
    ) -> int:
        """Return the state from which these rests of words are spelled."""
        arcs: dict[int, int] = {}
        rests: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for labels, target in words:
            if labels:
                rests.setdefault(labels[0], []).append((labels[1:], target))
            else:
                may_end = may_end or self._automaton.may_end(target)
                whole = True
                arcs[self._space] = self._after_space[target]
        arcs |= {label: self._tree(rest) for label, rest in rests.items()}
        return self._intern(may_end=may_end, whole=whole, arcs=arcs)

    def _intern(self, *, may_end: bool, whole: bool, arcs: Mapping[int, int]) -> int:
        key = (may_end, whole, tuple(sorted(arcs.items())))
        number = self._numbers.get(key)
        if number is None:
            self._made += len(arcs)
            if self._made > ARCS_MAX:
                raise ContextError(f"the grammar has over {ARCS_MAX} letters spelled out; split it")
            number = self._numbers[key] = len(self.arcs)
            self.arcs.append(key[2])
            self.may_end.append(may_end)
            self.whole_words.append(whole)
        return number


def _graph(builder: _Builder, start: int) -> tuple[LabelGraph, list[int]]:
    """Return what is reachable, and the builder's number of each state."""
    numbers = {start: 0}
    order = [start]
    for state in order:
        for _, target in builder.arcs[state]:
            if target not in numbers:
                numbers[target] = len(order)
                order.append(target)
    arcs = [arc for state in order for arc in builder.arcs[state]]
    first = np.cumsum([0, *(len(builder.arcs[state]) for state in order)], dtype=np.int32)
    graph = LabelGraph(
        start=0,
        first=first,
        label=np.array([label for label, _ in arcs], np.int32),
        target=np.array([numbers[target] for _, target in arcs], np.int32),
        may_end=np.array([builder.may_end[state] for state in order]),
        word=np.zeros(len(arcs), np.int32),
        ends_word=np.zeros(len(arcs), np.bool_),
        outlook=np.ones(len(order)),
        hope=np.ones(len(arcs)),
    )
    return graph, order


def _led_in(grammar: ClosedGrammar, phrase: str) -> tuple[LabelGraph, tuple[int, ...]]:
    """Return the graph with a wake phrase before it, and its starts: anywhere in the phrase.

    The phrase's last label is a space, so that without a phrase a leading space is allowed.
    """
    graph, alphabet = grammar.graph, grammar.alphabet
    labels = [
        label
        for word in phrase.lower().split()
        for label in (*_spell(word, alphabet), *alphabet.encode(" "))
    ] or alphabet.encode(" ")
    before = graph.states
    chain = np.arange(len(labels), dtype=np.int32)
    led_in = LabelGraph(
        start=graph.start,
        first=np.concatenate((graph.first, graph.first[-1] + 1 + chain)),
        label=np.concatenate((graph.label, np.array(labels, np.int32))),
        target=np.concatenate(
            (graph.target, before + 1 + chain[:-1], [graph.start]), dtype=np.int32
        ),
        may_end=np.concatenate((graph.may_end, np.zeros(len(labels), np.bool_))),
        word=np.concatenate((graph.word, 0 * chain)),
        ends_word=np.concatenate((graph.ends_word, np.zeros(len(labels), np.bool_))),
        outlook=np.concatenate((graph.outlook, np.ones(len(labels)))),
        hope=np.concatenate((graph.hope, np.ones(len(labels)))),
    )
    return led_in, (graph.start, *(before + chain).tolist())


class ClosedPartial(msgspec.Struct, frozen=True):
    """The likeliest beginning of a sentence so far."""

    text: str
    """Whole words."""
    may_end: bool
    """It is a whole sentence..."""
    must_end: bool
    """...and no sentence goes on from it."""


class ClosedDecoder:
    """Opens utterances against one grammar; any thread may."""

    def __init__(
        self, grammar: ClosedGrammar, *, beam: int = BEAM, threshold: float = THRESHOLD
    ) -> None:
        self.grammar = grammar
        self._beam = beam
        self._threshold = threshold
        self._led_in = lru_cache(maxsize=8)(lambda phrase: _led_in(grammar, phrase))

    def open(self, wake_phrase: str = "") -> "ClosedStream":
        """Begin an utterance.

        Args:
            wake_phrase: May stand before the sentence, whole or without its beginning.
        """
        graph, starts = self._led_in(wake_phrase)
        search = PrefixBeam(
            graph,
            beam=self._beam,
            threshold=self._threshold,
            starts=starts,
        )
        return ClosedStream(self.grammar, search, len(starts) - 1)


class ClosedStream:
    """One utterance; one thread at a time."""

    def __init__(self, grammar: ClosedGrammar, search: PrefixBeam, lead_in: int) -> None:
        self._grammar = grammar
        self._lead_in = lead_in
        self._search = search
        self._heard: list[ctc.Probabilities] = []
        self._steps = 0

    def feed(self, probabilities: npt.NDArray[Any]) -> None:
        """Take the network's output.

        Args:
            probabilities: [steps, classes], any number of steps; the blank is the last class.

        Raises:
            EngineFailedError: no probabilities (NaN, another shape).
        """
        rows = ctc.checked(probabilities, self._grammar.alphabet.classes)
        self._steps += len(rows)
        if self._steps <= STEPS_MAX:
            self._heard.append(rows)
            self._search.feed(rows)

    def partial(self) -> ClosedPartial:
        """Return what was heard so far."""
        best = self._search.best()
        grammar = self._grammar
        if best.state >= grammar.graph.states:
            return ClosedPartial("", may_end=False, must_end=False)
        text = grammar.alphabet.decode(best.labels[self._skipped(best) :])
        whole = grammar.whole_words[best.state]
        words = text.split() if whole else text.split(" ")[:-1]
        return ClosedPartial(
            " ".join(_words(grammar, words)),
            may_end=bool(grammar.graph.may_end[best.state]),
            must_end=bool(grammar.must_end[best.state]),
        )

    def finish(self, count: int = 10) -> Decoding:
        """Return the likeliest whole sentences; none when the grammar does not fit at all.

        Args:
            count: How many at most.
        """
        if self._steps > STEPS_MAX:
            return Decoding()
        ended = [one for one in self._search.candidates() if self._may_end(one)]
        return decoding(Evidence(self._heard, self._grammar.alphabet), self._sums(ended)[:count])

    def _may_end(self, candidate: Candidate) -> bool:
        graph = self._grammar.graph
        return candidate.state < graph.states and bool(graph.may_end[candidate.state])

    def _skipped(self, candidate: Candidate) -> int:
        """Return how many labels belong to the wake phrase: start i + 1 is its label i."""
        return self._lead_in + 1 - candidate.start if candidate.start else 0

    def _sums(self, ended: list[Candidate]) -> list[Found]:
        """Return each sentence once, with all its probability, however it was led in."""
        sums: dict[str, Found] = {}
        for one in ended:
            skip = self._skipped(one)
            text = self._grammar.text(one.labels[skip:])
            known = sums.get(text)
            if known is None:
                sums[text] = Found(text, one.labels, skip, one.log_score)
            else:
                score = float(np.logaddexp(known.score, one.log_score))
                sums[text] = msgspec.structs.replace(known, score=score)
        return sorted(sums.values(), key=lambda one: -one.score)
