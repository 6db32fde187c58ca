"""How alike two phrases sound: what a recogniser confuses is near, what it does not is far (pure).

Letters are folded into rough English sounds by rule, and the weighted edit distance (Wagner and
Fischer, 1974) counts a change between sounds of one kind, `r` and `l`, less than any other.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

_SPELLINGS: Final = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"\bkn|\bgn", "n"),
        (r"\bwr", "r"),
        (r"\bwh", "w"),
        (r"igh", "Y"),
        (r"ough", "o"),
        (r"augh", "o"),
        (r"tion|sion|cian", "Sn"),
        (r"tch|ch", "C"),
        (r"sh", "S"),
        (r"ph", "f"),
        (r"th", "T"),
        (r"ck", "k"),
        (r"qu?", "kw"),
        (r"x", "ks"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"dg(?=e)", "j"),
        (r"g(?=[ei])", "j"),
        (r"mb\b", "m"),
        (r"(?<=[^aeiou\W])e\b", ""),
        (r"ee|ea|ie|ei|y\b", "i"),
        (r"oo|ou|ew|ue", "u"),
        (r"ai|ay|ey", "e"),
        (r"oa|ow|aw|au", "o"),
        (r"y", "Y"),
        (r"h\b", ""),
        (r"[^a-zA-Z]", ""),
    )
)
_TWICE: Final = re.compile(r"(.)\1+")
_KINDS: Final = ("rlwY", "bpvf", "dtT", "gkj", "szSC", "mn", "aeiouY")
"""Sounds of one kind are heard for one another."""
SAME_KIND_COST: Final = 0.4
_KIND_OF: Final = {
    frozenset((one, other)): SAME_KIND_COST for kind in _KINDS for one in kind for other in kind
}
_DROPPED: Final = {"h": 0.5, "e": 0.6, "i": 0.6, "u": 0.6, "a": 0.6, "o": 0.6}
"""Sounds that go missing more easily than others."""


def sounds(text: str) -> str:
    """Return the text's sounds, one sign each, without the gaps between words."""
    return _TWICE.sub(r"\1", "".join(map(_word_sounds, text.lower().split())))


@lru_cache(maxsize=4096)
def _word_sounds(word: str) -> str:
    for pattern, sound in _SPELLINGS:
        word = pattern.sub(sound, word)
    return word


def likeness(one: str, other: str) -> float:
    """Return how alike two rows of sounds are, 0 to 1."""
    longest = max(len(one), len(other))
    return 1 - min(_distance(one, other) / longest, 1) if longest else 0.0


def outline(heard: str) -> str:
    """Return the kinds of the first two consonants: what hardly any mishearing changes."""
    found = [_group(sound) for sound in heard if sound not in "aeiouYh"]
    return "".join(found[:2])


def pairs(heard: str) -> frozenset[str]:
    """Return the pairs of sounds that follow each other."""
    return frozenset(one + other for one, other in pairwise(heard))


def _group(sound: str) -> str:
    return next((kind[0] for kind in _KINDS if sound in kind), sound)


def _distance(one: str, other: str) -> float:
    row = [0.0]
    for sound in other:
        row.append(row[-1] + _DROPPED.get(sound, 1.0))
    for here in one:
        dropped = _DROPPED.get(here, 1.0)
        before, row = row, [row[0] + dropped]
        for at, there in enumerate(other):
            change = 0.0 if here == there else _KIND_OF.get(frozenset((here, there)), 1.0)
            row.append(
                min(
                    before[at] + change,
                    before[at + 1] + dropped,
                    row[at] + _DROPPED.get(there, 1.0),
                )
            )
    return row[-1]
