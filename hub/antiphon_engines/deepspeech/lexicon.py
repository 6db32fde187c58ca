"""The words of open dictation as a graph of labels; arcs add up to a word's number. Pure.

Source of the numbering: Lucchesi and Kowaltowski, "Applications of Finite Automata Representing
Large Vocabularies", 1993: each arc knows how many words come before its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.beam import LabelGraph
from antiphon_engines.errors import ContextError, ModelError

WORDS_MAX: Final = 4_000_000
"""The released English scorer has half a million."""
WORD_LABELS_MAX: Final = 100
"""Letters of a word, or bytes."""
_BLOCK: Final = 65_536
"""Words spelled at once: it bounds the memory."""


class Lexicon(msgspec.Struct, frozen=True):
    """Words that can be heard; immutable, for any thread."""

    alphabet: Alphabet
    words: tuple[str, ...]
    """By number; in bytes mode single characters."""
    graph: LabelGraph
    """A word ends with its space (in bytes mode with its last byte) and leads to the start."""

    def number(self, word: str) -> int | None:
        """Return a word's number; None when it is not among them."""
        try:
            labels = self.alphabet.encode(word)
        except ContextError:
            return None
        total, state = 0, self.graph.start
        for label in (*labels, *_word_end(self.alphabet)):
            arc = self.arc(state, label)
            if arc is None:
                return None
            total += int(self.graph.word[arc])
            state = int(self.graph.target[arc])
        return total if state == self.graph.start else None

    def arc(self, state: int, label: int) -> int | None:
        """Return the arc of that label; None if there is none."""
        begin, end = self.graph.first[state : state + 2]
        labels = self.graph.label[begin:end]
        found = int(np.searchsorted(labels, label))
        return int(begin) + found if found < len(labels) and labels[found] == label else None


def lexicon_of(words: Iterable[str], alphabet: Alphabet) -> Lexicon:
    """Return the lexicon of these words, those left out that the alphabet cannot write.

    In bytes mode the words are single characters.

    Raises:
        ModelError: no words are left, or too many.
    """
    spelled = _spelled(words, alphabet)
    if not 0 < len(spelled) <= WORDS_MAX:
        raise ModelError(f"a lexicon of {len(spelled)} words; 1 to {WORDS_MAX} can be")
    ordered = sorted(spelled.items(), key=lambda item: item[1])
    labels = [labels for _, labels in ordered]
    return Lexicon(alphabet, tuple(word for word, _ in ordered), _tree(labels))


def lexicon_of_graph(graph: LabelGraph, alphabet: Alphabet) -> Lexicon:
    """Return the lexicon of an automaton whose words end in `ends_word` arcs.

    Args:
        graph: `word` is not looked at.
        alphabet: What its labels are.

    Raises:
        ModelError: the automaton has circles, dead ends, or words that the alphabet has not.
    """
    if graph.label.max(initial=-1) >= len(alphabet.labels):
        raise ModelError("the vocabulary's labels are not the model's; its alphabet is another")
    counts = _words_from(graph)
    before = np.cumsum(counts) - counts
    first_of_state = before[graph.first[:-1].clip(max=len(counts) - 1)]
    numbers = before - np.repeat(first_of_state, np.diff(graph.first))
    numbered = msgspec.structs.replace(graph, word=numbers.astype(np.int32))
    total = int(counts[graph.first[graph.start] : graph.first[graph.start + 1]].sum())
    return Lexicon(alphabet, _spell_all(numbered, total, alphabet), numbered)


def with_outlook(lexicon: Lexicon, worth: npt.NDArray[np.float64]) -> Lexicon:
    """Return the lexicon with an outlook for words that have begun.

    Args:
        lexicon: The words.
        worth: [words] What a scorer gives for each word at best, or nearly.
    """
    graph = lexicon.graph
    outlook = np.zeros(graph.states)
    for begin in range(0, len(worth), _BLOCK):
        for numbers, arcs in _walk(graph, len(worth), begin):
            inner = ~graph.ends_word[arcs]
            np.maximum.at(outlook, graph.target[arcs][inner], worth[numbers[inner]])
    outlook[graph.start] = 1.0
    hope = np.where(graph.ends_word, worth.max(), outlook[graph.target])
    told = msgspec.structs.replace(graph, outlook=outlook, hope=hope)
    return msgspec.structs.replace(lexicon, graph=told)


def _word_end(alphabet: Alphabet) -> tuple[int, ...]:
    if alphabet.kind == "bytes":
        return ()
    if alphabet.space is None:
        raise ModelError("the alphabet has no space; words need one between them")
    return (alphabet.space,)


def _spelled(words: Iterable[str], alphabet: Alphabet) -> dict[str, tuple[int, ...]]:
    numbers = {label: index for index, label in enumerate(alphabet.labels)}
    end = _word_end(alphabet)
    spelled: dict[str, tuple[int, ...]] = {}
    for word in words:
        letters = word.encode().decode("latin-1") if alphabet.kind == "bytes" else word
        labels = [numbers.get(letter, -1) for letter in letters]
        if 0 < len(labels) < WORD_LABELS_MAX and min(labels) >= 0 and not set(end) & set(labels):
            spelled[word] = (*labels, *end)
    return spelled


def _tree(words: Sequence[tuple[int, ...]]) -> LabelGraph:
    """Return the tree of sorted words, all leaves being the start.

    A node is made by the first word that has it; that word's number less its parent's maker's is
    the arc's number, so that the sum along a word is the word's own.
    """
    lengths = np.array([len(word) for word in words])
    letters = np.full((len(words), lengths.max()), -1, np.int16)
    letters[np.arange(letters.shape[1]) < lengths[:, None]] = np.concatenate(
        [np.asarray(word) for word in words]
    )
    shared = np.zeros(len(words), np.int64)
    same = letters[1:] == letters[:-1]
    shared[1:] = np.logical_and.accumulate(same, axis=1).sum(axis=1)
    sources, labels, targets, numbers = _arcs(letters, lengths, shared)
    order = np.argsort(sources, kind="stable")
    states = int(sources.max()) + 1
    target = targets[order].astype(np.int32)
    return LabelGraph(
        start=0,
        first=np.searchsorted(sources[order], np.arange(states + 1)).astype(np.int32),
        label=labels[order].astype(np.int32),
        target=target,
        may_end=np.arange(states) == 0,
        word=numbers[order].astype(np.int32),
        ends_word=target == 0,
        outlook=np.ones(states),
        hope=np.ones(len(target)),
    )


def _arcs(
    letters: npt.NDArray[np.int16], lengths: npt.NDArray[Any], shared: npt.NDArray[Any]
) -> npt.NDArray[np.int64]:
    """Return source, label, target and number of all arcs, level by level."""
    makers, nodes, count = np.zeros(1, np.int64), np.zeros(1, np.int64), 1
    levels: list[npt.NDArray[np.int64]] = []
    for depth in range(letters.shape[1]):
        words = np.flatnonzero((shared <= depth) & (lengths > depth))
        parent = np.searchsorted(makers, words, side="right") - 1
        inner = lengths[words] > depth + 1
        targets = np.zeros(len(words), np.int64)
        targets[inner] = np.arange(count, count + inner.sum())
        numbers = words - makers[parent]
        levels.append(np.stack((nodes[parent], letters[words, depth], targets, numbers)))
        makers, nodes, count = words[inner], targets[inner], count + int(inner.sum())
    return np.concatenate(levels, axis=1)


def _words_from(graph: LabelGraph) -> npt.NDArray[np.int64]:
    """Return how many words each arc leads to."""
    counts = graph.ends_word.astype(np.int64)
    if not len(counts) or not np.all(np.diff(graph.first) > 0):
        raise ModelError("the vocabulary has dead ends; the file is damaged")
    for _ in range(WORD_LABELS_MAX):
        of_state = np.add.reduceat(counts, graph.first[:-1])
        longer = np.where(graph.ends_word, 1, of_state[graph.target])
        if np.array_equal(longer, counts):
            break
        counts = longer.clip(max=WORDS_MAX + 1)
    else:
        raise ModelError(f"the vocabulary goes in circles, or beyond {WORD_LABELS_MAX} letters")
    if counts.max() > WORDS_MAX or np.any(counts == 0):
        raise ModelError(f"the vocabulary is damaged, or has more than {WORDS_MAX} words")
    return counts


def _spell_all(graph: LabelGraph, total: int, alphabet: Alphabet) -> tuple[str, ...]:
    """Return all words in the order of their numbers."""
    if total > WORDS_MAX:
        raise ModelError(f"the vocabulary has more than {WORDS_MAX} words")
    words: list[str] = []
    for begin in range(0, total, _BLOCK):
        letters = np.full((min(_BLOCK, total - begin), WORD_LABELS_MAX), -1, np.int16)
        for depth, (numbers, arcs) in enumerate(_walk(graph, total, begin)):
            letters[numbers - begin, depth] = graph.label[arcs]
        words += (_decoded(row, alphabet) for row in letters)
    return tuple(words)


def _walk(
    graph: LabelGraph, total: int, begin: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield the numbers of a block's words that go on, and their next arcs, letter by letter."""
    keys = graph.word + np.repeat(np.arange(graph.states), np.diff(graph.first)) * (total + 1)
    numbers = np.arange(begin, min(begin + _BLOCK, total))
    states, rest = np.full(len(numbers), graph.start), numbers
    while len(numbers):
        arcs = np.searchsorted(keys, states * (total + 1) + rest, side="right") - 1
        yield numbers, arcs
        inner = ~graph.ends_word[arcs]
        rest = (rest - graph.word[arcs])[inner]
        states, numbers = graph.target[arcs][inner].astype(np.int64), numbers[inner]


def _decoded(row: npt.NDArray[np.int16], alphabet: Alphabet) -> str:
    text = alphabet.decode(row[row >= 0].tolist())
    return text if alphabet.kind == "bytes" else text.removesuffix(" ")
