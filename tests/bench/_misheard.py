"""Sentences as a recogniser may mishear them: one word gives way to another that sounds almost so.

How words sound tells the dictionary that comes with pocketsphinx. A word gives way only to one that
the sentences have somewhere: a recogniser too writes words that people use.
"""

import random
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Final

PHONES_MIN: Final = 3
"""Words of fewer phones are left as they are: nearly every other short word is next to them."""

Phones = tuple[str, ...]


class Mishearing:
    """Puts one phonetic neighbour into a sentence; the same sentence is misheard the same way."""

    def __init__(self, dictionary: Path, vocabulary: Collection[str]) -> None:
        """Read how the words of the vocabulary sound in a dictionary of CMUdict's format."""
        self._phones: dict[str, Phones] = {}
        with dictionary.open(encoding="utf-8") as lines:
            for line in lines:
                word, *phones = line.split()
                if len(phones) >= PHONES_MIN and word in vocabulary:
                    self._phones[word] = tuple(phones)
        self._as: dict[Phones, list[str]] = defaultdict(list)
        self._blurred: dict[Phones, list[str]] = defaultdict(list)
        for word, heard in self._phones.items():
            self._as[heard].append(word)
            for at in range(len(heard)):
                self._blurred[_without(heard, at)].append(word)
                self._blurred[_without(heard, at, "?")].append(word)

    def of(self, sentence: str) -> str | None:
        """Return the sentence with one word misheard, or None if no word has a neighbour."""
        words = sentence.lower().split()
        chance = random.Random(sentence)
        places = list(range(len(words)))
        chance.shuffle(places)
        for place in places:
            alike = self.neighbours(words[place])
            if alike:
                words[place] = chance.choice(alike)
                return " ".join(words)
        return None

    def neighbours(self, word: str) -> list[str]:
        """Return the words that sound the same, or differ by one phone."""
        heard = self._phones.get(word, ())
        near = {*self._as.get(heard, ()), *self._blurred.get(heard, ())}
        for at in range(len(heard)):
            near.update(self._as.get(_without(heard, at), ()))
            near.update(self._blurred.get(_without(heard, at, "?"), ()))
        return sorted(near - {word})


def _without(phones: Phones, at: int, *instead: str) -> Phones:
    return (*phones[:at], *instead, *phones[at + 1 :])
