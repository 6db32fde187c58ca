"""Word n-gram language models, counted in a second: made anew whenever a name changes. Pure.

Source: Witten and Bell, "The Zero-Frequency Problem", 1991, interpolated: P(w | h) =
(c(hw) + T(h) P(w | h')) / (c(h) + T(h)), where T(h) words of different kinds were seen after h.
It needs no counts of counts, which sentences out of templates do not have. The file format is
ARPA's, with tabs, as KenLM wants them.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log10
from typing import Final

import msgspec

from antiphon_engines.errors import ModelError
from antiphon_engines.grammar import WordAutomaton

Words = tuple[str, ...]

ORDER_MIN: Final = 2
ORDER_MAX: Final = 6
"""KenLM's."""
BEGIN: Final = "<s>"
END: Final = "</s>"
UNKNOWN: Final = "<unk>"
_NEVER: Final = -99.0
"""log10 of what is not predicted: the beginning of a sentence."""


class NGram(msgspec.Struct, frozen=True):
    """What a model knows of some words."""

    log10_probability: float
    """Of the last word after the others."""
    log10_backoff: float
    """What it costs to fall back from all of them as a context."""


class LanguageModel(msgspec.Struct, frozen=True):
    """All n-grams by their order, and within it by their words."""

    orders: tuple[Mapping[Words, NGram], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary."""
        return tuple(word for (word,) in self.orders[0] if word not in (BEGIN, END, UNKNOWN))


def language_model(
    sentences: Iterable[Sequence[str]], *, order: int = 3, vocabulary: Iterable[str] = ()
) -> LanguageModel:
    """Count sentences.

    Args:
        sentences: Words each; one that comes twice counts twice.
        order: How many words an n-gram has at most, 2 to 6.
        vocabulary: Words that can be said, too, though no sentence has them.

    Raises:
        ModelError: another order, nothing to count, or words that cannot stand in a model.
    """
    if not ORDER_MIN <= order <= ORDER_MAX:
        raise ModelError(f"a language model of order {order}; {ORDER_MIN} to {ORDER_MAX} can be")
    counts = _counts(sentences, order)
    known = {word for (word,) in counts[0]} | set(vocabulary)
    if known <= {BEGIN, END}:
        raise ModelError("a language model needs sentences or words")
    for word in known - {BEGIN, END}:
        if word.split() != [word] or word == UNKNOWN:
            raise ModelError(f"{word!r} cannot be a word of a language model")
    probabilities = _unigrams(counts[0], known)
    orders: list[dict[Words, NGram]] = []
    for n, these in enumerate(counts, 1):
        contexts = _contexts(counts[n]) if n < order else {}
        if n > 1:
            probabilities = _interpolated(these, probabilities)
        orders.append(
            {
                words: NGram(_log10(probability), _backoff(contexts.get(words)))
                for words, probability in sorted(probabilities.items())
            }
        )
    return LanguageModel(tuple(orders))


def to_arpa(model: LanguageModel) -> str:
    """Return the model as the text of an ARPA file."""
    lines = ["\\data\\"]
    lines += [f"ngram {n}={len(these)}" for n, these in enumerate(model.orders, 1)]
    for n, these in enumerate(model.orders, 1):
        lines += ["", f"\\{n}-grams:"]
        last = n == len(model.orders)
        for words, one in these.items():
            backoff = "" if last else f"\t{one.log10_backoff:.7g}"
            lines.append(f"{one.log10_probability:.7g}\t{' '.join(words)}{backoff}")
    return "\n".join([*lines, "", "\\end\\", ""])


def walks(automaton: WordAutomaton, count: int, seed: int = 1) -> Iterator[Words]:
    """Yield sentences of a grammar, where each next word (or the end) is equally likely.

    So a short command counts as much as one with a hundred names and numbers.
    """
    rng = random.Random(seed)  # noqa: S311 - the same grammar should give the same model
    for _ in range(count):
        state, words = automaton.start, list[str]()
        while not automaton.must_end(state):
            following = [*automaton.next_words(state).items()]
            chosen = rng.randrange(len(following) + automaton.may_end(state))
            if chosen == len(following):
                break
            word, state = following[chosen]
            words.append(word)
        yield tuple(words)


def _counts(sentences: Iterable[Sequence[str]], order: int) -> list[Counter[Words]]:
    counts = [Counter[Words]() for _ in range(order)]
    for sentence in sentences:
        words = (BEGIN, *sentence, END)
        for n, these in enumerate(counts, 1):
            these.update(zip(*(words[at:] for at in range(n)), strict=False))
    return counts


def _unigrams(counts: Counter[Words], known: set[str]) -> dict[Words, float]:
    """Return how likely each word is: a share of all for what was never seen."""
    seen = {words: count for words, count in counts.items() if words != (BEGIN,)}
    total = sum(seen.values())
    kinds = max(len(seen), 1)
    everything = [word for word in (known | {END, UNKNOWN}) if word != BEGIN]
    share = kinds / len(everything)
    probabilities: dict[Words, float] = {
        (word,): (seen.get((word,), 0) + share) / (total + kinds) for word in everything
    }
    return probabilities | {(BEGIN,): 0.0}


def _contexts(counts: Counter[Words]) -> dict[Words, tuple[int, int]]:
    """Return how often each context was followed, and by how many kinds of words."""
    contexts: dict[Words, tuple[int, int]] = {}
    for words, count in counts.items():
        total, kinds = contexts.get(words[:-1], (0, 0))
        contexts[words[:-1]] = (total + count, kinds + 1)
    return contexts


def _interpolated(counts: Counter[Words], shorter: Mapping[Words, float]) -> dict[Words, float]:
    contexts = _contexts(counts)
    probabilities: dict[Words, float] = {}
    for words, count in counts.items():
        total, kinds = contexts[words[:-1]]
        probabilities[words] = (count + kinds * shorter[words[1:]]) / (total + kinds)
    return probabilities


def _log10(probability: float) -> float:
    return log10(probability) if probability > 0.0 else _NEVER


def _backoff(context: tuple[int, int] | None) -> float:
    return 0.0 if context is None else log10(context[1] / (context[0] + context[1]))
