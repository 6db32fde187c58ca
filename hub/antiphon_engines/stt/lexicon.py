"""How words sound: the owner's own pronunciations, CMUdict, then letters to sounds."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from antiphon_engines.errors import ContextError, ModelError
from antiphon_engines.stt.letters import sounds

_PHONES: Final = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W "
    "Y Z ZH"
)
PHONES: Final = frozenset(_PHONES.split())
"""The phones of the acoustic model: ARPAbet without stress."""
PRONUNCIATIONS_MAX: Final = 6
"""Ways to say one word or phrase."""

Pronunciations = tuple[str, ...]


class Lexicon:
    """The pronouncing dictionary that comes with the acoustic model."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pronounce(self, words: Iterable[str], own: Mapping[str, str]) -> dict[str, Pronunciations]:
        """Return each word's pronunciations, at least one.

        Args:
            words: Lower-case words.
            own: Word to phones, first choice.

        Raises:
            ContextError: a word cannot be pronounced, or a pronunciation has an unknown phone.
            ModelError: the dictionary cannot be read.
        """
        wanted = set(words)
        known = self._look_up({part for word in wanted for part in _parts(word)})
        return {word: _checked(word, _pronounce(word, own, known)) for word in sorted(wanted)}

    def _look_up(self, words: set[str]) -> dict[str, list[str]]:
        """Return what the dictionary has; one pass over its 134,000 lines takes about 50 ms."""
        found: dict[str, list[str]] = {}
        try:
            with self._path.open(encoding="utf-8") as lines:
                for line in lines:
                    entry, _, phones = line.partition(" ")
                    word = entry.partition("(")[0]
                    if word in words:
                        found.setdefault(word, []).append(phones.strip())
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"dictionary {self._path} cannot be read: {error}") from None
        return found


def phrase_endings(pronunciations: Iterable[Pronunciations]) -> Pronunciations:
    """Return how a phrase sounds, whole, and with more and more cut off its start."""
    phones = " ".join(word[0] for word in pronunciations).split()
    least = min(len(phones), 3)
    return tuple(" ".join(phones[begin:]) for begin in range(len(phones) - least + 1))


def _parts(word: str) -> tuple[str, ...]:
    """Return the word, and what it is put together from."""
    return (word, *word.replace("-", " ").replace("_", " ").split(), word.removesuffix("'s"))


def _pronounce(word: str, own: Mapping[str, str], known: Mapping[str, list[str]]) -> Pronunciations:
    if word in own:
        return (_without_stress(own[word]),)
    if word in known:
        return tuple(known[word][:PRONUNCIATIONS_MAX])
    if word.endswith("'s"):
        stem = _pronounce(word.removesuffix("'s"), own, known)
        return tuple(f"{phones} {_possessive(phones)}" for phones in stem)
    pieces = word.replace("-", " ").replace("_", " ").split()
    if len(pieces) > 1:
        ways = itertools.product(*(_pronounce(piece, own, known) for piece in pieces))
        return tuple(" ".join(way) for way in itertools.islice(ways, PRONUNCIATIONS_MAX))
    return (sounds(word),)


def _possessive(phones: str) -> str:
    last = phones.rpartition(" ")[2]
    if last in {"S", "Z", "SH", "ZH", "CH", "JH"}:
        return "IH Z"
    return "S" if last in {"P", "T", "K", "F", "TH"} else "Z"


def _without_stress(phones: str) -> str:
    return " ".join(phone.rstrip("012") for phone in phones.upper().split())


def _checked(word: str, ways: Pronunciations) -> Pronunciations:
    for way in ways:
        if not way.split():
            raise ContextError(f"nobody knows how {word!r} sounds; give it a pronunciation")
        if unknown := [phone for phone in way.split() if phone not in PHONES]:
            raise ContextError(
                f"pronunciation of {word!r}: {unknown[0]!r} is none of the phones {_PHONES}"
            )
    return ways
