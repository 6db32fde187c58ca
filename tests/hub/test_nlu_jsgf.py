"""Grammars as text: what is rare is as rare as was said, however many ways there are to say it."""

import math

import pytest

from antiphon_engines.grammar import compile_grammar, odds_of
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import ADDED_SHARE, recognition_context
from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_hub.nlu.jsgf import SILENCE, Weighted, Word, alt, phrases, rarely, seq, to_jsgf


def probability(text: str, sentence: str) -> float:
    automaton = compile_grammar(text)
    odds = odds_of(text, automaton)
    state, cost = automaton.start, 0.0
    for word in sentence.split():
        cost += odds.of_word(state, word)
        state = automaton.next_words(state)[word]
    return math.exp(-cost - odds.of_end(state))


def test_what_is_rare_is_rare_in_all_its_wordings() -> None:
    polite = rarely(phrases(["please", "never mind", "thank you"]), 0.06)
    text = to_jsgf("g", "g", {"g": seq([Word("stop"), polite])})
    assert probability(text, "stop") == pytest.approx(0.94, rel=1e-2)
    assert probability(text, "stop never mind") == pytest.approx(0.02, rel=1e-2)


def test_shares_of_alternatives_are_kept() -> None:
    either = Weighted(((alt([Word("on"), Word("off")]), 3.0), (Word("up"), 1.0)))
    text = to_jsgf("g", "g", {"g": either})
    assert probability(text, "on") == pytest.approx(0.375, rel=1e-2)
    assert probability(text, "up") == pytest.approx(0.25, rel=1e-2)


def test_silence_among_shares_can_be_read() -> None:
    text = to_jsgf("g", "g", {"g": seq([Word("go"), Weighted(((SILENCE, 1.0),))])})
    assert compile_grammar(text).accepts(["go"])


@pytest.mark.slow
def test_the_home_rarely_hears_politeness_behind_a_command() -> None:
    grammar = recognition_context(Interpreter(load_home(None), natural=False)).grammar
    automaton = compile_grammar(grammar)
    odds = odds_of(grammar, automaton)
    state = automaton.follow(["add", "milk", "to", "the", "shopping", "list"])
    assert state is not None
    assert math.exp(-odds.of_end(state)) == pytest.approx(1 - ADDED_SHARE, abs=0.05)
