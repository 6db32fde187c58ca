"""Follow-ups: how the answer to a question is listened for, and what its asker is told (pure)."""

from typing import Final

from antiphon_hub.nlu.questions import NEVER_MIND, Answered, Expected, Question
from antiphon_hub.turns.hearing import MESSAGE_S, Call
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.ask import Answer, AskQuestion
from antiphon_protocol.messages.work import Expectation, LoadContext

LISTEN_S: Final = 12.0
"""The microphone is open for so long at most: five seconds to begin, and an answer."""
FOLLOW_UPS_MAX: Final = 6
"""Questions and answers without a wake word; then the house is quiet until it is called."""


def follow_up(
    question: Question,
    grammar: LoadContext | None,
    turn: str,
    satellite: str,
    called_dbfs: float,
) -> Call:
    """Return the call in which the answer is listened for: a new stream, heard from its begin.

    The person who called at that level is awaited, not a far quieter television.
    """
    expect: Expectation = "command" if question.kind == "message" else "answer"
    if question.kind in ("confirm", "suggest"):
        expect = "yes-no"
    return Call(
        turn=turn,
        satellite=satellite,
        stream=new_id("stream"),
        begin=0,
        level_dbfs=called_dbfs,
        expect=expect,
        grammar=grammar,
        open=grammar is None,
        patient=question.kind == "message",
    )


def listen_s(question: Question) -> float:
    """Return for how long the microphone is open for an answer at most, seconds."""
    return MESSAGE_S + LISTEN_S if question.kind == "message" else LISTEN_S


def as_question(request: AskQuestion) -> Question:
    """Return the question of somebody who asks over the bus."""
    answers = tuple(Expected(one.id, one.sentences) for one in request.answers)
    return Question(kind="request", text=request.text, answers=answers)


def as_answer(answered: Answered | None, turn: str) -> Answer:
    """Return what to tell somebody who has asked over the bus."""
    if answered is None:
        return Answer(ok=False, error="no-answer: nobody answered", turn=turn)
    if answered.id == NEVER_MIND:
        return Answer(
            ok=False, error="never-mind: nobody wants to answer", sentence=answered.sentence
        )
    return Answer(
        ok=True,
        turn=turn,
        answer=answered.id,
        sentence=answered.sentence,
        slots=answered.slots,
    )
