"""Questions to a person: what may be answered, and what each answer leads to."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from antiphon_hub.nlu.meaning import Interpretation, Option

QuestionKind = Literal["choice", "confirm", "suggest", "skill", "request"]
"""Which one is meant; whether to do it at all; whether it was heard rightly; a skill's own; one
that came over the bus."""


class Expected(msgspec.Struct, frozen=True):
    """One answer that is expected."""

    id: str
    sentences: tuple[str, ...]
    """Templates; `{artist}` takes any words, and a list of the home what is in it."""
    then: tuple[Interpretation, ...] = ()
    """What to do on it; its slots are added to theirs."""
    say: str = ""
    """What to say when there is nothing to do."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Something to ask, and what may come of it."""

    kind: QuestionKind
    text: str
    answers: tuple[Expected, ...] = ()
    """Without any, every answer is right."""
    otherwise: str = ""
    """What to say when no answer fits; empty: end quietly."""


def which(text: str, options: Sequence[Option]) -> Question:
    """Return the question which of these is meant."""
    answers = tuple(
        Expected(
            f"option-{number}",
            tuple(f"[(i meant|turn on|turn off)] [in] [the] {name}" for name in option.names),
            (option.meaning,),
        )
        for number, option in enumerate(options, 1)
    )
    return Question(
        kind="choice", text=text, answers=answers, otherwise="Sorry, I didn't catch which one."
    )
