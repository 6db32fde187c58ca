"""Graphs of closed grammars: every sentence is on them, nothing else is, and the fence stands."""

import itertools
from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from antiphon_engines.grammar import compile_grammar, odds_of
from antiphon_engines.hmm.fst import EPSILON, arcs_of, fst_of
from antiphon_engines.hmm.graph import Grammar, Graph
from antiphon_engines.hmm.model import AcousticModel, Floats
from antiphon_engines.hmm.search import OTHER_BELOW_BEST, Search
from antiphon_engines.stt.lexicon import Lexicon, phrase_endings

GRAMMAR = """#JSGF V1.0; grammar g;
public <c> = turn (on | off) [the] (light | lamp) | two | to | too late | read [a] book;
"""
MODEL = AcousticModel(Path(pocketsphinx.get_model_path("en-us/en-us")))
LEXICON = Lexicon(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))
AUTOMATON = compile_grammar(GRAMMAR)
SENTENCES = [" ".join(words) for words in AUTOMATON.sentences()]
WAYS = LEXICON.pronounce(AUTOMATON.vocabulary, {})
WAKE = phrase_endings(LEXICON.pronounce(["hey", "mycroft"], {}).values())
FRAMES_A_STATE = 3
SILENCE = MODEL.phones.states(MODEL.phones.alone(MODEL.phones.silence)[0])


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Grammar(MODEL, AUTOMATON, odds_of(GRAMMAR, AUTOMATON), WAYS).graph(WAKE)


def states_of(phones: str) -> list[int]:
    """Return the senones of a phrase said without a pause, its words' edges taken as silence."""
    ids = MODEL.phones.ids
    around = [MODEL.phones.silence, *(ids[one] for one in phones.split()), MODEL.phones.silence]
    found: list[int] = []
    for left, base, right in zip(around, around[1:], around[2:], strict=False):
        for place in range(4):
            found += MODEL.phones.states(MODEL.phones.nearest(base, left, right, place)[0])
    return found


def sounding(*parts: list[int]) -> Floats:
    """Return scores in which just these senones fit, each part's all at a time for 60 ms."""
    rows = []
    for part in parts:
        for begin in range(0, len(part), 12):
            row = np.full((6 * FRAMES_A_STATE, MODEL.phones.senones), -30.0, np.float32)
            row[:, part[begin : begin + 12]] = 0.0
            rows.append(row)
    return np.concatenate(rows)


def said(text: str) -> list[int]:
    return states_of(" ".join(WAYS[word][0] for word in text.split()))


def grammar(body: str, ways: dict[str, str]) -> Grammar:
    text = f"#JSGF V1.0; grammar g; public <g> = {body};"
    automaton = compile_grammar(text)
    spoken = {word: (phones,) for word, phones in ways.items()}
    return Grammar(MODEL, automaton, odds_of(text, automaton), spoken)


@pytest.mark.parametrize("usual", ["two", "to"])
def test_of_two_words_that_sound_alike_the_usual_one_is_heard(usual: str) -> None:
    other = "to" if usual == "two" else "two"
    graph = grammar(f"/9/ {usual} | {other}", {"two": "T UW", "to": "T UW"}).graph()
    assert heard(graph, sounding(QUIET, states_of("T UW"), QUIET)).finish().words == (usual,)


def heard(graph: Graph, scores: Floats) -> Search:
    search = Search(graph)
    search.push(scores)
    return search


QUIET = list(SILENCE) * 4
STRANGE = [list(range(200, 224))]


@pytest.mark.parametrize("text", SENTENCES)
def test_every_sentence_is_found(graph: Graph, text: str) -> None:
    path = heard(graph, sounding(QUIET, said(text), QUIET)).finish()
    found = " ".join(path.words)
    same = {found, text} <= {"two", "to"}  # they sound alike
    assert same or found == text
    assert path.other_before == path.other_after == 0
    assert path.fit > -1.0
    assert path.spoken_frames > 0


def test_the_call_in_front_is_no_part_of_it(graph: Graph) -> None:
    call = states_of(WAKE[0])
    path = heard(graph, sounding(QUIET, call, said("turn off the lamp"), QUIET)).finish()
    assert path.words == ("turn", "off", "the", "lamp")
    assert path.other_before == path.other_after == 0


def test_other_sound_is_left_outside(graph: Graph) -> None:
    for around in itertools.product((False, True), repeat=2):
        before, after = (list(STRANGE) if one else [] for one in around)
        scores = sounding(*before, QUIET, said("read a book"), QUIET, *after)
        path = heard(graph, scores).finish()
        assert path.words == ("read", "a", "book"), around
        assert (path.other_before > 0, path.other_after > 0) == around


def test_other_sound_alone_is_no_sentence_that_fits(graph: Graph) -> None:
    path = heard(graph, sounding(QUIET, *STRANGE, QUIET)).finish()
    assert path.words == () or path.fit < -2 * OTHER_BELOW_BEST


def test_other_sound_is_not_cheaper_than_words_that_fit_well(graph: Graph) -> None:
    scores = sounding(QUIET, said("turn on the light"), QUIET)
    worse = scores.copy()
    worse[:, 5000] = OTHER_BELOW_BEST - 1.0  # some sound fits better, but not by so much
    assert heard(graph, worse).finish().words == ("turn", "on", "the", "light")


def test_scores_that_count_more_fit_as_well_as_before(graph: Graph) -> None:
    scores = sounding(QUIET, said("turn on the light"), QUIET)
    plain, more = Search(graph), Search(graph, 3.0)
    for one in (plain, more):
        one.push(scores)
    assert more.words() == plain.words() == ("turn", "on", "the", "light")
    assert more.finish().fit == pytest.approx(plain.finish().fit, abs=1e-3)


def test_words_come_while_they_are_said(graph: Graph) -> None:
    search = Search(graph)
    seen = []
    for row in sounding(QUIET, said("turn on the light"), QUIET):
        search.push(row[None])
        seen.append(search.words())
    assert seen[0] == ()
    assert seen[-1] == ("turn", "on", "the", "light")


def test_sound_that_outlasts_every_sentence_is_told(graph: Graph) -> None:
    strange = sounding(*STRANGE * 40)
    path = heard(graph, np.concatenate((sounding(QUIET, said("two")), strange))).finish()
    assert path.other_after > len(strange) / 2


def test_nothing_heard_is_nothing_found(graph: Graph) -> None:
    search = Search(graph)
    assert search.finish().words == ()


def test_arrays_and_back_are_the_same() -> None:
    fst = grammar("yes | no", {"yes": "Y EH S", "no": "N OW"})._inside
    once = arcs_of(fst)
    twice = arcs_of(fst_of(once))
    for name in once.__struct_fields__:
        assert np.array_equal(getattr(once, name), getattr(twice, name)), name
    assert (once.sound == EPSILON).any()
