"""Finite grammars as expressions over words, and their text in JSGF 1.0 (pure).

The plain subset: words, sequences, `(a | b)`, `[a]`, `<rule>`, weights; no recursion, no tags.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class Word(msgspec.Struct, frozen=True, tag=True):
    """One word, lower case."""

    text: str


class Ref(msgspec.Struct, frozen=True, tag=True):
    """A rule by name."""

    rule: str


class Seq(msgspec.Struct, frozen=True, tag=True):
    """All parts, one after the other; without parts: silence."""

    parts: tuple[Any, ...] = ()


class Alt(msgspec.Struct, frozen=True, tag=True):
    """Any one of the parts; without parts: nothing that can be said."""

    parts: tuple[Any, ...] = ()


class Weighted(msgspec.Struct, frozen=True, tag=True):
    """Any one of the parts, some of them likelier than others."""

    parts: tuple[tuple[Any, float], ...]
    """Each with its share, above 0."""


Expr = Word | Ref | Seq | Alt | Weighted
SILENCE = Seq()
NEVER = Alt()


def seq(parts: Iterable[Expr]) -> Expr:
    """Return the parts one after the other, as simple as can be."""
    flat: list[Expr] = []
    for part in parts:
        if part == NEVER:
            return NEVER
        flat += part.parts if isinstance(part, Seq) else (part,)
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def alt(parts: Iterable[Expr]) -> Expr:
    """Return any one of the parts, each once, as simple as can be."""
    flat: dict[Expr, None] = {}
    for part in parts:
        flat |= dict.fromkeys(part.parts if isinstance(part, Alt) else (part,))
    return next(iter(flat)) if len(flat) == 1 else Alt(tuple(flat))


def opt(part: Expr) -> Expr:
    """Return the part or silence."""
    return alt((part, SILENCE))


def rarely(part: Expr, share: float) -> Expr:
    """Return the part in that share of all times, 0..1, and else silence."""
    return Weighted(((part, share), (SILENCE, 1.0 - share)))


def phrases(texts: Iterable[str]) -> Expr:
    """Return any of these phrases, as a tree that shares beginnings: `iced (mocha | coffee)`."""
    tree: dict[str, Any] = {}
    for text in texts:
        node = tree
        for word in text.split():
            node = node.setdefault(word, {})
        node[""] = {}
    return _branches(tree)


def _branches(tree: Mapping[str, Any]) -> Expr:
    return alt(
        seq((Word(word), _branches(rest))) if word else SILENCE for word, rest in tree.items()
    )


def permuted(parts: tuple[Expr, ...], rules: dict[str, Expr], name: str) -> Expr:
    """Return the parts in any order; every sentence of it has one derivation.

    An optional part may be missing: what is left of the parts, a subset, is a rule of its own.
    """
    optional = [SILENCE in part.parts if isinstance(part, Alt) else False for part in parts]
    said = [_without_silence(part) for part in parts]

    def rest(left: tuple[int, ...]) -> Expr:
        if not left:
            return SILENCE
        rule = f"{name}_{''.join(map(str, left))}"
        if rule not in rules:
            firsts = [
                seq((said[first], rest(tuple(other for other in left if other != first))))
                for first in left
            ]
            done = all(optional[one] for one in left)
            rules[rule] = opt(alt(firsts)) if done else alt(firsts)
        return NEVER if rules[rule] == NEVER else Ref(rule)

    return rest(tuple(range(len(parts))))


def _without_silence(part: Expr) -> Expr:
    return alt(one for one in part.parts if one != SILENCE) if isinstance(part, Alt) else part


def to_jsgf(name: str, public: str, rules: Mapping[str, Expr]) -> str:
    """Return the grammar as text; only what the public rule needs is written."""
    needed = _reachable(public, rules)
    lines = ["#JSGF V1.0;", f"grammar {name};", f"public <{public}> = {_text(rules[public])};"]
    lines += [
        f"<{rule}> = {_text(expr)};"
        for rule, expr in rules.items()
        if rule in needed and rule != public
    ]
    return "\n".join(lines) + "\n"


def _reachable(public: str, rules: Mapping[str, Expr]) -> set[str]:
    found: set[str] = set()
    waiting = [public]
    while waiting:
        rule = waiting.pop()
        if rule not in found:
            found.add(rule)
            waiting += _refs(rules[rule])
    return found


def _refs(expr: Expr) -> list[str]:
    if isinstance(expr, Ref):
        return [expr.rule]
    if isinstance(expr, Seq | Alt):
        return [rule for part in expr.parts for rule in _refs(part)]
    if isinstance(expr, Weighted):
        return [rule for part, _ in expr.parts for rule in _refs(part)]
    return []


def _text(expr: Expr) -> str:
    if isinstance(expr, Word):
        return expr.text
    if isinstance(expr, Ref):
        return f"<{expr.rule}>"
    if isinstance(expr, Seq):
        return " ".join(
            f"({_text(part)})"
            if isinstance(part, Alt) and SILENCE not in part.parts
            else _text(part)
            for part in expr.parts
        )
    if isinstance(expr, Weighted):
        ways = [f"/{share:g}/ {_grouped(part)}" for part, share in expr.parts]
        return f"({' | '.join(ways)})"
    said = [part for part in expr.parts if part != SILENCE]
    text = " | ".join(_text(part) for part in said)
    return f"[{text}]" if len(said) < len(expr.parts) else text


def _grouped(expr: Expr) -> str:
    """Return the text as one alternative, whatever is in it: a weight binds to the next `|`."""
    text = _text(expr)
    return f"({text})" if text else "<NULL>"
