"""An owner's file of sentences: every mistake is named with its line, and none breaks the house."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_hub.errors import SentencesError
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_hub.reply_template import fill
from tests.support.examples import examples

HOME = load_home(None)
DEEP = "(" * 60 + "x" + ")" * 60


def _mistakes(tmp_path: Path, text: str) -> tuple[str, ...]:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(SentencesError) as caught:
        Interpreter(HOME, [file])
    assert str(file) in str(caught.value)
    return caught.value.mistakes


def _sentence(template: str) -> str:
    return f"intents:\n  Own:\n    data:\n      - sentences:\n          - {template!r}\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: [", "line 1: no YAML"),
        ("- a", "holds no sentences"),
        ("a: 1\na: 2", "line 2: no YAML: 'a' stands here twice"),
        ("intens: {}", "line 1: intens: no such section; did you mean 'intents'?"),
        ("language: de", "line 1: language: is 'de', the house speaks en"),
        ("intents: {Own: {}}", "line 1: intent Own: needs `data:`"),
        ("intents: {Own: {data: [{}]}}", "intent Own: a block without a list of `sentences:`"),
        (_sentence("turn [on the light"), "line 5: intent Own: 'turn [on the light' is no"),
        (_sentence("turn <onn> x"), "line 5: intent Own: 'turn <onn> x': there is no rule <onn>"),
        (_sentence("make {colour} x"), "there is no list {colour}"),
        (_sentence("[please] [now]"), "matches silence"),
        (_sentence(DEEP), "nests too deep"),
        (_sentence("[a]" * 12 + "b"), "too many spellings"),
        (_sentence(";".join("abcdefg")), "permutes more than 6 parts"),
        ("expansion_rules: {a: '<b>', b: '<a>'}", "rule <b> refers to itself"),
        ("lists: {x: {values: []}}", "line 1: list x: values is no list of 1 to"),
        ("lists: {x: {values: [{out: 1}]}}", "has it `in:`"),
        ("lists: {x: {range: {from: 1}}}", "line 1: list x: range needs whole numbers"),
        ("lists: {x: {range: {from: 0, to: 99999999}}}", "range is empty or holds over"),
        ("lists: {x: {}}", "list x: needs `values:`, `range:` or `wildcard: true`"),
        ("skip_words: please", "skip_words: is no list"),
        ("responses: {intents: {Own: {default: '{% if x %}'}}}", "may hold {{ slots.NAME }}"),
        ("responses: {intents: {Own: hello}}", "line 1: responses of Own: needs `default: TEXT`"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, wanted: str) -> None:
    assert any(wanted in mistake for mistake in _mistakes(tmp_path, text))


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = _sentence("turn <onn> x") + "          - 'a [b'\nlists: {x: {}}\nmore: 1\n"
    assert len(_mistakes(tmp_path, text)) == 4


def test_rules_that_multiply_are_too_large(tmp_path: Path) -> None:
    rules = {f"r{n}": f"<r{n + 1}> <r{n + 1}> <r{n + 1}>" for n in range(15)} | {"r15": "a b"}
    text = _sentence("<r0>") + yaml.safe_dump({"expansion_rules": rules})
    assert any("too large" in mistake for mistake in _mistakes(tmp_path, text))


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\0", b"a" * (1024 * 1024 + 1)])
def test_a_file_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "own.yaml"
    file.write_bytes(data)
    with pytest.raises(SentencesError):
        Interpreter(HOME, [file])


def test_on_and_off_are_words(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(_sentence("mode {mode}") + "lists: {mode: {values: [on, off, yes, 5]}}\n")
    interpreter = Interpreter(HOME, [file])
    found = interpreter.interpret("mode off", room="")
    assert getattr(found, "slots", None) == {"mode": "off"}


_KEYS = (
    "intents data sentences lists values range wildcard expansion_rules slots a b responses"
    " requires_context skip_words in out from to language metadata"
)
_LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(alphabet="ab [](){}<>|;:", max_size=12)
)
_TREE = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(_KEYS.split()),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=25,
)
_FILE = st.fixed_dictionaries(
    {},
    optional={
        "intents": st.dictionaries(
            st.sampled_from(["Own", "HassTurnOn"]),
            st.fixed_dictionaries(
                {"data": st.lists(st.fixed_dictionaries({"sentences": st.lists(_LEAF)}) | _TREE)}
            ),
            max_size=2,
        ),
        "lists": _TREE,
        "expansion_rules": _TREE,
        "responses": _TREE,
        "skip_words": _TREE,
    },
)


@pytest.mark.slow
@settings(max_examples=examples(60), deadline=None)
@given(tree=st.one_of(_TREE, _FILE))
def test_any_tree_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tree: object
) -> None:
    file = tmp_path_factory.mktemp("own") / "own.yaml"
    file.write_text(yaml.safe_dump(tree))
    try:
        interpreter = Interpreter(HOME, [file])
    except SentencesError:
        return
    assert interpreter.interpret("a b", room="kitchen") is not None
    assert recognition_context(interpreter).grammar


def test_replies_are_filled_with_slots() -> None:
    assert (
        fill("A {{ slots.size }} {{slots.drink}}!", {"size": "big", "drink": "tea"}) == "A big tea!"
    )
    assert fill("A {{ slots.size }} tea", {}) == "A  tea"
