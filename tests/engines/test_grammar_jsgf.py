"""JSGF text: what is taken, and what is refused with its line."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.errors import ContextError
from antiphon_engines.grammar import compile_grammar, compiler
from antiphon_engines.grammar.jsgf import NESTING_MAX, parse_jsgf

HEAD = "#JSGF V1.0 UTF-8 en;\ngrammar home;\n"


def sentences(rules: str) -> list[str]:
    return [" ".join(words) for words in compile_grammar(HEAD + rules).sentences()]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("public <a> = stop;", ["stop"]),
        ("public <a> = Turn ON;", ["turn on"]),
        ("public <a> = go (left | right);", ["go left", "go right"]),
        ("public <a> = [please] stop;", ["please stop", "stop"]),
        ("public <a> = stop [it [now]];", ["stop", "stop it", "stop it now"]),
        ("public <a> = /10/ yes | /0.5e-1f/ no | / 2 / maybe;", ["maybe", "no", "yes"]),
        ("public <a> = yes | /0/ no;", ["yes"]),
        ("<b> = lamp | fan;\npublic <a> = <b> on;", ["fan on", "lamp on"]),
        ("public <a> = <b> <b>; <b> = a | <NULL>;", ["", "a", "a a"]),
        ("public <a> = yes | no <VOID>;", ["yes"]),
        ("public <a> = yes {answer = \\} true} | no {};", ["no", "yes"]),
        ("// nothing\npublic <a> = /* in\nbetween */ i'd like tea;", ["i'd like tea"]),
        ("public <a> = café;", ["café"]),
    ],
)
def test_sentences_of_a_grammar(rules: str, said: list[str]) -> None:
    assert sentences(rules) == said


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ("public <a> = yes", "line 3: ';' is missing, before the end"),
        ("public <a> = (yes;", "line 3: '\\)' is missing, before ';'"),
        ("public <a> = \n | yes;", "line 4: a word, a rule or a group"),
        ("public <a> = yes;\n<a> = no;", "line 4: rule <a> is defined twice"),
        ("public <a> = yes;\n\npublic <b> = no;", "2 public rules"),
        ("<a> = yes;", "0 public rules"),
        ("public <a> = <b>;", "line 3: there is no rule <b>"),
        ("public <a> = <b>;\n<b> = x <a>;", "line 4: rules go in a circle: <a> -> <b> -> <a>"),
        ("public <a> = yes+;", "line 3: repetition '\\+' is not supported"),
        ('public <a> = "yes";', "line 3: unexpected '\"'"),
        ("import <b>; public <a> = yes;", "line 3: a rule must stand here"),
        ("public <NULL> = yes;", "line 3: a rule must stand here"),
        ("public <a> = <VOID>;", "rule <a> accepts no sentence"),
        ("public <a> = {never ends;", "line 3: unexpected '{'"),
        ("public <a> = yes; stray", "line 3: a rule must stand here, .* not 'stray'"),
    ],
)
def test_refused_with_its_line(rules: str, complaint: str) -> None:
    with pytest.raises(ContextError, match=complaint):
        compile_grammar(HEAD + rules)


@pytest.mark.parametrize("text", ["", "turn on the light", "#JSGF V2.0; grammar a;"])
def test_text_that_is_no_jsgf(text: str) -> None:
    with pytest.raises(ContextError, match="must begin with `#JSGF"):
        parse_jsgf(text)


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ("public <a> = " + "(" * 10_000, f"more than {NESTING_MAX} brackets"),
        ("public <a> = " + "x " * 101 + ";", "more than 100 words"),
        (
            "".join(f"<r{n}> = <r{n + 1}> | x{n};\n" for n in range(100))
            + "<r100> = end;\npublic <a> = <r0>;",
            "deep",
        ),
        (
            "<r0> = x y;\n"
            + "".join(f"<r{n + 1}> = <r{n}> <r{n}>;\n" for n in range(12))
            + "public <a> = <r12>;",
            "more than 100 words",
        ),
    ],
)
def test_hostile_grammars_end_in_the_error(rules: str, complaint: str) -> None:
    with pytest.raises(ContextError, match=complaint):
        compile_grammar(HEAD + rules)


def test_grammar_with_an_exponential_automaton_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its states are sets of positions from the end: the whole automaton has 2 ** 40 of them.
    monkeypatch.setattr(compiler, "ARCS_MAX", 20_000)
    rules = "<x> = a | b;\npublic <s> = " + "[<x>] " * 40 + "a " + "<x> " * 40 + ";"
    with pytest.raises(ContextError, match="too large to compile"):
        compile_grammar(HEAD + rules)


def test_grammar_of_many_megabytes_is_refused_unread() -> None:
    with pytest.raises(ContextError, match="larger than"):
        parse_jsgf(HEAD + "x" * 5_000_000)


PIECES = st.sampled_from(
    [
        "public",
        "<a>",
        "<b>",
        "=",
        ";",
        "|",
        "(",
        ")",
        "[",
        "]",
        "yes",
        "no",
        "/2/",
        "{t}",
        "\n",
        '"',
    ]
)


@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_any_order_of_pieces_compiles_or_is_refused(rules: str) -> None:
    try:
        automaton = compile_grammar(HEAD + rules)
    except ContextError:
        return
    assert automaton.sentence_count >= 1


@given(st.text(max_size=60).map("| {}".format))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    with suppress(ContextError):
        assert compile_grammar(HEAD + "public <a> = yes " + text).accepts(["yes"])
