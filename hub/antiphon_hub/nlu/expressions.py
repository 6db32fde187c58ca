"""Sentence templates as trees: parsing, what they refer to, how large they are, what they cost."""

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

from hassil.expression import (
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    Sentence,
    TextChunk,
)
from hassil.intents import Intents, TextSlotList
from hassil.parse_expression import parse_sentence
from hassil.parser import ParseError

PERMUTED_MAX: Final = 6
"""Parts of one permutation `(a;b;c)`: they can stand in n! orders."""
DEPTH_MAX: Final = 20
"""How deep groups and rules may nest; hassil's matcher recurses through all of it."""
LEAVES_MAX: Final = 20_000
"""Words and lists of one template with all its rules put in."""
STEPS_MAX: Final = 25_000
"""Looks of the matcher at template words for one sentence, in all its searches; usual commands
take some hundreds, two in one sentence up to 17,000. A look takes 2 to 3 us."""


class TemplateError(Exception):
    """A template that cannot be used; the message says why."""


class Unbounded(Exception):  # noqa: N818 - it ends a search, nothing is wrong
    """The search took more steps than a sentence is worth."""


def parse(text: str) -> Sentence:
    """Return the parsed template.

    Raises:
        TemplateError: its brackets do not match, or it holds nothing.
    """
    try:
        sentence: Sentence = parse_sentence(text, keep_text=True)
    except (ParseError, AssertionError, ValueError, IndexError, RecursionError):
        raise TemplateError(f"{text!r} is no template: do its brackets match?") from None
    return sentence


def check(expression: Expression, rules: Mapping[str, Sentence]) -> None:
    """Check that a template stays within bounds with all its rules put in.

    Raises:
        TemplateError: a rule is missing or refers to itself, or the template is too large.
    """
    leaves = _leaves(expression, rules, (), {})
    if leaves > LEAVES_MAX:
        raise TemplateError(f"is too large: {leaves} words with its rules put in")


def _leaves(
    expression: Expression,
    rules: Mapping[str, Sentence],
    path: tuple[str, ...],
    known: dict[str, int],
    depth: int = 0,
) -> int:
    if depth > DEPTH_MAX:
        raise TemplateError("nests too deep: use fewer brackets and rules inside each other")
    if isinstance(expression, Group):
        if isinstance(expression, Permutation) and len(expression.items) > PERMUTED_MAX:
            raise TemplateError(f"permutes more than {PERMUTED_MAX} parts with `;`")
        return sum(_leaves(item, rules, path, known, depth + 1) for item in expression.items)
    if not isinstance(expression, RuleReference):
        return 1
    name = expression.rule_name
    if name in path:
        raise TemplateError(f"rule <{name}> refers to itself")
    if name not in rules:
        raise TemplateError(f"there is no rule <{name}>")
    if name not in known:
        known[name] = _leaves(rules[name].expression, rules, (*path, name), known, depth + 1)
    return known[name]


def can_be_empty(expression: Expression, rules: Mapping[str, Sentence]) -> bool:
    """Tell whether the template matches no words at all; its rules must be there."""
    if isinstance(expression, TextChunk):
        return not expression.text.strip()
    if isinstance(expression, RuleReference):
        return can_be_empty(rules[expression.rule_name].expression, rules)
    if not isinstance(expression, Group):
        return False
    if getattr(expression, "is_optional", False):
        return True
    parts = [can_be_empty(item, rules) for item in expression.items]
    return any(parts) if type(expression).__name__ == "Alternative" else all(parts)


def lists_of(expression: Expression, rules: Mapping[str, Sentence]) -> Iterator[ListReference]:
    """Yield the template's references to lists, those in its rules included."""
    if isinstance(expression, ListReference):
        yield expression
    elif isinstance(expression, RuleReference):
        yield from lists_of(rules[expression.rule_name].expression, rules)
    elif isinstance(expression, Group):
        for item in expression.items:
            yield from lists_of(item, rules)


class Meter:
    """Counts the steps of a sentence's searches and ends them when they are used up."""

    def __init__(self) -> None:
        self.left = STEPS_MAX

    @property
    def spent(self) -> bool:
        """Whether a search was ended before its time."""
        return self.left < 0

    def step(self) -> None:
        """Count one step.

        Raises:
            Unbounded: there were too many.
        """
        self.left -= 1
        if self.left < 0:
            raise Unbounded


_METER: ContextVar[Meter] = ContextVar("meter")
"""Templates that no owner has changed are parsed once, for all homes and threads; so they do not
know on which meter they count."""


def new_meter() -> Meter:
    """Return a meter, on which from now on all templates count that are looked at here."""
    meter = Meter()
    _METER.set(meter)
    return meter


class _Metered(TextChunk):
    """Words of a template that count each look at them.

    hassil's matcher keeps every way to match in a list, and the number of ways doubles with each
    optional word that may match the same text; it looks at a word once for each way. So the looks
    bound its time and memory, whatever templates an owner writes.
    """

    def __init__(self, chunk: TextChunk) -> None:
        self._text = chunk.text
        super().__init__(chunk.text, chunk.original_text, chunk.parent)

    @property
    def text(self) -> str:
        _METER.get().step()
        return self._text

    @text.setter
    def text(self, value: str) -> None:
        self._text = value


def put_meter(intents: Intents) -> Intents:
    """Let the matcher's work on these templates count; return them. See `new_meter`."""
    for intent in intents.intents.values():
        for data in intent.data:
            for sentence in data.sentences:
                _put(sentence)
            for rule in data.expansion_rules.values():
                _put(rule)
    for rule in intents.expansion_rules.values():
        _put(rule)
    for slot_list in intents.slot_lists.values():
        for value in slot_list.values if isinstance(slot_list, TextSlotList) else ():
            value.text_in = _metered(value.text_in)
    return intents


def _put(sentence: Sentence) -> None:
    sentence.expression = _metered(sentence.expression)


def _metered(expression: Any) -> Any:
    if isinstance(expression, TextChunk) and not isinstance(expression, _Metered):
        return _Metered(expression)
    if isinstance(expression, Group):
        expression.items = [_metered(item) for item in expression.items]
    return expression
