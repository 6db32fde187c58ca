"""The closed grammar of one file of sentences: the same language as the templates', both ways."""

import random
from functools import cache
from pathlib import Path

import pytest
from hassil.intents import Intents
from hassil.recognize import recognize
from hassil.sample import sample_intents
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.grammar import WordAutomaton, compile_grammar
from antiphon_hub.errors import SentencesError
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import grammar_from_templates
from antiphon_hub.nlu.templates import file_templates
from tests.support.examples import examples

COFFEE = Path(__file__).with_name("coffee.yaml")


@cache
def _coffee() -> tuple[WordAutomaton, Intents]:
    return compile_grammar(grammar_from_templates(COFFEE).grammar), _intents(COFFEE)


def _intents(path: Path) -> Intents:
    return file_templates(path, "en").intents()


def _spoken(text: str) -> str:
    return " ".join(text.replace("-", " ").split())


def _words(text: str) -> list[str]:
    return text.split()


def _can_be_said(text: str) -> bool:
    return not any(char.isdigit() for char in text)


def test_it_accepts_what_the_templates_give() -> None:
    automaton, intents = _coffee()
    texts = [_spoken(text) for _name, text in sample_intents(intents, language="en")]
    said = [text for text in texts if _can_be_said(text)]
    rng = random.Random(1)
    lost = [text for text in rng.sample(said, 3000) if not automaton.accepts(text.split())]
    assert lost == []


def test_the_templates_recognise_what_it_accepts() -> None:
    automaton, intents = _coffee()
    rng = random.Random(2)
    texts = [" ".join(automaton.sample(rng)) for _ in range(600)]
    lost = [text for text in texts if recognize(text, intents, language="en") is None]
    assert lost == []


def test_permutations_have_each_part_once_in_any_order() -> None:
    automaton = _coffee()[0]
    for text in (
        "make me a large dark roast single shot latte",
        "make me a single shot large dark roast latte",
        "make me a double shot latte",
        "make me latte with soy milk and brown sugar",
        "two iced coffee at ten o'clock",
    ):
        assert automaton.accepts(text.split()), text
    assert not automaton.accepts(_words("make me a large dark roast large latte"))
    assert not automaton.accepts(_words("make me a latte with sugar"))


def _accepted(tmp_path: Path, template: str, more: str = "") -> set[str]:
    file = tmp_path / "own.yaml"
    file.write_text(f"intents: {{A: {{data: [{{sentences: [{template!r}]}}]}}}}\n{more}")
    automaton = compile_grammar(grammar_from_templates(file).grammar)
    return {" ".join(words) for words in automaton.sentences()}


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("fan[s] on", {"fan on", "fans on"}),
        ("day[ ]light", {"daylight", "day light"}),
        ("turn[ the] light", {"turn light", "turn the light"}),
        ("[re]start", {"start", "restart"}),
        ("(a|b)[c|d] e", {"a e", "ac e", "ad e", "b e", "bc e", "bd e"}),
        ("(light;on)", {"light on", "on light"}),
        ("a [b [c]] d", {"a d", "a b d", "a b c d"}),
        (
            "x {1..3:n}[%| percent]",
            {f"x {n}{p}" for n in ("one", "two", "three") for p in ("", " percent")},
        ),
        ("channel 12", {"channel twelve"}),
        ("What's  UP", {"what's up"}),
        ("half[-]way up", {"halfway up", "half way up"}),
        ("one 1/2|two", {"two"}),
    ],
)
def test_templates_of_characters_become_words(
    tmp_path: Path, template: str, wanted: set[str]
) -> None:
    assert _accepted(tmp_path, template) == wanted


def test_context_chooses_the_values(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        """
intents:
  A:
    data:
      - sentences: ["eat {thing}"]
        requires_context: {kind: food}
      - sentences: ["use {thing}"]
        excludes_context: {kind: food}
lists:
  thing:
    values:
      - {in: bread, out: 1, context: {kind: food}}
      - {in: hammer, out: 2, context: {kind: tool}}
"""
    )
    automaton = compile_grammar(grammar_from_templates(file).grammar)
    assert set(automaton.sentences()) == {("eat", "bread"), ("use", "hammer")}


def test_names_come_from_the_home(tmp_path: Path) -> None:
    said = _accepted(tmp_path, "where is [the] {name}")
    assert "where is the printer" in said
    assert "where is the reading lamp in the living room" in said
    assert not any("2" in text for text in said)


def test_wildcards_are_left_to_dictation(tmp_path: Path) -> None:
    wild = "lists: {what: {wildcard: true}}\n"
    assert _accepted(tmp_path, "say (hello|{what})", wild) == {"say hello"}
    with pytest.raises(SentencesError, match="nothing that can be said"):
        _accepted(tmp_path, "say {what}", wild)


_WORDS = st.sampled_from(["a", "b", "on", "light"])
_TEMPLATES = st.recursive(
    st.one_of(_WORDS, st.sampled_from(["{colour}", "{n}", "<rule>"])),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({';'.join(parts)})"),
        inner.map(lambda part: f"[{part}]"),
    ),
    max_leaves=8,
)


@settings(max_examples=examples(30), deadline=None)
@given(template=_TEMPLATES)
def test_grammar_and_templates_are_one_language(
    tmp_path_factory: pytest.TempPathFactory, template: str
) -> None:
    file = tmp_path_factory.mktemp("own") / "own.yaml"
    file.write_text(
        f"intents: {{A: {{data: [{{sentences: ['go {template}']}}]}}}}\n"
        "lists: {colour: {values: [red, dark red]}, n: {range: {from: 1, to: 3}}}\n"
        "expansion_rules: {rule: '(x|[y] z)'}\n"
    )
    automaton = compile_grammar(grammar_from_templates(file, load_home(None)).grammar)
    intents = _intents(file)
    rng = random.Random(0)
    for _ in range(10):
        text = " ".join(automaton.sample(rng))
        assert recognize(text, intents, language="en") is not None, text
    for index, (_name, text) in enumerate(sample_intents(intents, language="en")):
        if index > 300:
            break
        if _can_be_said(text):
            assert automaton.accepts(_spoken(text).split()), text
