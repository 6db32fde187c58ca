"""The closed decoding finds the likeliest sentence of the grammar, in chunks of any size."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.deepspeech import closed, ctc
from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.closed import ClosedDecoder, ClosedGrammar, spell_out
from antiphon_engines.deepspeech.hypotheses import Decoding
from antiphon_engines.errors import ContextError, EngineFailedError
from antiphon_engines.grammar import compile_grammar
from tests.support.examples import examples
from tests.support.posteriors import chunks, softmax, spoken

ENGLISH = Alphabet.english()
TINY = Alphabet((" ", "a", "b"))
EXACT = 1e9
sentences = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3).map(" ".join)


def grammar_of(*texts: str, alphabet: Alphabet = ENGLISH) -> ClosedGrammar:
    body = " | ".join(texts)
    return spell_out(compile_grammar(f"#JSGF V1.0; grammar g; public <g> = {body};"), alphabet)


HOME = grammar_of("(turn | switch) (on | off) [the] (kitchen | hall) light", "what time is it")


def decode(
    grammar: ClosedGrammar, probabilities: np.ndarray, wake_phrase: str = "", **options: float
) -> Decoding:
    stream = ClosedDecoder(grammar, **options).open(wake_phrase)  # type: ignore[arg-type]
    stream.feed(probabilities)
    return stream.finish()


@given(st.lists(sentences, min_size=1, max_size=6, unique=True), st.integers(0, 1000))
def test_it_is_the_same_as_scoring_each_sentence(texts: list[str], seed: int) -> None:
    steps = 8
    rows = softmax(np.random.default_rng(seed).normal(size=(steps, 4)) * 2)
    found = decode(grammar_of(*texts, alphabet=TINY), rows, beam=10_000, threshold=EXACT)
    scores = {}
    for text in texts:
        ways = [TINY.encode(before + text + after) for before in ("", " ") for after in ("", " ")]
        likelihoods = [ctc.log_likelihood(ctc.checked(rows, 4), way) for way in ways]
        scores[text] = float(np.logaddexp.reduce(likelihoods))
    likely = {text: score for text, score in scores.items() if score > -math.inf}
    assert {one.text: one.score for one in found.hypotheses} == pytest.approx(likely, rel=1e-6)
    ranked = [one.score for one in found.hypotheses]
    assert ranked == sorted(ranked, reverse=True)
    assert not likely or sum(one.posterior for one in found.hypotheses) == pytest.approx(1.0)


@settings(max_examples=examples(30))
@given(st.lists(st.integers(0, 150), max_size=8), st.integers(0, 50))
def test_chunks_of_any_size_give_the_same(cuts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = spoken("turn on the kitchen light", ENGLISH, rng=rng, sharp=4.0)
    decoder = ClosedDecoder(HOME)
    whole, parts = decoder.open("hey house"), decoder.open("hey house")
    whole.feed(rows)
    for chunk in chunks(rows, cuts):
        parts.feed(chunk)
        parts.partial()
    assert parts.finish() == whole.finish()


def test_a_spoken_sentence_is_heard_with_its_words_times() -> None:
    rows = spoken("switch off hall light", ENGLISH, rng=np.random.default_rng(1))
    found = decode(HOME, rows)
    assert found.hypotheses[0].text == "switch off hall light"
    assert [word.text for word in found.words] == ["switch", "off", "hall", "light"]
    times = [time for word in found.words for time in (word.begin_s, word.end_s)]
    assert times == sorted(times)
    assert 0.0 < times[0] < 0.2
    assert 2.7 < times[-1] <= 3.0


def test_what_is_in_the_grammar_fits_better_than_what_is_not() -> None:
    rng = np.random.default_rng(2)
    inside = decode(HOME, spoken("what time is it", ENGLISH, rng=rng))
    outside = decode(HOME, spoken("what a nice day", ENGLISH, rng=rng))
    assert inside.deficit < 0.5
    assert outside.deficit > 2 * max(inside.deficit, 0.5)


def test_a_partial_tells_whether_the_sentence_may_end() -> None:
    grammar = grammar_of("dim [the light [now]]")
    rows = spoken("dim the light", ENGLISH, rng=np.random.default_rng(3), confusion=0.0)
    stream = ClosedDecoder(grammar).open()
    partials = []
    for row in rows:
        stream.feed(row[None])
        partials.append(stream.partial())
    texts = list(dict.fromkeys(one.text for one in partials))
    assert texts == ["", "dim", "dim the", "dim the light"]
    assert {one.text for one in partials if one.may_end} == {"dim", "dim the light"}
    assert not any(one.must_end for one in partials)


def test_a_sentence_that_cannot_go_on_must_end() -> None:
    stream = ClosedDecoder(HOME).open()
    stream.feed(spoken("what time is it", ENGLISH, rng=np.random.default_rng(4)))
    assert stream.partial() == closed.ClosedPartial("what time is it", may_end=True, must_end=True)


@pytest.mark.parametrize("said", ["hey house ", "house ", "se ", "", " "])
def test_a_wake_phrase_may_stand_before_it_whole_or_cut(said: str) -> None:
    text = f"{said}turn on the hall light"
    rows = spoken(text, ENGLISH, rng=np.random.default_rng(5), steps=200)
    found = decode(HOME, rows, "Hey house")
    assert found.hypotheses[0].text == "turn on the hall light"
    assert found.words[0].text == "turn"
    assert found.deficit < 0.5


def test_within_the_wake_phrase_nothing_is_said_yet() -> None:
    stream = ClosedDecoder(HOME).open("hey house")
    stream.feed(spoken("hey hou", ENGLISH, rng=np.random.default_rng(6)))
    assert stream.partial() == closed.ClosedPartial("", may_end=False, must_end=False)
    assert stream.finish() == Decoding()


def test_half_a_sentence_is_none() -> None:
    rows = spoken("turn on the", ENGLISH, rng=np.random.default_rng(7), confusion=0.0, sharp=12.0)
    assert decode(HOME, rows).hypotheses == ()


def test_silence_is_none() -> None:
    rows = np.full((50, 29), 1e-7, np.float32)
    rows[:, 28] = 1 - 28e-7
    assert decode(HOME, rows) == Decoding()
    assert ClosedDecoder(HOME).open().finish() == Decoding()


def test_accents_are_left_out_where_the_alphabet_has_none_and_come_back_in_the_text() -> None:
    grammar = grammar_of("play caf\N{LATIN SMALL LETTER E WITH ACUTE}", "play \u97f3\u4e50")
    assert grammar.unspellable == ("\u97f3\u4e50",)
    found = decode(grammar, spoken("play cafe", ENGLISH, rng=np.random.default_rng(8)))
    assert found.hypotheses[0].text == "play caf\N{LATIN SMALL LETTER E WITH ACUTE}"


def test_words_spelled_the_same_are_told_apart_by_their_place() -> None:
    accented = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    grammar = grammar_of(f"open cafe | close {accented} | {accented} one | cafe two")
    assert grammar.unspellable == (accented,)
    found = decode(grammar, spoken("open cafe", ENGLISH, rng=np.random.default_rng(9)))
    assert found.hypotheses[0].text == "open cafe"


def test_a_grammar_in_bytes_is_heard() -> None:
    grammar = grammar_of("\u5f00\u706f | \u5173\u706f", alphabet=Alphabet.utf8())
    rows = spoken("\u5173\u706f", Alphabet.utf8(), rng=np.random.default_rng(10))
    assert decode(grammar, rows).hypotheses[0].text == "\u5173\u706f"


@pytest.mark.parametrize(
    ("text", "alphabet", "message"),
    [
        ("\u97f3\u4e50", ENGLISH, "cannot write any sentence"),
        ("ab", Alphabet(("a", "b")), "no space"),
        ("a" * 101, ENGLISH, "more than 100 letters"),
    ],
)
def test_a_grammar_that_cannot_be_heard_is_refused(
    text: str, alphabet: Alphabet, message: str
) -> None:
    with pytest.raises(ContextError, match=message):
        grammar_of(text, alphabet=alphabet)


def test_a_grammar_with_too_many_letters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed, "ARCS_MAX", 20)
    with pytest.raises(ContextError, match="split it"):
        grammar_of("one two three", "four five six")


def test_numbers_that_are_none_end_it() -> None:
    stream = ClosedDecoder(HOME).open()
    with pytest.raises(EngineFailedError, match="NaN"):
        stream.feed(np.full((3, 29), np.nan, np.float32))


def test_three_hours_give_nothing_and_keep_no_more_than_a_minute() -> None:
    stream = ClosedDecoder(HOME).open()
    rows = spoken("turn on the hall light", ENGLISH, rng=np.random.default_rng(11))
    for _ in range(3 * 3600 // 3):
        stream.feed(rows)
    assert stream.finish() == Decoding()
    assert sum(map(len, stream._heard)) <= closed.STEPS_MAX


def test_every_sentence_of_a_grammar_is_spelled() -> None:
    automaton = HOME.automaton
    rng = random.Random(12)
    for _ in range(50):
        words = automaton.sample(rng)
        state = HOME.graph.start
        for label in ENGLISH.encode(" ".join(words)):
            arcs = slice(*HOME.graph.first[state : state + 2])
            state = int(HOME.graph.target[arcs][HOME.graph.label[arcs] == label][0])
        assert HOME.graph.may_end[state]
        assert HOME.whole_words[state]
        assert HOME.must_end[state]
