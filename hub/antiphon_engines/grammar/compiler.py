"""Compile a grammar into the smallest automaton that accepts its sentences.

Built from the end backwards: the compiler asks for the state "this expression, then that state".
States with equal futures are one state (hash-consing), so the result is deterministic and minimal
at once (Daciuk et al., "Incremental Construction of Minimal Acyclic Finite-State Automata", 2000,
builds the same object word by word).
"""

from collections.abc import Iterable
from typing import Final

from antiphon_engines.errors import ContextError
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

ARCS_MAX: Final = 500_000
"""Arcs made on the way: bounds time (some seconds) and memory for a hostile grammar."""
SENTENCE_WORDS_MAX: Final = 100
"""Words in the longest sentence: half a minute of speech; it also bounds the recursion."""
RULE_DEPTH_MAX: Final = 60
"""Rules and groups within each other, references followed."""

_END: Final = 0
_VOID: Final = 1


def compile_grammar(text: str) -> WordAutomaton:
    """Return the automaton of a JSGF text.

    Raises:
        ContextError: the text does not parse, refers to itself or to nothing, accepts nothing, or
            is too large; the message gives the line where there is one.
    """
    grammar = parse_jsgf(text)
    states = _States()
    start = _Compiler(grammar, states).run()
    if start == _VOID:
        raise ContextError(f"grammar rule <{grammar.public}> accepts no sentence")
    return states.automaton(start)


class _States:
    """States by content: whether a sentence may end there, and where each word leads."""

    def __init__(self) -> None:
        self._ids: dict[tuple[bool, tuple[tuple[str, int], ...]], int] = {}
        self._ends: list[bool] = []
        self._arcs: list[dict[str, int]] = []
        self._heights: list[int] = []
        self._unions: dict[frozenset[int], int] = {}
        self._arcs_made = 0
        self._intern(may_end=True, arcs={})
        self._intern(may_end=False, arcs={})

    def before(self, word: str, state: int) -> int:
        """Return the state from which only `word` leads on, to `state`."""
        return _VOID if state == _VOID else self._intern(may_end=False, arcs={word: state})

    def union(self, states: Iterable[int]) -> int:
        """Return the state that accepts what any of these accepts."""
        members = frozenset(states) - {_VOID}
        if len(members) < 2:  # noqa: PLR2004 - a union of one is that one
            return next(iter(members), _VOID)
        known = self._unions.get(members)
        if known is None:
            known = self._unions[members] = self._unite(members)
        return known

    def _unite(self, members: frozenset[int]) -> int:
        targets: dict[str, set[int]] = {}
        for member in members:
            for word, target in self._arcs[member].items():
                targets.setdefault(word, set()).add(target)
        arcs = {word: self.union(targets[word]) for word in targets}
        return self._intern(may_end=any(self._ends[m] for m in members), arcs=arcs)

    def _intern(self, *, may_end: bool, arcs: dict[str, int]) -> int:
        key = (may_end, tuple(sorted(arcs.items())))
        state = self._ids.get(key)
        if state is None:
            height = 1 + max((self._heights[target] for target in arcs.values()), default=-1)
            self._check_size(height, len(arcs))
            state = self._ids[key] = len(self._ends)
            self._ends.append(may_end)
            self._arcs.append(arcs)
            self._heights.append(height)
        return state

    def _check_size(self, height: int, arcs: int) -> None:
        if height > SENTENCE_WORDS_MAX:
            raise ContextError(
                f"grammar has sentences of more than {SENTENCE_WORDS_MAX} words; shorten its rules"
            )
        self._arcs_made += arcs
        if self._arcs_made > ARCS_MAX:
            raise ContextError(
                f"grammar is too large to compile (over {ARCS_MAX} word transitions); split it"
            )

    def automaton(self, start: int) -> WordAutomaton:
        """Return what is reachable from `start`, numbered from 0 in breadth-first order."""
        numbers = {start: 0}
        order = [start]
        for state in order:
            for target in self._arcs[state].values():
                if target not in numbers:
                    numbers[target] = len(order)
                    order.append(target)
        return WordAutomaton(
            tuple({w: numbers[t] for w, t in sorted(self._arcs[s].items())} for s in order),
            tuple(self._ends[s] for s in order),
        )


class _Compiler:
    """Follows expressions and references, last word first."""

    def __init__(self, grammar: Grammar, states: _States) -> None:
        self._grammar = grammar
        self._states = states
        self._done: dict[tuple[str, int], int] = {}
        self._open: list[str] = []
        self._depth = 0

    def run(self) -> int:
        """Return the start state of the public rule."""
        return self._compile(Reference(self._grammar.public, 1), _END)

    def _compile(self, expression: Expression, then: int) -> int:
        self._depth += 1
        if self._depth > RULE_DEPTH_MAX:
            raise ContextError(f"grammar nests rules and groups more than {RULE_DEPTH_MAX} deep")
        match expression:
            case Word(text):
                state = self._states.before(text, then)
            case Sequence(items):
                state = then
                for item in reversed(items):
                    state = self._compile(item, state)
            case Alternatives(options):
                state = self._states.union([self._compile(option, then) for option in options])
            case Reference():
                state = self._follow(expression, then)
        self._depth -= 1
        return state

    def _follow(self, reference: Reference, then: int) -> int:
        name = reference.name
        if name not in self._grammar.rules:
            raise ContextError(f"grammar line {reference.line}: there is no rule <{name}>")
        if name in self._open:
            circle = " -> ".join(f"<{rule}>" for rule in (*self._open, name))
            raise ContextError(f"grammar line {reference.line}: rules go in a circle: {circle}")
        known = self._done.get((name, then))
        if known is None:
            self._open.append(name)
            known = self._done[name, then] = self._compile(self._grammar.rules[name], then)
            self._open.pop()
        return known
