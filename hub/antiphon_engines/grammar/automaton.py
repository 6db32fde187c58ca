"""The automaton of a closed grammar, by words: what may come next, and where a sentence may end."""

import random
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property


class WordAutomaton:
    """A deterministic, minimal, acyclic automaton; immutable, so any thread may use it.

    States are numbers; the start is 0. A lookup costs one dictionary access a word.
    """

    start = 0

    def __init__(self, arcs: tuple[Mapping[str, int], ...], may_end: tuple[bool, ...]) -> None:
        self._arcs = arcs
        self._may_end = may_end

    def __len__(self) -> int:
        return len(self._arcs)

    def next_words(self, state: int) -> Mapping[str, int]:
        """Return the words that may come next, and the state that each leads to."""
        return self._arcs[state]

    def follow(self, words: Iterable[str]) -> int | None:
        """Return the state after these words from the start; None if no sentence begins so."""
        state = self.start
        for word in words:
            target = self._arcs[state].get(word)
            if target is None:
                return None
            state = target
        return state

    def accepts(self, words: Iterable[str]) -> bool:
        """Return whether these words are a whole sentence."""
        state = self.follow(words)
        return state is not None and self._may_end[state]

    def may_end(self, state: int) -> bool:
        """Return whether a sentence may end here."""
        return self._may_end[state]

    def must_end(self, state: int) -> bool:
        """Return whether no sentence goes on from here."""
        return not self._arcs[state]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of every sentence."""
        return frozenset(word for arcs in self._arcs for word in arcs)

    @cached_property
    def sentence_count(self) -> int:
        """How many sentences there are."""
        return self._counts[self.start]

    def sentences(self) -> Iterator[tuple[str, ...]]:
        """Yield every sentence, in the alphabetical order of their words; there may be billions."""
        stack: list[tuple[int, tuple[str, ...]]] = [(self.start, ())]
        while stack:
            state, words = stack.pop()
            if self._may_end[state]:
                yield words
            arcs = self._arcs[state]
            stack.extend((arcs[word], (*words, word)) for word in sorted(arcs, reverse=True))

    def sample(self, rng: random.Random) -> tuple[str, ...]:
        """Return one sentence; each is equally likely."""
        state, words = self.start, list[str]()
        while True:
            rest = rng.randrange(self._counts[state])
            if self._may_end[state]:
                if rest == 0:
                    return tuple(words)
                rest -= 1
            for word, target in self._arcs[state].items():
                if rest < self._counts[target]:
                    words.append(word)
                    state = target
                    break
                rest -= self._counts[target]

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """Sentences that each state can still become."""
        counts = [0] * len(self._arcs)
        for state in self.last_first():
            counts[state] = self._may_end[state] + sum(
                counts[t] for t in self._arcs[state].values()
            )
        return tuple(counts)

    def last_first(self) -> Iterator[int]:
        """Yield the states so that each comes after all that follow it."""
        seen: set[int] = {self.start}
        stack = [(self.start, iter(self._arcs[self.start].values()))]
        while stack:
            state, targets = stack[-1]
            target = next((t for t in targets if t not in seen), None)
            if target is None:
                stack.pop()
                yield state
            else:
                seen.add(target)
                stack.append((target, iter(self._arcs[target].values())))
