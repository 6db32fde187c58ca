"""A sentence as the model of natural wording sees it: tokens and hashed features (pure).

Training and understanding use this one module; a change here needs the model made anew.
"""

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

TOKENS_MAX: Final = 24
"""Of a longer sentence, the beginning; nobody commands in so many words."""
BUCKETS: Final = 1 << 14
"""Features are hashed into so many; what falls together shares its weights."""
NUMBER: Final = "#"
"""Stands for any number, however it is written and however many words it takes."""


def words_of(text: str) -> frozenset[str]:
    """Return the words of a list that is written as a text."""
    return frozenset(text.split())


_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")
_CALLED = re.compile(
    r"^(?:(?:hey|ok|okay|hi) )?(?:olly|siri|alexa|google|cortana|computer|jarvis|mycroft) "
)
_NUMBER_WORDS = words_of(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
    " hundred thousand"
)
_CHARS = 4


def tokens(text: str) -> list[str]:
    """Return the words in lower case: numbers as `#`, `what's` as `what` and `'s`."""
    plain = _CALLED.sub("", text.lower().replace("\u2019", "'"))
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        if token[0].isdigit() or token in _NUMBER_WORDS:
            if found[-1:] != [NUMBER]:
                found.append(NUMBER)
        elif token.endswith("n't"):
            found += [token[:-3], "n't"]
        elif "'" in token:
            stem, _, ending = token.partition("'")
            found += [stem, f"'{ending}"]
        else:
            found.append(token)
    return found[:TOKENS_MAX]


def features(words: Sequence[str]) -> list[int]:
    """Return the buckets, each once, of word n-grams and of the letters of words."""
    row = ["^", *words, "$"]
    found = {f"1{word}" for word in words}
    found |= {f"2{one} {two}" for one, two in pairwise(row)}
    for one, two, three in zip(row, row[1:], row[2:], strict=False):
        found |= {f"3{one} {two} {three}", f"s{one} {three}"}
    for word in words:
        if len(word) >= _CHARS:
            spelt = f"<{word}>"
            found |= {f"c{spelt[at : at + _CHARS]}" for at in range(len(spelt) - _CHARS + 1)}
    return sorted({zlib.crc32(feature.encode()) % BUCKETS for feature in found})
