"""Drawing sentences from templates at random (pure, given a random source)."""

import random
from collections.abc import Mapping, Sequence

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

RULE_DEPTH_MAX = 20
"""A rule that nests deeper refers to itself."""


class Sampler:
    """Draws sentences; every choice of a template is equally likely."""

    def __init__(
        self,
        rules: Mapping[str, Sentence],
        lists: Mapping[str, Sequence[str]],
        chance: random.Random,
    ) -> None:
        """Take rules and the values of lists, which are texts, not templates."""
        self._rules = rules
        self._lists = lists
        self._chance = chance

    def draw(self, template: Sentence, lists: Mapping[str, Sequence[str]] | None = None) -> str:
        """Return one sentence of the template; `lists` go before the sampler's own.

        Raises:
            KeyError: a list or a rule is not there.
        """
        words = self._drawn(template.expression, {**self._lists, **(lists or {})}, 0)
        return " ".join(words.split())

    def _drawn(self, expression: Expression, lists: Mapping[str, Sequence[str]], depth: int) -> str:
        if depth > RULE_DEPTH_MAX:
            raise KeyError("a rule refers to itself")
        if isinstance(expression, TextChunk):
            return expression.original_text
        if isinstance(expression, ListReference):
            return self._value(expression, lists)
        if isinstance(expression, RuleReference):
            return self._drawn(self._rules[expression.rule_name].expression, lists, depth + 1)
        if isinstance(expression, Alternative):
            return self._drawn(self._chance.choice(expression.items), lists, depth + 1)
        assert isinstance(expression, Group)  # noqa: S101 - hassil has no other kind of expression
        items = list(expression.items)
        glue = ""
        if isinstance(expression, Permutation):
            self._chance.shuffle(items)
            glue = " "
        return glue.join(self._drawn(item, lists, depth + 1) for item in items)

    def _value(self, reference: ListReference, lists: Mapping[str, Sequence[str]]) -> str:
        inline = reference.get_inline_range()
        if inline:
            start, stop, step = inline
            return str(self._chance.randrange(start, stop + 1, step or 1))
        return self._chance.choice(lists[reference.list_name])
