"""JSGF text to tokens, with the line of each."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from antiphon_engines.errors import ContextError

_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t\r\f\v]+)
  | (?P<newline>\n)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<weight>/\s*[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?[fF]?\s*/)
  | (?P<tag>\{(?:[^{}\\]|\\.)*\})
  | (?P<rule><[^<>\s]+>)
  | (?P<sign>[=;|()\[\]])
  | (?P<word>[^\s;=|*+<>()\[\]{}/"]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_REPETITION: Final = frozenset("*+")


class Token(NamedTuple):
    """A piece of JSGF text."""

    kind: str
    """`word`, `rule`, `weight`, `sign`; `end` after the last."""
    text: str
    line: int


def tokenize(text: str, line: int = 1) -> Iterator[Token]:
    """Yield the tokens of a grammar's text, without spaces, comments and tags; then `end`.

    Raises:
        ContextError: a character that cannot stand there; the message gives the line.
    """
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ContextError(f"grammar line {line}: {_complaint(text[position])}")
        kind = match.lastgroup or ""
        if kind in ("word", "rule", "weight", "sign"):
            yield Token(kind, match[0], line)
        line += match[0].count("\n")
        position = match.end()
    yield Token("end", "", line)


def _complaint(character: str) -> str:
    if character in _REPETITION:
        return f"repetition {character!r} is not supported; write the alternatives out"
    return f"unexpected {character!r}"
