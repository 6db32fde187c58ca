"""What a JSGF rule is made of, once parsed."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Word:
    """One word, as it is spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; the empty sequence is `<NULL>`."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Any one of them; no alternative at all is `<VOID>`."""

    options: tuple["Expression", ...]
    weights: tuple[float, ...] = ()
    """How likely each is beside the others, above 0; none given: all alike."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Another rule, by name; the line is for the message when there is none."""

    name: str
    line: int


Expression: TypeAlias = Word | Sequence | Alternatives | Reference

NULL = Sequence(())
VOID = Alternatives(())


@dataclass(frozen=True, slots=True)
class Grammar:
    """A parsed grammar: its rules by name, and the public one to start from."""

    public: str
    rules: dict[str, Expression]
