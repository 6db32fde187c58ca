"""How likely each word of a closed grammar is: learned from sentences drawn by its rules.

A grammar that only allows takes `put the light out here and the lamp on` for as likely as `turn on
the lamp`. Its rules know better: whoever wrote them gave the usual wordings as many alternatives as
the odd ones together, and pairs of commands one among all intents. So sentences are drawn by the
rules, each alternative by its weight, and counted on the arcs of the automaton: a stochastic
automaton with the grammar's structure (cf. Stolcke & Omohundro, "Inducing probabilistic grammars by
Bayesian model merging", 1994).
"""

import math
import random
from collections import Counter
from typing import Final

from antiphon_engines.grammar.automaton import WordAutomaton
from antiphon_engines.grammar.expressions import (
    Alternatives,
    Expression,
    Grammar,
    Reference,
    Sequence,
    Word,
)
from antiphon_engines.grammar.jsgf import parse_jsgf

DRAWS: Final = 20_000
"""Sentences that are drawn: half a second for a home's grammar."""
UNSEEN: Final = 0.5
"""Times that each word counts as drawn beforehand, so that none is impossible."""
_SEED: Final = 1

_END: Final = ""


class Odds:
    """What each step in an automaton costs: the negative natural logarithm of its probability."""

    def __init__(self, automaton: WordAutomaton, counts: Counter[tuple[int, str]]) -> None:
        """Take over how often each word, or the end, was drawn in each state."""
        self._costs: list[dict[str, float]] = []
        for state in range(len(automaton)):
            choices = [*automaton.next_words(state), *([_END] if automaton.may_end(state) else [])]
            seen = {choice: counts[state, choice] + UNSEEN for choice in choices}
            total = math.log(sum(seen.values())) if seen else 0.0
            self._costs.append({choice: total - math.log(n) for choice, n in seen.items()})

    def of_word(self, state: int, word: str) -> float:
        """Return the cost of a word that may come next."""
        return self._costs[state][word]

    def of_end(self, state: int) -> float:
        """Return the cost of ending in a state where a sentence may end."""
        return self._costs[state][_END]


def odds_of(text: str, automaton: WordAutomaton, draws: int = DRAWS) -> Odds:
    """Return the odds of a JSGF text's words on its automaton; the same each time.

    Raises:
        ContextError: the text does not parse.
    """
    draw = _Drawing(parse_jsgf(text))
    counts: Counter[tuple[int, str]] = Counter()
    for _ in range(draws):
        words = draw.sentence()
        state = automaton.start
        path = []
        for word in words:
            path.append((state, word))
            target = automaton.next_words(state).get(word)
            if target is None:
                break  # a rule in it accepts nothing
            state = target
        else:
            counts.update(path)
            counts[state, _END] += automaton.may_end(state)
    return Odds(automaton, counts)


class _Drawing:
    """Draws sentences by the rules."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._random = random.Random(_SEED)  # noqa: S311 - the same sentences each time

    def sentence(self) -> list[str]:
        words: list[str] = []
        waiting: list[Expression] = [self._grammar.rules[self._grammar.public]]
        while waiting:
            match waiting.pop():
                case Word(text):
                    words.append(text)
                case Sequence(items):
                    waiting.extend(reversed(items))
                case Alternatives(options, weights) if options:
                    waiting.append(self._one_of(options, weights))
                case Reference(name):
                    waiting.append(self._grammar.rules[name])
        return words

    def _one_of(self, options: tuple[Expression, ...], weights: tuple[float, ...]) -> Expression:
        if weights:
            return self._random.choices(options, weights)[0]
        return options[int(self._random.random() * len(options))]
