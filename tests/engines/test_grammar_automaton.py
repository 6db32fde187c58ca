"""The automaton says the same as an enumeration made in another way."""

import random
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.grammar import WordAutomaton, compile_grammar
from antiphon_engines.grammar.expressions import (
    NULL,
    VOID,
    Alternatives,
    Expression,
    Reference,
    Sequence,
    Word,
)

WORDS = ("red", "green", "blue")
SHARED = Alternatives((Word("red"), Sequence((Word("green"), Word("red"))), NULL))

expressions = st.recursive(
    st.one_of(
        st.sampled_from([Word(word) for word in WORDS]),
        st.sampled_from([NULL, VOID, Reference("shared", 1)]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Sequence(tuple(items))),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Alternatives(tuple(items))),
    ),
    max_leaves=8,
)


def enumerate_sentences(expression: Expression) -> set[tuple[str, ...]]:
    match expression:
        case Word(text):
            return {(text,)}
        case Sequence(items):
            parts = [enumerate_sentences(item) for item in items]
            return {sum(choice, ()) for choice in product(*parts)}
        case Alternatives(options):
            return set().union(*(enumerate_sentences(option) for option in options))
        case Reference():
            return enumerate_sentences(SHARED)


def to_jsgf(expression: Expression) -> str:
    match expression:
        case Word(text):
            return text
        case Sequence(items):
            return "(" + " ".join(map(to_jsgf, items)) + ")" if items else "<NULL>"
        case Alternatives(options):
            return "(" + " | ".join(map(to_jsgf, options)) + ")" if options else "<VOID>"
        case Reference(name):
            return f"<{name}>"


def automaton_of(expression: Expression) -> WordAutomaton:
    # "end" stands at each end, so that a grammar without any sentence compiles, too.
    return compile_grammar(
        "#JSGF V1.0; grammar g;\n"
        f"<shared> = {to_jsgf(SHARED)};\n"
        f"public <g> = {to_jsgf(expression)} end | end end;"
    )


def expected(expression: Expression) -> set[tuple[str, ...]]:
    return {(*words, "end") for words in enumerate_sentences(expression)} | {("end", "end")}


@given(expressions)
def test_it_has_exactly_the_sentences_of_the_grammar(expression: Expression) -> None:
    automaton = automaton_of(expression)
    sentences = list(automaton.sentences())
    assert sentences == sorted(expected(expression))
    assert automaton.sentence_count == len(sentences)


@given(expressions, st.lists(st.sampled_from([*WORDS, "end", "loud"]), max_size=6))
def test_it_accepts_what_is_a_sentence_and_follows_what_begins_one(
    expression: Expression, words: list[str]
) -> None:
    automaton, sentences = automaton_of(expression), expected(expression)
    going_on = {s[len(words) :] for s in sentences if s[: len(words)] == tuple(words)}
    state = automaton.follow(words)
    assert automaton.accepts(words) == (tuple(words) in sentences)
    assert (state is not None) == bool(going_on)
    if state is not None:
        assert automaton.may_end(state) == (() in going_on)
        assert automaton.must_end(state) == (going_on == {()})
        assert set(automaton.next_words(state)) == {rest[0] for rest in going_on if rest}


@given(expressions)
def test_it_is_minimal(expression: Expression) -> None:
    automaton = automaton_of(expression)
    futures = set()
    for state in range(len(automaton)):
        futures.add((automaton.may_end(state), tuple(automaton.next_words(state).items())))
    assert len(futures) == len(automaton)


@given(expressions, st.integers())
def test_samples_are_sentences(expression: Expression, seed: int) -> None:
    automaton = automaton_of(expression)
    assert automaton.accepts(automaton.sample(random.Random(seed)))


def test_samples_are_equally_likely() -> None:
    automaton = compile_grammar("#JSGF V1.0; grammar g; public <g> = stop | go (a|b|c|d|e|f|g);")
    rng = random.Random(7)
    stops = sum(automaton.sample(rng) == ("stop",) for _ in range(4000))
    assert 400 < stops < 600


def test_vocabulary() -> None:
    automaton = compile_grammar("#JSGF V1.0; grammar g; public <g> = [please] (stop | go) now;")
    assert automaton.vocabulary == {"please", "stop", "go", "now"}


def test_a_home_of_a_hundred_names_stays_small() -> None:
    names = " | ".join(f"lamp number n{n}" for n in range(100))
    automaton = compile_grammar(
        "#JSGF V1.0; grammar g;\n"
        f"<name> = [the] ({names});\n"
        "<onoff> = on | off;\n"
        "public <g> = (turn | switch) <onoff> <name> | (turn | switch) <name> <onoff>\n"
        "  | (dim | set) <name> to (ten | twenty) percent;"
    )
    assert automaton.sentence_count == 2 * 2 * 200 * 2 + 2 * 200 * 2
    assert len(automaton) < 20
