"""English letters to sounds, for words that no dictionary has: names, mostly.

A small table of spellings, longest first; no list of exceptions. A name that it gets wrong needs a
pronunciation of the owner's.
"""

import re
import unicodedata
from typing import Final

_VOWELS: Final = "aeiouy"

_SPELLINGS: Final = {
    "0": "Z IH R OW",
    "1": "W AH N",
    "2": "T UW",
    "3": "TH R IY",
    "4": "F AO R",
    "5": "F AY V",
    "6": "S IH K S",
    "7": "S EH V AH N",
    "8": "EY T",
    "9": "N AY N",
    "tion": "SH AH N",
    "sion": "ZH AH N",
    "ture": "CH ER",
    "eigh": "EY",
    "ough": "AO",
    "augh": "AO",
    "igh": "AY",
    "tch": "CH",
    "dge": "JH",
    "sch": "SH",
    "cia": "SH AH",
    "air": "EH R",
    "ear": "IH R",
    "eer": "IH R",
    "our": "AW ER",
    "all": "AO L",
    "qu": "K W",
    "ch": "CH",
    "sh": "SH",
    "th": "TH",
    "ph": "F",
    "wh": "W",
    "gh": "G",
    "ck": "K",
    "ng": "NG",
    "ai": "EY",
    "ay": "EY",
    "au": "AO",
    "aw": "AO",
    "ar": "AA R",
    "ea": "IY",
    "ee": "IY",
    "ei": "EY",
    "er": "ER",
    "eu": "Y UW",
    "ew": "UW",
    "ey": "IY",
    "ie": "IY",
    "ir": "ER",
    "oa": "OW",
    "oe": "OW",
    "oi": "OY",
    "oo": "UW",
    "or": "AO R",
    "ou": "AW",
    "ow": "OW",
    "oy": "OY",
    "ue": "UW",
    "ur": "ER",
    "a": "AE",
    "b": "B",
    "c": "K",
    "d": "D",
    "e": "EH",
    "f": "F",
    "g": "G",
    "h": "HH",
    "i": "IH",
    "j": "JH",
    "k": "K",
    "l": "L",
    "m": "M",
    "n": "N",
    "o": "AA",
    "p": "P",
    "q": "K",
    "r": "R",
    "s": "S",
    "t": "T",
    "u": "AH",
    "v": "V",
    "w": "W",
    "x": "K S",
    "y": "IH",
    "z": "Z",
}
_FINAL_LE: Final = {letter: _SPELLINGS[letter] for letter in "bcdfgkpstz"}
_LONG: Final = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_LAST: Final = {"a": "AH", "e": "IY", "i": "IY", "o": "OW", "u": "UW", "y": "IY"}
_SILENT_E: Final = re.compile("[^aeiouywx](e|es)")
_RULES: Final = (
    # letters, what follows in the word, phones, letters used up
    ("c", "[eiy].*", "S", 1),
    ("g", "[eiy].*", "JH", 1),
    ("y", ".*", "Y", 1),
    ("e", "s", "Z", 2),
    *((letter, "le", f"{phones} AH L", 3) for letter, phones in _FINAL_LE.items()),
)
_SPELT: Final = re.compile("|".join(sorted(_SPELLINGS, key=len, reverse=True)))
_FOLDED: Final = str.maketrans({"ß": "ss", "æ": "e", "ø": "o", "ł": "l", "đ": "d", "þ": "th"})


def sounds(word: str) -> str:
    """Return the ARPAbet phones of a word, without stress; empty if it has no letter of ours."""
    folded = unicodedata.normalize("NFKD", word.lower().translate(_FOLDED))
    plain = re.sub("[^a-z0-9]", "", folded)
    spelt = re.sub(r"([b-df-hj-np-tv-z])\1", r"\1", plain)
    spelt = re.sub("^kn", "n", re.sub("^wr", "r", spelt))
    phones: list[str] = []
    position = 0
    while position < len(spelt):
        phone, length = _sound_at(spelt, position)
        position += length
        if phone:
            phones.append(phone)
    return " ".join(phones)


def _sound_at(word: str, at: int) -> tuple[str, int]:
    """Return the phones of the spelling that begins there, and its length in letters."""
    letter, rest = word[at], word[at + 1 :]
    if letter in _VOWELS and rest == "" and at > 0:
        return _last_vowel(word, letter), 1
    for letters, follows, phones, length in _RULES:
        if letter in letters and re.fullmatch(follows, rest) and (phones != "Y" or at == 0):
            return phones, length
    if letter in _VOWELS and _SILENT_E.fullmatch(rest):
        return _LONG[letter], 1
    match = _SPELT.match(word, at)
    return (_SPELLINGS[match[0]], len(match[0])) if match else ("", 1)


def _last_vowel(word: str, letter: str) -> str:
    """Return how a vowel sounds at a word's end; `e` is silent after another vowel's syllable."""
    if letter == "e" and any(vowel in word[:-1] for vowel in _VOWELS):
        return ""
    if letter == "y" and not any(vowel in word[:-1] for vowel in _VOWELS):
        return "AY"
    return _LAST[letter]
