"""A written name as it is said: lower-case words without digits, signs and accents."""

import re
import unicodedata
from typing import Final

from hassil.numbers import get_rbnf_engine

_SIGNS: Final = {"&": " and ", "+": " plus ", "%": " percent ", "°": " degrees ", "\u2019": "'"}
_TOKEN = re.compile(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)*")
NUMBER_MAX: Final = 1_000_000
"""Above this a row of digits is read digit by digit, as a person would."""

_PLURALS: Final = {"switch": "switches", "media_player": "players"}


def plural_of(kind: str) -> str:
    """Return what several devices of a kind are called."""
    return _PLURALS.get(kind, f"{kind}s")


def spoken(text: str, language: str = "en") -> str:
    """Return the words that a person says for a written name: `TV 2` gives `tv two`."""
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    words = [_said(token, language) for token in _TOKEN.findall(plain)]
    return " ".join(words)


def number_words(number: int, language: str = "en") -> str:
    """Return the number in words, without hyphens: `forty two`."""
    words: str = get_rbnf_engine(language).format_number(number).text
    return words.replace("-", " ").lower()


def _said(token: str, language: str) -> str:
    if not token[0].isdigit():
        return token
    # `isdigit` and int() know the digits of other scripts too.
    if len(token) <= len(str(NUMBER_MAX)) and int(token) <= NUMBER_MAX:
        return number_words(int(token), language)
    return " ".join(number_words(int(digit), language) for digit in token)
