"""Numbers, lengths of time, colours and directions in a row of words (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from antiphon_hub.nlu.natural.words import words_of

_ONES: Final = {
    word: value
    for value, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
            *("seventeen", "eighteen", "nineteen"),
        )
    )
}
_TENS: Final = {
    word: 10 * value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_LEVELS: Final[Mapping[str, int]] = {
    "half": 50,
    "halfway": 50,
    "full": 100,
    "maximum": 100,
    "max": 100,
    "highest": 100,
    "brightest": 100,
    "loudest": 100,
    "medium": 50,
    "low": 20,
    "minimum": 1,
    "min": 1,
    "lowest": 1,
}
_UNITS: Final = {
    "hour": "hours",
    "hours": "hours",
    "hr": "hours",
    "hrs": "hours",
    "minute": "minutes",
    "minutes": "minutes",
    "min": "minutes",
    "mins": "minutes",
    "second": "seconds",
    "seconds": "seconds",
    "sec": "seconds",
    "secs": "seconds",
}
_HALVES: Final = {"hours": ("minutes", 30), "minutes": ("seconds", 30)}
COLORS: Final = words_of(
    "white black red orange yellow green blue purple brown pink turquoise violet teal magenta"
    " amber gold lavender cyan"
)
_DOWN: Final = words_of(
    "down lower lowered dim dimmed dimmer darker dark decrease decreased reduce reduced less soften"
    " softer quieter minimize drop low quiet"
)
_UP: Final = words_of(
    "up brighten brighter raise raised increase increased more louder boost intensify lighter"
    " maximize higher crank pump bright loud"
)


class Number(NamedTuple):
    """A number and the words that it takes."""

    value: int
    start: int
    end: int


def numbers(words: Sequence[str]) -> list[Number]:
    """Return the whole numbers up to 999 in the words, in order."""
    found: list[Number] = []
    at = 0
    while at < len(words):
        number = _number(words, at)
        if number is None:
            at += 1
        else:
            found.append(number)
            at = number.end
    return found


def _number(words: Sequence[str], start: int) -> Number | None:
    word = words[start].rstrip("%°")
    if word.isascii() and word.isdigit():
        return Number(int(word[:6]), start, start + 1)
    value, at = _below_hundred(words, start)
    if at == start:
        return None
    if words[at : at + 1] == ["hundred"] and 0 < value < 10:  # noqa: PLR2004 - `twelve hundred` is no level
        more_at = at + 1 + (words[at + 1 : at + 2] == ["and"])
        more, end = _below_hundred(words, more_at)
        return Number(value * 100 + more, start, end if end > more_at else at + 1)
    return Number(value, start, at)


def _below_hundred(words: Sequence[str], at: int) -> tuple[int, int]:
    word = words[at] if at < len(words) else ""
    if word in _ONES:
        return _ONES[word], at + 1
    if word not in _TENS:
        return 0, at
    following = words[at + 1] if at + 1 < len(words) else ""
    ones = _ONES.get(following, 0)
    return (_TENS[word] + ones, at + 2) if 0 < ones < 10 else (_TENS[word], at + 1)  # noqa: PLR2004 - ones


def level(words: Sequence[str]) -> int | None:
    """Return the level in percent that is said: as a number, or as `half` or `maximum`."""
    said = [number.value for number in numbers(words) if number.value <= 100]  # noqa: PLR2004 - percent
    if said:
        return said[-1]
    return next((_LEVELS[word] for word in words if word in _LEVELS), None)


def direction(words: Sequence[str]) -> int:
    """Return 1 for up, -1 for down, 0 if neither is said; `too bright` means down."""
    joined = f" {' '.join(words)} "
    too_much = any(f" {what} " in joined for what in ("too bright", "so bright", "too loud"))
    if too_much:
        return -1
    if any(f" too {what} " in joined for what in ("dark", "dim", "quiet", "soft")):
        return 1
    for word in words:
        if word in _DOWN or word in _UP:
            return 1 if word in _UP else -1
    return 0


def color(words: Sequence[str]) -> str | None:
    """Return the last colour that is said: what something shall become."""
    return next((word for word in reversed(words) if word in COLORS), None)


def duration(words: Sequence[str]) -> dict[str, int]:
    """Return a length of time as Home Assistant's slots: `hours`, `minutes`, `seconds`."""
    spelt = [part for word in words for part in word.split("-") if part]
    found: dict[str, int] = {}
    counted = numbers(spelt)
    for at, word in enumerate(spelt):
        unit = _UNITS.get(word)
        if unit is None:
            continue
        before = next((one.value for one in counted if one.end == at), None)
        earlier = spelt[max(0, at - 2) : at]
        if before is None and "half" in earlier and unit in _HALVES:
            smaller, value = _HALVES[unit]
            found[smaller] = found.get(smaller, 0) + value
        elif before is not None or earlier[-1:] in (["a"], ["an"]):
            found[unit] = found.get(unit, 0) + (1 if before is None else before)
            if spelt[at + 1 : at + 4] == ["and", "a", "half"] and unit in _HALVES:
                smaller, value = _HALVES[unit]
                found[smaller] = found.get(smaller, 0) + value
    return found


def without(slots: Mapping[str, Any]) -> dict[str, Any]:
    """Return the slots that hold something."""
    return {name: value for name, value in slots.items() if value not in (None, "")}
