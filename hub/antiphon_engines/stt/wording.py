"""Written text to spoken words: what recognisers of open text write, as grammars have it. Pure."""

import re
from typing import Final

from unicode_rbnf import RbnfEngine

_SIGNS: Final = {"%": " percent ", "°": " degrees ", "&": " and ", "+": " plus ", "\u2019": "'"}
_NOTES: Final = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>|♪")
"""`[BLANK_AUDIO]`, `(wind blowing)`, `<unk>`: nobody said that."""
_GROUPING: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")
_INITIALS: Final = re.compile(r"\b([^\W\d_])\.(?=[^\W\d_]\b)")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_TRIM: Final = re.compile(r"[^\w\s']|_")
_LONE_QUOTES: Final = re.compile(r"(?<!\w)'+|'+(?!\w)")
_DIGITS_MAX: Final = 9


def spoken_words(text: str, language: str) -> str:
    """Return a transcript as lower-case words without signs, numbers in words.

    Args:
        text: As a recogniser writes it: "Set the lamp to 40%."
        language: BCP 47 tag; numbers of an unknown language stay figures.
    """
    plain = _INITIALS.sub(r"\1", _NOTES.sub(" ", text.lower()))
    for sign, said in _SIGNS.items():
        plain = plain.replace(sign, said)
    spelled = _NUMBER.sub(lambda found: _said(found[0], language), _GROUPING.sub("", plain))
    return " ".join(_LONE_QUOTES.sub(" ", _TRIM.sub(" ", spelled)).split())


def _said(number: str, language: str) -> str:
    if len(number) > _DIGITS_MAX:
        return f" {' '.join(number)} "
    try:
        engine = RbnfEngine.for_language(language.replace("_", "-").partition("-")[0].lower())
        return f" {engine.format_number(number).text} "
    except ValueError:
        return f" {number} "
