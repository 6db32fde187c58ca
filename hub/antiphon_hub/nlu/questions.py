"""Questions to a person: what may be answered, and what each answer leads to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood, Option

QuestionKind = Literal["choice", "confirm", "suggest", "skill", "request", "message"]
"""Which one is meant; whether to do it at all; whether it was heard rightly; a skill's own; one
that came over the bus; what others shall hear, in whatever words."""


NEVER_MIND: Final = "never-mind"
"""Id of the answer that takes the question back; it is always understood."""
AGAIN: Final = "again"
"""Id of the answer that asks to hear the question once more; it is always understood."""


class Answered(msgspec.Struct, frozen=True):
    """What a person said to a question."""

    id: str
    """Of the answer that it is; NEVER_MIND, AGAIN; empty for none that was expected."""
    sentence: str
    slots: dict[str, Any] = {}


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
    then: Interpretation | None = None
    """What to do with a message; it gets the slot `message`."""


def yes_or_no(
    kind: QuestionKind,
    text: str,
    words: Mapping[str, tuple[str, ...]],
    then: Sequence[Interpretation],
    *,
    no: str,
) -> Question:
    """Return a question to do something: only a clear yes does it.

    Args:
        kind: What is asked for.
        text: The question.
        words: What people say for `yes` and for `no`.
        then: What to do on yes.
        no: What to say on no, and when neither was heard.
    """
    answers = (
        Expected("yes", words["yes"], tuple(then)),
        Expected("no", words["no"], say=no),
    )
    return Question(kind=kind, text=text, answers=answers, otherwise=no)


def which(found: Sequence[Interpretation | NotUnderstood]) -> Question:
    """Return the question which of several things is meant, for the first unclear command.

    The other commands of the sentence wait for the answer; one that is unclear, too, is dropped.
    """
    unclear = next(one for one in found if isinstance(one, NotUnderstood))

    def commands(option: Option) -> tuple[Interpretation, ...]:
        chosen = (option.meaning if one is unclear else one for one in found)
        return tuple(one for one in chosen if isinstance(one, Interpretation))

    answers = tuple(
        Expected(
            f"option-{number}",
            tuple(
                f"[(i meant|turn on|turn off)] [in] [the] {one} [please]" for one in option.names
            ),
            commands(option),
        )
        for number, option in enumerate(unclear.options, 1)
    )
    return Question(
        kind="choice",
        text=unclear.say,
        answers=answers,
        otherwise="Sorry, I didn't catch which one.",
    )
