"""Which parts of a template make one word together: `fan[s]`, `day[ ]light` (pure).

Templates are written in characters, grammars in words. Where no space parts two items, the words
they can make together are spelled out.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
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

SPELLINGS_MAX: Final = 2_000
"""Ways to spell one cluster; a template with more glues long lists of words together."""


class Slot(msgspec.Struct, frozen=True):
    """A list within a spelling."""

    reference: ListReference


class _Edge(msgspec.Struct, frozen=True):
    """Whether an item begins and ends with a space wherever it is not empty."""

    starts: bool
    ends: bool
    empty: bool
    """It may be empty."""


def clusters(items: Sequence[Expression], rules: Mapping[str, Sentence]) -> list[list[Expression]]:
    """Return the items in groups with a space, or nothing, between each two groups."""
    edges = [_edge(item, rules) for item in items]
    groups: list[list[Expression]] = []
    for index, item in enumerate(items):
        if index and not _parted(edges, index):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def _parted(edges: Sequence[_Edge], index: int) -> bool:
    """Tell whether a space stands before the item, whichever optional items are missing."""
    before = _reach(reversed(edges[:index]))
    after = _reach(iter(edges[index:]))
    return all(edge.ends for edge in before) or all(edge.starts for edge in after)


def _reach(edges: Iterator[_Edge]) -> list[_Edge]:
    reached = []
    for edge in edges:
        reached.append(edge)
        if not edge.empty:
            break
    return reached


def _edge(item: Expression, rules: Mapping[str, Sentence]) -> _Edge:
    if isinstance(item, TextChunk):
        text = item.text
        return (
            _Edge(text[:1].isspace(), text[-1:].isspace(), not text)
            if text
            else _Edge(starts=True, ends=True, empty=True)
        )
    if isinstance(item, RuleReference):
        return _edge(rules[item.rule_name].expression, rules)
    if isinstance(item, Permutation):
        return _Edge(starts=True, ends=True, empty=False)
    if not isinstance(item, Group):
        return _Edge(starts=False, ends=False, empty=False)
    edges = [_edge(part, rules) for part in item.items]
    if isinstance(item, Alternative):
        return _Edge(
            all(edge.starts for edge in edges),
            all(edge.ends for edge in edges),
            any(edge.empty for edge in edges),
        )
    return _Edge(
        all(edge.starts for edge in _reach(iter(edges))),
        all(edge.ends for edge in _reach(reversed(edges))),
        all(edge.empty for edge in edges),
    )


def spellings(items: Sequence[Expression], rules: Mapping[str, Sentence]) -> list[list[Any]]:
    """Return every way to spell the items together: lists of texts and slots.

    More than `SPELLINGS_MAX` are not returned; see `is_tangled`.
    """
    ways = _sequence(items, rules)
    return [list(way) for way in itertools.islice(ways, SPELLINGS_MAX)]


def is_tangled(expression: Expression, rules: Mapping[str, Sentence]) -> bool:
    """Tell whether a part of the template has more spellings than are looked at."""
    if not isinstance(expression, Group):
        return False
    if not isinstance(expression, Alternative | Permutation) and any(
        len(items) > 1 and len(spellings(items, rules)) >= SPELLINGS_MAX
        for items in clusters(expression.items, rules)
    ):
        return True
    return any(is_tangled(item, rules) for item in expression.items)


def _sequence(
    items: Sequence[Expression], rules: Mapping[str, Sentence]
) -> Iterator[tuple[Any, ...]]:
    if not items:
        yield ()
        return
    for first in _spell(items[0], rules):
        for rest in _sequence(items[1:], rules):
            yield (*first, *rest)


def _spell(item: Expression, rules: Mapping[str, Sentence]) -> Iterator[tuple[Any, ...]]:
    if isinstance(item, TextChunk):
        yield (item.text,)
    elif isinstance(item, ListReference):
        yield (Slot(item),)
    elif isinstance(item, RuleReference):
        yield from _spell(rules[item.rule_name].expression, rules)
    elif isinstance(item, Permutation):
        for order in itertools.permutations(item.items):
            yield from _sequence(order, rules)
    elif isinstance(item, Alternative):
        for part in item.items:
            yield from _spell(part, rules)
    elif isinstance(item, Group):
        yield from _sequence(item.items, rules)
