"""From sentence templates to a grammar over words: rules, lists, numbers in words (pure)."""

import re
from collections.abc import Mapping
from typing import Any

from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    Sentence,
    TextChunk,
)
from hassil.intents import IntentData, RangeSlotList, SlotList, TextSlotList
from hassil.numbers import get_rbnf_engine
from hassil.util import check_excluded_context, check_required_context

from antiphon_hub.nlu.jsgf import (
    NEVER,
    SILENCE,
    Expr,
    Ref,
    Weighted,
    Word,
    alt,
    permuted,
    phrases,
    seq,
)
from antiphon_hub.nlu.spelling import Slot, clusters, spellings

_SAYABLE = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*'?")
_WHOLE = re.compile(r"\d{1,4}")
_MARK = "\0"


class Expander:
    """Turns templates into expressions; what several of them use becomes a rule once."""

    def __init__(self, language: str) -> None:
        self._language = language
        self.rules: dict[str, Expr] = {}
        """Rules made so far, by name."""
        self._made: dict[Any, Expr] = {}

    def block(
        self,
        data: IntentData,
        sentence: Sentence,
        rules: Mapping[str, Sentence],
        lists: Mapping[str, SlotList],
    ) -> Expr:
        """Return what can be said by one template of a block, with the block's conditions."""
        return _Block(self, data, rules, lists).expression(sentence.expression)

    def shared(self, prefix: str, name: str, key: Any, expr: Expr) -> Expr:
        """Return a reference to the expression as a rule, the same for the same key."""
        if isinstance(expr, Word) or expr in (SILENCE, NEVER):
            return expr
        if key not in self._made:
            safe = f"{prefix}_{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_') or 'x'}"
            rule, count = safe, 2
            while rule in self.rules:
                rule, count = f"{safe}_{count}", count + 1
            self.rules[rule] = expr
            self._made[key] = Ref(rule)
        return self._made[key]

    def made(self, key: Any) -> Expr | None:
        """Return the reference that was made for the key, if any."""
        return self._made.get(key)

    def remember(self, key: Any, made: Expr) -> Expr:
        """Keep a reference under one more key, and return it."""
        self._made[key] = made
        return made

    def numbers(self, numbers: RangeSlotList) -> Expr:
        """Return the range's numbers in words."""
        key = (numbers.start, numbers.stop, numbers.step, numbers.fraction_type)
        name = f"{numbers.start}_{numbers.stop}"
        if made := self.made(key):
            return made
        engine = get_rbnf_engine(self._language)
        texts = [
            words.replace("-", " ")
            for number in numbers.get_numbers()
            for words in [engine.format_number(number).text.lower()]
        ]
        return self.shared("number", name, key, phrases(texts))

    def words(self, text: str) -> Expr:
        """Return the words of a text; a sign or a fraction in digits cannot be said."""
        parts: list[Expr] = []
        for token in text.lower().split():
            if _WHOLE.fullmatch(token):
                said = get_rbnf_engine(self._language).format_number(int(token)).text
                parts += [Word(word) for word in said.replace("-", " ").split()]
                continue
            pieces = [piece.strip(",.!?:;\u2019") for piece in re.split(r"[-_]", token)]
            if not all(_SAYABLE.fullmatch(piece) for piece in pieces if piece):
                return NEVER
            parts += [Word(piece) for piece in pieces if piece]
        return seq(parts)


class _Block:
    """The templates of one block: their lists hold only what the block's conditions let through."""

    def __init__(
        self,
        owner: Expander,
        data: IntentData,
        rules: Mapping[str, Sentence],
        lists: Mapping[str, SlotList],
    ) -> None:
        self._owner = owner
        self._data = data
        self._rules = {**rules, **data.expansion_rules}
        self._lists = {**lists, **data.slot_lists}
        self._local_rules = frozenset(data.expansion_rules)

    def expression(self, expression: Expression) -> Expr:
        """Return what can be said by this part of a template."""
        if isinstance(expression, TextChunk):
            return self._owner.words(expression.text)
        if isinstance(expression, ListReference):
            return self._list(expression)
        if isinstance(expression, RuleReference):
            return self._rule(expression.rule_name)
        if isinstance(expression, Alternative):
            return alt(self.expression(item) for item in expression.items)
        if isinstance(expression, Permutation):
            return self._permutation(expression)
        assert isinstance(expression, Group)  # noqa: S101 - hassil has no other kind of expression
        return seq(
            self.expression(items[0]) if len(items) == 1 else self._spelled(items)
            for items in clusters(expression.items, self._rules)
        )

    def _permutation(self, expression: Permutation) -> Expr:
        parts = tuple(self.expression(item) for item in expression.items)
        if NEVER in parts:
            return NEVER
        key = ("permutation", parts)
        if made := self._owner.made(key):
            return made
        name = f"order_{len(self._owner.rules)}"
        return self._owner.shared("any", name, key, permuted(parts, self._owner.rules, name))

    def _rule(self, name: str) -> Expr:
        expr = self.expression(self._rules[name].expression)
        return self._owner.shared("r", name, ("rule", name, expr), expr)

    def _spelled(self, items: list[Expression]) -> Expr:
        return alt(self._words(way) for way in spellings(items, self._rules))

    def _words(self, way: list[Any]) -> Expr:
        """Return one spelling as words; a list glued to letters is spelled out value by value."""
        slots = [part.reference for part in way if isinstance(part, Slot)]
        text = "".join(_MARK if isinstance(part, Slot) else part for part in way)
        parts: list[Expr] = []
        for token in text.split():
            if token == _MARK:
                parts.append(self._list(slots.pop(0)))
            elif _MARK in token:
                # A number with its sign, "40%", is another spelling of words that are there too.
                return NEVER
            else:
                parts.append(self._owner.words(token))
        return seq(parts)

    def _list(self, reference: ListReference) -> Expr:
        slot_list = self._lists.get(reference.list_name)
        if slot_list is None and (inline := reference.get_inline_range()):
            slot_list = RangeSlotList(reference.list_name, *inline)
        if isinstance(slot_list, RangeSlotList):
            return self._owner.numbers(slot_list)
        if not isinstance(slot_list, TextSlotList):
            # A wildcard takes any words: that is for dictation, not for a closed grammar.
            return NEVER
        return self._values(reference.list_name, slot_list)

    def _values(self, name: str, slot_list: TextSlotList) -> Expr:
        admitted = [
            (index, value)
            for index, value in enumerate(slot_list.values)
            if check_required_context(
                self._data.requires_context, value.context, allow_missing_keys=True
            )
            and check_excluded_context(self._data.excludes_context, value.context)
        ]
        admitted_key = ("admitted", id(slot_list), tuple(index for index, _value in admitted))
        if made := self._owner.made(admitted_key):
            return made
        plain = [
            value.text_in.text for _index, value in admitted if isinstance(value.text_in, TextChunk)
        ]
        said = [
            " ".join(words)
            for text in plain
            if (words := _only_words(self._owner.words(text))) is not None
        ]
        templates = [
            self.expression(value.text_in)
            for _index, value in admitted
            if not isinstance(value.text_in, TextChunk)
        ]
        expr = alt([phrases(said), *templates])
        made = self._owner.shared("l", name, ("list", name, expr), expr)
        return self._owner.remember(admitted_key, made)


def _only_words(expr: Expr) -> list[str] | None:
    if isinstance(expr, Word):
        return [expr.text]
    if expr in (NEVER, SILENCE) or isinstance(expr, Ref | Weighted):
        return None
    return [part.text for part in expr.parts]
