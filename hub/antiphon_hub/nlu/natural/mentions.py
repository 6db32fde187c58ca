"""The home's names in a sentence: as they are written, or as a recogniser may have misheard them.

Pure. What is said is compared only with names that share a word or the first consonants with it,
so that a large home costs no more time than a small one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from antiphon_hub.nlu.natural.numbers import COLORS
from antiphon_hub.nlu.natural.sounds import likeness, outline, pairs, sounds
from antiphon_hub.nlu.natural.words import words_of

WORDS_MAX: Final = 6
"""Of a name; longer ones are compared as they are written."""
COMPARED_MAX: Final = 6
"""Names that one part of a sentence is compared with."""
NEAR_MAX: Final = 120
"""Names that are looked at for one part; those that share its rarest words with it come first."""
SPANS_MAX: Final = 40
"""Parts of a sentence that are looked at; of a long one, the last."""
SHARED_MIN: Final = 0.35
"""Share of a name's pairs of sounds that must be heard before it is compared in full."""
SOUNDS_MIN: Final = 5
"""Shorter names sound like too much else."""
LIKE_MIN: Final = 0.82
"""What sounds less alike is another name."""
LEAD_MIN: Final = 0.04
"""By how much the best name must beat the next one that means something else."""
KEPT: Final = COLORS | words_of(
    "kitchen bedroom bathroom hall hallway living dining garage office study den attic"
    " basement garden patio porch nursery guest master upstairs downstairs ground first second left"
    " front back on off open close up down zero one two three four five six seven eight nine ten"
    " eleven twelve"
)
"""Words that tell one thing from another: they are never taken for a misheard other one of them."""
_EDGES = words_of(
    "the a an my our in on at to of is are turn switch set put please and it me you off for can"
    " could would will make be so get all now"
)
"""Words that a misheard name neither begins nor ends with."""


class Mention(NamedTuple):
    """A name of the home in a row of words."""

    start: int
    end: int
    name: str
    """As the home knows it."""
    likeness: float = 1.0


def exact(words: Sequence[str], names: Collection[str]) -> list[Mention]:
    """Return the names that the words hold, the longest first where they overlap; in order."""
    found = []
    at = 0
    while at < len(words):
        spans = (
            Mention(at, end, name)
            for end in range(min(len(words), at + WORDS_MAX), at, -1)
            if (name := " ".join(words[at:end])) in names
        )
        mention = next(spans, None)
        at = mention.end if mention else at + 1
        if mention:
            found.append(mention)
    return found


class Misheard:
    """Finds what a recogniser may have made of names."""

    def __init__(self, names: Mapping[str, object]) -> None:
        """Take the names and what each means: any values that can be compared."""
        self._names = names
        self._sounds = {name: sounds(name) for name in names if len(sounds(name)) >= SOUNDS_MIN}
        self._pairs = {name: pairs(heard) for name, heard in self._sounds.items()}
        self._by_word: dict[str, list[str]] = defaultdict(list)
        self._by_outline: dict[str, list[str]] = defaultdict(list)
        for name, heard in self._sounds.items():
            self._by_outline[outline(heard)].append(name)
            for word in set(name.split()):
                self._by_word[word].append(name)

    def corrected(self, words: Sequence[str]) -> tuple[list[str], float] | None:
        """Return the words with the likeliest misheard name put right, and how alike it sounds."""
        spans = [
            (start, end)
            for start in range(len(words))
            for end in range(start + 1, min(len(words), start + WORDS_MAX) + 1)
            if words[start] not in _EDGES and words[end - 1] not in _EDGES
        ]
        found = [
            mention
            for start, end in spans[-SPANS_MAX:]
            if (mention := self._best(words[start:end], start))
        ]
        if not found:
            return None
        best = max(found, key=lambda one: (one.likeness, one.end - one.start))
        return [*words[: best.start], *best.name.split(), *words[best.end :]], best.likeness

    def _best(self, said: Sequence[str], start: int) -> Mention | None:
        text = " ".join(said)
        heard = sounds(text)
        if text in self._names or len(heard) < SOUNDS_MIN:
            return None
        alike = sorted(
            ((likeness(heard, self._sounds[name]), name) for name in self._near(said, heard)),
            reverse=True,
        )
        if not alike or alike[0][0] < LIKE_MIN:
            return None
        degree, name = alike[0]
        rivals = (other for other, rival in alike if self._names[rival] != self._names[name])
        if degree - next(rivals, 0.0) < LEAD_MIN:
            return None
        return Mention(start, start + len(said), name, degree)

    def _near(self, said: Sequence[str], heard: str) -> list[str]:
        tables = [self._by_word.get(word, []) for word in dict.fromkeys(said)]
        tables.append(self._by_outline.get(outline(heard), []))
        candidates: set[str] = set()
        for names in sorted(tables, key=len):
            if len(candidates) + len(names) > NEAR_MAX:
                break
            candidates.update(names)
        here = pairs(heard)
        fitting = []
        for name in candidates:
            there = self._pairs[name]
            share = len(here & there) / len(there)
            if share >= SHARED_MIN and _may_be(said, heard, name, self._sounds[name]):
                fitting.append((-share, name))
        return [name for _, name in sorted(fitting)[:COMPARED_MAX]]


def _may_be(said: Sequence[str], heard: str, name: str, sounding: str) -> bool:
    """Lengths must fit, and no word that tells things apart may stand for another one."""
    if abs(len(heard) - len(sounding)) > (1 - LIKE_MIN) * len(sounding) + 1:
        return False
    return not (_telling(said, name.split()) and _telling(name.split(), said))


def _telling(words: Iterable[str], others: Collection[str]) -> bool:
    return any(word in KEPT and word not in others for word in words)
