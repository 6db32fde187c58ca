"""Two commands in one sentence (pure): taken apart only where both halves mean something."""

import re
from collections.abc import Callable
from typing import Final

from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood

Found = Interpretation | NotUnderstood

SPLITS_MAX: Final = 4
"""Places at which a sentence is tried in two; each costs two or three readings."""
SHARED_WORDS_MAX: Final = 3
"""First words that the second half may share: `turn off the lamp and the fan`."""

_BETWEEN: Final = re.compile(r",? and then |,? and |,? then |, ")
_MORE: Final = re.compile(r"\b(and|then)\b")


def may_be_more(text: str) -> bool:
    """Return whether a sentence may hold, or be about to go on to, a second command."""
    return _MORE.search(text) is not None


def in_two(text: str, interpret: Callable[[str], Found]) -> tuple[Found, Found] | None:
    """Return what both halves of a sentence mean; None where it is no pair of commands.

    A half that is ambiguous counts: it can be asked back.
    """
    for between in list(_BETWEEN.finditer(text))[:SPLITS_MAX]:
        left, right = text[: between.start()].strip(), text[between.end() :].strip()
        if not left or not right:
            continue
        first = interpret(left)
        if not _means_something(first):
            continue
        second = _with_shared_words(left, right, first, interpret)
        if _means_something(second):
            return first, second
    return None


def _with_shared_words(
    left: str, right: str, first: Found, interpret: Callable[[str], Found]
) -> Found:
    """A bare name would be switched on: it takes the first half's verb, where that makes sense."""
    words = left.split()
    for count in range(1, min(SHARED_WORDS_MAX, len(words) - 1) + 1):
        found = interpret(" ".join([*words[:count], right]))
        if _means_something(found) and _intent(found) == _intent(first):
            return found
    return interpret(right)


def _means_something(found: Found) -> bool:
    return bool(_intent(found))


def _intent(found: Found) -> str:
    if isinstance(found, Interpretation):
        return found.intent
    return found.options[0].meaning.intent if found.options else ""
