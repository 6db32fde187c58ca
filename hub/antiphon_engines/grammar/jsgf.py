"""Parse the part of JSGF 1.0 that closed grammars need, from untrusted text.

Source: JSpeech Grammar Format, W3C Note 5 June 2000. Taken: the header, the grammar's name, one
public rule, sequences, alternatives, groups, optional groups, weights (0 forbids an alternative),
references without recursion, `<NULL>`, `<VOID>`, comments; tags
are skipped. Not taken: repetition, imports, quoted tokens, qualified names.
"""

import re
from typing import Final

from antiphon_engines.errors import ContextError
from antiphon_engines.grammar.expressions import (
    NULL,
    VOID,
    Alternatives,
    Expression,
    Grammar,
    Reference,
    Sequence,
    Word,
)
from antiphon_engines.grammar.tokens import Token, tokenize
from antiphon_protocol.limits import CONTEXT_BYTES_MAX

WEIGHT_MAX: Final = 1e6
NESTING_MAX: Final = 50
"""Brackets within brackets: templates nest a handful; the parser recurses once for each."""

_HEADER: Final = re.compile(r"\ufeff?#JSGF\s+V1\.0[^;\n]*;")
_SPECIAL: Final[dict[str, Expression]] = {"<NULL>": NULL, "<VOID>": VOID}


def parse_jsgf(text: str) -> Grammar:
    """Return the grammar that a JSGF text describes.

    Raises:
        ContextError: it is too large or no such grammar; the message gives the line.
    """
    if len(text.encode(errors="replace")) > CONTEXT_BYTES_MAX:
        raise ContextError(f"grammar is larger than {CONTEXT_BYTES_MAX} bytes; split it")
    header = _HEADER.match(text)
    if header is None:
        raise ContextError("grammar line 1: it must begin with `#JSGF V1.0;`")
    return _Parser(text[header.end() :]).grammar()


class _Parser:
    """Recursive descent, one token ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = tokenize(text)
        self._next = next(self._tokens)
        self._depth = 0

    def grammar(self) -> Grammar:
        self._name_of_grammar()
        rules: dict[str, Expression] = {}
        public: list[str] = []
        while self._next.kind != "end":
            is_public = self._take_if("public")
            name, line = self._rule_name()
            if name in rules:
                raise ContextError(f"grammar line {line}: rule <{name}> is defined twice")
            rules[name] = self._rule_body()
            if is_public:
                public.append(name)
        if len(public) != 1:
            raise ContextError(f"grammar has {len(public)} public rules; it must have one")
        return Grammar(public=public[0], rules=rules)

    def _name_of_grammar(self) -> None:
        if not self._take_if("grammar"):
            raise self._error("`grammar NAME;` must come first")
        if self._take().kind != "word":
            raise self._error("`grammar` needs a name")
        self._expect(";")

    def _rule_name(self) -> tuple[str, int]:
        token = self._take()
        if token.kind != "rule" or token.text in _SPECIAL:
            raise ContextError(
                f"grammar line {token.line}: a rule must stand here, `<name> = ...;`, "
                f"not {token.text or 'the end'!r}"
            )
        return token.text[1:-1], token.line

    def _rule_body(self) -> Expression:
        self._expect("=")
        body = self._alternatives()
        self._expect(";")
        return body

    def _alternatives(self) -> Expression:
        options = [self._weighted()]
        while self._take_if("|"):
            options.append(self._weighted())
        said = [(option, weight) for option, weight in options if weight > 0]
        if not said:
            return VOID
        if len(said) == 1:
            return said[0][0]
        weights = tuple(weight for _, weight in said)
        alike = len(set(weights)) == 1
        return Alternatives(tuple(option for option, _ in said), () if alike else weights)

    def _weighted(self) -> tuple[Expression, float]:
        weight = 1.0
        if self._next.kind == "weight":
            weight = float(self._next.text.strip("/ \t\r\nfF"))
            if weight > WEIGHT_MAX:
                raise self._error(f"a weight is over {WEIGHT_MAX:g}")
            self._take()
        return self._sequence(), weight

    def _sequence(self) -> Expression:
        items: list[Expression] = []
        while self._next.kind in ("word", "rule") or self._next.text in ("(", "["):
            items.append(self._item(self._take()))
        if not items:
            raise self._error("a word, a rule or a group must stand here")
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _item(self, token: Token) -> Expression:
        if token.kind == "word":
            return Word(token.text.lower())
        if token.kind == "rule":
            return _SPECIAL.get(token.text) or Reference(token.text[1:-1], token.line)
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise self._error(f"more than {NESTING_MAX} brackets within brackets")
        inside = self._alternatives()
        self._expect(")" if token.text == "(" else "]")
        self._depth -= 1
        return inside if token.text == "(" else Alternatives((inside, NULL))

    def _take(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._next = next(self._tokens)
        return token

    def _take_if(self, text: str) -> bool:
        if self._next.text != text:
            return False
        self._take()
        return True

    def _expect(self, sign: str) -> None:
        if not self._take_if(sign):
            raise self._error(f"{sign!r} is missing")

    def _error(self, complaint: str) -> ContextError:
        found = repr(self._next.text) if self._next.text else "the end"
        return ContextError(f"grammar line {self._next.line}: {complaint}, before {found}")
