"""How likely each word of a closed grammar is: what its rules say, followed through its automaton.

A grammar that only allows takes `put the light out here and the lamp on` for as likely as `turn on
the lamp`. Its rules know better: whoever wrote them gave the usual wordings as many alternatives as
the odd ones together, and pairs of commands one among all intents. So the share of all sentences
that takes each arc of the automaton is added up, alternative by alternative, each by its weight: a
stochastic automaton with the grammar's structure (cf. Stolcke & Omohundro, "Inducing probabilistic
grammars by Bayesian model merging", 1994).
"""

import math
from collections.abc import Mapping
from typing import Final, TypeVar

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

UNSEEN: Final = 2.5e-5
"""Share of all sentences that is added to each word in each state: none is impossible."""

_END: Final = ""

K = TypeVar("K")
Shares = dict[int, float]
"""State of the automaton, and the share of all sentences that is in it."""
Taken = dict[tuple[int, str], float]
"""State, a word that may come next, and the share of all sentences that has it there."""


class Odds:
    """What each step in an automaton costs: the negative natural logarithm of its probability."""

    def __init__(self, automaton: WordAutomaton, taken: Mapping[tuple[int, str], float]) -> None:
        """Take over which share of all sentences has each word, or the end, in each state."""
        self._costs: list[dict[str, float]] = []
        for state in range(len(automaton)):
            choices = [*automaton.next_words(state), *([_END] if automaton.may_end(state) else [])]
            seen = {choice: taken.get((state, choice), 0.0) + UNSEEN for choice in choices}
            total = math.log(sum(seen.values())) if seen else 0.0
            self._costs.append({choice: total - math.log(n) for choice, n in seen.items()})

    def of_word(self, state: int, word: str) -> float:
        """Return the cost of a word that may come next."""
        return self._costs[state][word]

    def of_end(self, state: int) -> float:
        """Return the cost of ending in a state where a sentence may end."""
        return self._costs[state][_END]


def odds_of(text: str, automaton: WordAutomaton) -> Odds:
    """Return the odds of a JSGF text's words on its automaton.

    Raises:
        ContextError: the text does not parse.
    """
    grammar = parse_jsgf(text)
    taken: Taken = {}
    flow = _Flow(grammar, automaton)
    ends = flow.through(grammar.rules[grammar.public], {automaton.start: 1.0}, taken)
    return Odds(automaton, taken | {(state, _END): share for state, share in ends.items()})


class _Flow:
    """Follows all sentences at once; each rule once from each state, however often it is used."""

    def __init__(self, grammar: Grammar, automaton: WordAutomaton) -> None:
        self._grammar = grammar
        self._automaton = automaton
        self._rules: dict[tuple[str, int], tuple[Shares, Taken]] = {}

    def through(self, expression: Expression, shares: Shares, taken: Taken) -> Shares:
        """Return where these shares are behind the expression; add what they took to `taken`."""
        match expression:
            case Word(text):
                return self._word(text, shares, taken)
            case Sequence(items):
                for item in items:
                    shares = self.through(item, shares, taken)
                return shares
            case Alternatives(options, weights):
                found: Shares = {}
                weights = weights or (1.0,) * len(options)
                total = sum(weights)
                for option, weight in zip(options, weights, strict=True):
                    given = {state: share * weight / total for state, share in shares.items()}
                    _add(found, self.through(option, given, taken))
                return found
            case Reference(name):
                return self._rule(name, shares, taken)

    def _word(self, text: str, shares: Shares, taken: Taken) -> Shares:
        found: Shares = {}
        for state, share in shares.items():
            target = self._automaton.next_words(state).get(text)
            if target is not None:  # what comes behind it may accept nothing
                _add(taken, {(state, text): share})
                _add(found, {target: share})
        return found

    def _rule(self, name: str, shares: Shares, taken: Taken) -> Shares:
        found: Shares = {}
        for state, share in shares.items():
            if (name, state) not in self._rules:
                within: Taken = {}
                ends = self.through(self._grammar.rules[name], {state: 1.0}, within)
                self._rules[name, state] = ends, within
            ends, within = self._rules[name, state]
            _add(taken, within, share)
            _add(found, ends, share)
        return found


def _add(sums: dict[K, float], more: Mapping[K, float], times: float = 1.0) -> None:
    for key, value in more.items():
        sums[key] = sums.get(key, 0.0) + value * times
