"""The odds of a grammar's words: what its rules say often is likely, and nothing is impossible."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.errors import ContextError
from antiphon_engines.grammar import Odds, WordAutomaton, compile_grammar, odds_of
from antiphon_engines.grammar.odds import UNSEEN

HEAD = "#JSGF V1.0; grammar g;\n"
WORDS = ("turn", "on", "off", "the", "lamp")


def weighed(rules: str) -> tuple[WordAutomaton, Odds]:
    automaton = compile_grammar(HEAD + rules)
    return automaton, odds_of(HEAD + rules, automaton)


def probability(rules: str, sentence: str) -> float:
    automaton, odds = weighed(rules)
    state, cost = automaton.start, 0.0
    for word in sentence.split():
        cost += odds.of_word(state, word)
        state = automaton.next_words(state)[word]
    return math.exp(-cost - odds.of_end(state))


bodies = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: f"({' | '.join(some)})"),
        inner.map("[{}]".format),
    ),
    max_leaves=8,
)


@given(bodies)
def test_the_odds_of_each_state_add_up_to_one(body: str) -> None:
    automaton, odds = weighed(f"public <g> = {body} end;")
    for state in range(len(automaton)):
        costs = [odds.of_word(state, word) for word in automaton.next_words(state)]
        costs += [odds.of_end(state)] if automaton.may_end(state) else []
        assert sum(math.exp(-cost) for cost in costs) == pytest.approx(1.0)
        assert all(math.isfinite(cost) for cost in costs)


def test_alternatives_are_alike_unless_weights_say_otherwise() -> None:
    assert probability("public <g> = on | off;", "on") == pytest.approx(0.5, rel=1e-3)
    assert probability("public <g> = /3/ on | off;", "on") == pytest.approx(0.75, rel=1e-3)
    assert probability("public <g> = turn [the] lamp;", "turn lamp") == pytest.approx(0.5, rel=1e-3)


def test_what_has_many_ways_is_no_likelier_than_its_rule() -> None:
    rules = "public <g> = on | <many>; <many> = (turn | the) (lamp | off);"
    assert probability(rules, "on") == pytest.approx(0.5, rel=1e-3)
    assert probability(rules, "turn lamp") == pytest.approx(0.125, rel=1e-3)


def test_what_hardly_anybody_says_stays_possible() -> None:
    rules = "public <g> = /999999/ on | off;"
    assert probability(rules, "off") == pytest.approx(UNSEEN, rel=0.1)


def test_one_name_of_many_is_as_likely_as_the_next() -> None:
    names = [f"{first} {last}" for first in ("red", "blue") for last in ("lamp", "fan", "light")]
    rules = f"public <g> = turn <name>; <name> = {' | '.join(names)} | red lamp in the hall;"
    odds = {name: probability(rules, f"turn {name}") for name in names}
    assert list(odds.values()) == pytest.approx([1 / 7] * 6, rel=1e-2)


def test_a_rule_that_accepts_nothing_takes_no_share() -> None:
    rules = "public <g> = on (off <VOID> | lamp);"
    assert probability(rules, "on lamp") == pytest.approx(1.0, rel=1e-3)


def test_ways_without_number_cost_bounded_work() -> None:
    levels = [f"<r{at}> = <r{at + 1}> | <r{at + 1}> lamp;" for at in range(18)]
    rules = "public <g> = <r0>; " + " ".join(levels) + " <r18> = on;"
    assert probability(rules, "on") == pytest.approx(2.0**-18 + UNSEEN, rel=0.1)


@pytest.mark.parametrize("weight", ["2e6", "1e999"])
def test_absurd_weights_are_refused(weight: str) -> None:
    with pytest.raises(ContextError, match="weight"):
        compile_grammar(HEAD + f"public <g> = /{weight}/ on | off;")
