"""What the made voices say: commands of a home, orders, numbers, and sentences of all kinds (pure).

The sounds count, not the sense: sentences only have to bring every sound in many company.
"""

import random
import re
from collections.abc import Iterable, Sequence
from typing import Final

from antiphon_tools.meaning.sources import drawn

_ASK: Final = (
    "can i have", "could i get", "i would like", "i'd like", "please bring me", "get me", "make me",
    "order", "we need", "may i have", "give me", "i want", "brew", "let me have",
)  # fmt: skip
_SIZE: Final = (
    "a small", "a large", "a medium", "one", "two", "a double", "an extra large", "a single", "a",
    "a half", "some", "a twelve inch", "a sixteen ounce", "an eight ounce", "a tall", "three",
)  # fmt: skip
_FOOD: Final = (
    "coffee", "tea", "espresso", "cappuccino", "latte", "mocha", "americano", "hot chocolate",
    "orange juice", "lemonade", "pizza", "sandwich", "salad", "burger", "muffin", "bagel",
    "iced tea", "vegetable soup", "tomato pasta", "pancake", "omelette", "glass of water",
    "dark roast", "light beer", "house wine", "milkshake", "drip coffee", "bottle of cola",
)  # fmt: skip
_WITH: Final = (
    "milk", "sugar", "cream", "brown sugar", "soy milk", "almond butter", "ice", "lemon", "honey",
    "extra cheese", "a bit of salt", "a lot of pepper", "some cinnamon", "sweetener", "olive oil",
    "skim milk", "a little bit of mustard", "lots of onions", "no foam", "whole grain bread",
)  # fmt: skip
_UNITS: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NAMES: Final = (
    "alice", "anthony", "barbara", "charles", "deborah", "edward", "emily", "frank", "george",
    "hannah", "isabel", "jack", "jessica", "kevin", "laura", "michael", "nancy", "oliver",
    "patricia", "robert", "sophie", "thomas", "victoria", "william", "yvonne", "zachary",
)  # fmt: skip
_CALLS: Final = ("call", "tell", "where is", "send a message to", "remind", "good morning", "ask")
_PLAIN: Final = re.compile(r"[a-z][a-z' ]*")
_WORDS_MAX: Final = 14


def number(value: int) -> str:
    """Return a number from 0 to 999 in words."""
    hundreds, rest = divmod(value, 100)
    parts = [f"{_UNITS[hundreds]} hundred"] if hundreds else []
    if rest >= len(_UNITS):
        tens, units = divmod(rest, 10)
        parts += [_TENS[tens - 2], *([_UNITS[units]] if units else [])]
    elif rest or not hundreds:
        parts.append(_UNITS[rest])
    return " ".join(parts)


def texts(count: int, seed: int, read: Sequence[str]) -> list[str]:
    """Return so many sentences, lower-case words alone.

    Args:
        count: How many.
        seed: The same seed gives the same sentences.
        read: Sentences of the recordings, to be said by other voices, too.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    commands = sorted({one.text.lower() for one in drawn(seed)})
    commands = [one for one in commands if _PLAIN.fullmatch(one) and _short(one)]
    found = []
    for _ in range(count):
        kind = chance.random()
        if kind < 0.45:  # noqa: PLR2004 - shares of each kind, here alone
            found.append(chance.choice(commands))
        elif kind < 0.6:  # noqa: PLR2004
            found.append(_order(chance))
        elif kind < 0.7:  # noqa: PLR2004
            found.append(_counted(chance))
        else:
            found.append(chance.choice(read))
    return found


def _short(text: str) -> bool:
    return 1 < len(text.split()) <= _WORDS_MAX


def _order(chance: random.Random) -> str:
    parts = [chance.choice(_ASK), chance.choice(_SIZE), chance.choice(_FOOD)]
    if chance.random() < 0.6:  # noqa: PLR2004
        parts += ["with", chance.choice(_WITH)]
        if chance.random() < 0.4:  # noqa: PLR2004
            parts += ["and", chance.choice(_WITH)]
    return " ".join(parts)


def _counted(chance: random.Random) -> str:
    if chance.random() < 0.4:  # noqa: PLR2004
        return f"{chance.choice(_CALLS)} {chance.choice(_NAMES)}"
    numbers: Iterable[int] = (chance.randrange(1000) for _ in range(chance.randint(1, 3)))
    return " ".join(map(number, numbers))
