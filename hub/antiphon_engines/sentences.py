"""Splits a reply into sentences, so that the first is heard while the rest is computed (pure)."""

import re
from typing import Final

_END: Final = re.compile(r"[.!?\u2026]+[\"')\]\u00bb\u201d\u2019]*(?=\s)|[\u3002\uff01\uff1f]|\n+")
"""A possible end: marks and closing quotes before a space, full-width marks, or a line's end."""
_ABBREVIATIONS: Final = frozenset(
    [
        *("mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "approx", "no", "nr"),
        *("vol", "fig", "e.g", "i.e", "cf", "ca", "bzw", "z.b", "u.s", "u.k"),
    ]
)
_CHARS_MIN: Final = 12
"""Shorter ones join the next: a synthesizer's melody needs a phrase, a loudspeaker no hiccup."""


def split(text: str) -> list[str]:
    """Return the sentences of a text in order, all of it, without outer white space.

    A point after an abbreviation, an initial or between digits ends nothing.
    """
    sentences: list[str] = []
    begin = 0
    for mark in _END.finditer(text):
        piece = text[begin : mark.end()].strip()
        if len(piece) >= _CHARS_MIN and _ends(text, begin, mark):
            sentences.append(piece)
            begin = mark.end()
    if rest := text[begin:].strip():
        sentences.append(rest)
    return sentences


def _ends(text: str, begin: int, mark: re.Match[str]) -> bool:
    if mark.group() != ".":
        return True
    words = text[begin : mark.start()].split()
    word = words[-1].lower().lstrip("(\"'") if words else ""
    if word in _ABBREVIATIONS:
        # `No. 5` is a number, `I said no. Then …` is an end.
        return word in {"no", "etc"} and not text[mark.end() :].lstrip()[:1].isdigit()
    return not (len(word) == 1 and word.isalpha() and word != "i")
