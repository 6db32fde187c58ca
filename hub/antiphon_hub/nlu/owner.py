"""Reading the owner's sentence files: Home Assistant's custom sentence format, checked in full.

Every mistake is reported at once, with its line; a file without mistakes cannot break the matcher.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from hassil.expression import Sentence

from antiphon_hub.errors import SentencesError
from antiphon_hub.nlu.expressions import TemplateError, can_be_empty, check, lists_of, parse
from antiphon_hub.nlu.spelling import is_tangled
from antiphon_hub.reply_template import is_reply
from antiphon_hub.yaml_file import place, plain, read_yaml

RANGE_MAX: Final = 2_000
"""Numbers in one range list: each is spelt out in words."""
VALUES_MAX: Final = 5_000
"""Values of one list."""
HOME_LISTS: Final = frozenset({"name", "area", "floor"})
"""Lists that the home model fills."""

_SECTIONS = ("language", "intents", "lists", "expansion_rules", "skip_words", "responses")
_BLOCK_KEYS = (
    "sentences",
    "slots",
    "response",
    "requires_context",
    "excludes_context",
    "expansion_rules",
    "lists",
    "metadata",
    "required_keywords",
)


class Common(msgspec.Struct, frozen=True):
    """Rules and lists that every file may use."""

    rules: Mapping[str, Sentence]
    lists: frozenset[str]


def read_sentences(path: Path, language: str, common: Common) -> dict[str, Any]:
    """Return the file's sections, all of them present, with every template known to be sound.

    `responses` is reduced to what there is of it: intent, key, text.

    Raises:
        SentencesError: the file cannot be read or has mistakes; all of them are listed.
    """
    tree = read_yaml(path, SentencesError)
    reader = _Reader(common)
    reader.read(tree, language)
    if reader.mistakes:
        raise SentencesError(str(path), reader.mistakes)
    whole: dict[str, Any] = {section: {} for section in _SECTIONS} | _tidy(plain(tree))
    whole["responses"] = whole["responses"].get("intents") or {}
    for intent in whole["intents"].values():
        intent["data"] = [_tidy(block) for block in intent["data"]]
    return whole


def _tidy(table: dict[str, Any]) -> dict[str, Any]:
    """Return the table without keys that were left empty."""
    return {key: value for key, value in table.items() if value is not None}


class _Reader:
    """Checks one file."""

    def __init__(self, common: Common) -> None:
        self.mistakes: list[str] = []
        self._rules = dict(common.rules)
        self._lists = set(common.lists) | HOME_LISTS

    def read(self, tree: Any, language: str) -> None:
        if not isinstance(tree, dict):
            self.mistakes.append("holds no sentences: it needs `intents:`")
            return
        self._check_keys(tree, _SECTIONS, "section")
        told = tree.get("language", language)
        if str(told).partition("-")[0] != language.partition("-")[0]:
            self.mistakes.append(f"{place(told)}language: is {told!r}, the house speaks {language}")
        lists, rules = self._table(tree, "lists"), self._table(tree, "expansion_rules")
        self._lists |= set(lists)
        # Rules refer to lists, and values of lists to rules: first all names, then what they hold.
        self._rules |= self._parse_rules(rules)
        self._read_lists(lists)
        self._check_rules(rules)
        intents = self._table(tree, "intents")
        for name, intent in intents.items():
            self._read_intent(name, intent)
        self._read_responses(self._table(tree, "responses"))
        self._read_skip_words(tree.get("skip_words"))

    def _note(self, thing: object, text: str) -> None:
        self.mistakes.append(f"{place(thing)}{text}")

    def _check_keys(self, table: Mapping[Any, Any], known: Iterable[str], what: str) -> None:
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                self._note(key, f"{key}: no such {what}; {hint}")

    def _table(self, tree: Mapping[str, Any], section: str) -> dict[str, Any]:
        table = tree.get(section)
        if table is None:
            return {}
        if not isinstance(table, dict) or not all(isinstance(key, str) for key in table):
            self.mistakes.append(f"{section}: is no table of names")
            return {}
        return table

    def _read_lists(self, lists: Mapping[str, Any]) -> None:
        for name, one in lists.items():
            if not isinstance(one, dict):
                self._note(name, f"list {name}: needs `values:`, `range:` or `wildcard: true`")
            elif "values" in one:
                self._read_values(name, one)
            elif "range" in one:
                self._read_range(name, one["range"])
            elif one.get("wildcard") is not True:
                self._note(name, f"list {name}: needs `values:`, `range:` or `wildcard: true`")

    def _read_values(self, name: str, one: dict[str, Any]) -> None:
        values = one["values"]
        if not isinstance(values, list) or not 0 < len(values) <= VALUES_MAX:
            self._note(name, f"list {name}: values is no list of 1 to {VALUES_MAX} entries")
            return
        one["values"] = [
            str(value) if isinstance(value, int | float) else value for value in values
        ]
        for value in one["values"]:
            text = value.get("in") if isinstance(value, dict) else value
            if not isinstance(text, str) or not text.strip():
                self._note(name, f"list {name}: {value!r} is neither a text nor has it `in:`")
            else:
                self._template(f"list {name}", text)

    def _read_range(self, name: str, numbers: Any) -> None:
        try:
            start, stop, step = (
                int(numbers["from"]),
                int(numbers["to"]),
                int(numbers.get("step", 1)),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            self._note(name, f"list {name}: range needs whole numbers `from:` and `to:`")
            return
        if step < 1 or stop < start or (stop - start) // step >= RANGE_MAX:
            self._note(name, f"list {name}: range is empty or holds over {RANGE_MAX} numbers")
        if numbers.get("type", "number") not in ("number", "percentage", "temperature"):
            self._note(name, f"list {name}: type is number, percentage or temperature")
        if numbers.get("fractions") not in (None, "halves", "tenths"):
            self._note(name, f"list {name}: fractions is halves or tenths")

    def _parse_rules(self, rules: Mapping[str, Any]) -> dict[str, Sentence]:
        parsed = {str(name): self._parsed(f"rule {name}", body) for name, body in rules.items()}
        return {name: sentence for name, sentence in parsed.items() if sentence is not None}

    def _check_rules(self, rules: Mapping[str, Any]) -> None:
        for name, body in rules.items():
            if name in self._rules:
                self._check(f"rule {name}", body, self._rules[str(name)])

    def _read_intent(self, name: str, intent: Any) -> None:
        blocks = intent.get("data") if isinstance(intent, dict) else None
        if not isinstance(blocks, list) or not blocks:
            self._note(name, f"intent {name}: needs `data:`, a list of blocks with `sentences:`")
            return
        for block in blocks:
            self._read_block(name, block)

    def _read_block(self, name: str, block: Any) -> None:
        sentences = block.get("sentences") if isinstance(block, dict) else None
        if not isinstance(sentences, list) or not sentences:
            self._note(name, f"intent {name}: a block without a list of `sentences:`")
            return
        self._check_keys(block, _BLOCK_KEYS, f"key in a block of intent {name}")
        for key in ("slots", "requires_context", "excludes_context", "metadata"):
            if not isinstance(block.get(key) or {}, dict):
                self._note(name, f"intent {name}: {key} is no table")
        if not isinstance(block.get("response") or "", str):
            self._note(name, f"intent {name}: response is no text")
        if not _are_texts(block.get("required_keywords")):
            self._note(name, f"intent {name}: required_keywords is no list of texts")
        everywhere = (self._rules, self._lists)
        lists, rules = self._table(block, "lists"), self._table(block, "expansion_rules")
        self._lists = self._lists | set(lists)
        self._rules = self._rules | self._parse_rules(rules)
        self._read_lists(lists)
        self._check_rules(rules)
        for text in sentences:
            self._template(f"intent {name}", text)
        self._rules, self._lists = everywhere

    def _template(self, where: str, text: Any) -> None:
        sentence = self._parsed(where, text)
        if sentence is None or not self._check(where, text, sentence):
            return
        if can_be_empty(sentence.expression, self._rules):
            self._note(text, f"{where}: {text!r} matches silence: one part must be required")
        if is_tangled(sentence.expression, self._rules):
            self._note(text, f"{where}: {text!r} has too many spellings: put spaces between parts")

    def _parsed(self, where: str, text: Any) -> Sentence | None:
        if not isinstance(text, str):
            self._note(text, f"{where}: {text!r} is no text; put it in quotes")
            return None
        try:
            return parse(text)
        except TemplateError as error:
            self._note(text, f"{where}: {error}")
            return None

    def _check(self, where: str, text: Any, sentence: Sentence) -> bool:
        try:
            check(sentence.expression, self._rules)
        except TemplateError as error:
            self._note(text, f"{where}: {text!r}: {error}")
            return False
        unknown = {
            reference.list_name
            for reference in lists_of(sentence.expression, self._rules)
            if reference.list_name not in self._lists and not reference.is_inline_range
        }
        for name in sorted(unknown):
            self._note(text, f"{where}: {text!r}: there is no list {{{name}}}")
        return not unknown

    def _read_responses(self, responses: Mapping[str, Any]) -> None:
        self._check_keys(responses, ("intents",), "kind of responses")
        for name, texts in self._table(responses, "intents").items():
            if not isinstance(texts, dict):
                self._note(name, f"responses of {name}: needs `default: TEXT`")
                continue
            for text in texts.values():
                if not isinstance(text, str) or not is_reply(text):
                    self._note(
                        text if isinstance(text, str) else name,
                        f"responses of {name}: {text!r} may hold {{{{ slots.NAME }}}} and no more",
                    )

    def _read_skip_words(self, words: Any) -> None:
        if not _are_texts(words):
            self.mistakes.append("skip_words: is no list of texts")


def _are_texts(values: Any) -> bool:
    if values is None:
        return True
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
