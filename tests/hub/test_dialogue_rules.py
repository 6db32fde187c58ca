"""The pure rules of a talk: leases, echo, what to make of a transcript, what is risky."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.home.danger import is_risky
from antiphon_hub.home.model import Device, Kind
from antiphon_hub.nlu.meaning import Interpretation
from antiphon_hub.nlu.questions import Question
from antiphon_hub.turns.dialogue import (
    CORRECTION_S,
    ECHO_S,
    QUESTION_S,
    REPEAT_S,
    ROOMS_MAX,
    Deed,
    Dialogue,
    Dialogues,
)
from antiphon_hub.turns.verdict import Silence, Sure, Unclear, Unsure, Verdict, judge
from antiphon_protocol.messages.work import Alternative, Heard

QUESTION = Question(kind="choice", text="Which lamp, the reading lamp or the desk lamp?")
DEED = Deed(Interpretation("HassTurnOn", {}, ("lamp",), "turn on the lamp"))
WORDS = st.lists(
    st.sampled_from(["the", "lamp", "is", "on", "which", "reading", "desk", "or", "yes", "no"]),
    max_size=12,
)


@given(asked_s=st.floats(0, 1e6), later_s=st.floats(0, 1000))
def test_nothing_is_remembered_beyond_its_lease(asked_s: float, later_s: float) -> None:
    dialogue, now_s = Dialogue(), asked_s + later_s
    dialogue.spoke(QUESTION.text, asked_s)
    dialogue.asks(QUESTION, asked_s)
    dialogue.did(DEED, asked_s)
    assert (dialogue.question(now_s) is not None) == (now_s < asked_s + QUESTION_S)
    assert bool(dialogue.said(now_s)) == (now_s < asked_s + REPEAT_S)
    if now_s >= asked_s + ECHO_S:
        assert not dialogue.is_echo(QUESTION.text, now_s)
    assert (dialogue.take_deed(now_s) is not None) == (now_s < asked_s + CORRECTION_S)


def test_a_question_is_answered_and_a_deed_corrected_but_once() -> None:
    dialogue = Dialogue()
    dialogue.asks(QUESTION, 0.0)
    dialogue.did(DEED, 0.0)
    assert (dialogue.take_question(1.0), dialogue.take_question(1.0)) == (QUESTION, None)
    assert (dialogue.take_deed(1.0), dialogue.take_deed(1.0)) == (DEED, None)


@pytest.mark.parametrize(
    ("heard", "echo"),
    [
        ("which lamp the reading lamp or the desk lamp", True),
        ("Which lamp? The reading lamp, or the desk lamp!", True),
        ("which lamp the reading lamb or the desk lamp", True),
        ("reading lamp or the desk lamp", True),
        ("yes", False),
        ("desk lamp", False),
        ("turn off everything in the house", False),
        ("", False),
    ],
)
def test_what_sounds_like_our_last_words_is_our_echo(heard: str, echo: bool) -> None:
    dialogue = Dialogue()
    dialogue.spoke(QUESTION.text, 0.0)
    assert dialogue.is_echo(heard, 1.0) is echo


def test_one_word_that_was_all_we_said_is_our_echo() -> None:
    dialogue = Dialogue()
    dialogue.spoke("Okay.", 0.0)
    assert dialogue.is_echo("okay", 1.0)


@given(said=WORDS, cut=st.integers(0, 11))
def test_any_tail_of_three_words_is_an_echo(said: list[str], cut: int) -> None:
    dialogue = Dialogue()
    dialogue.spoke(" ".join(said), 0.0)
    tail = said[cut:]
    if len(tail) > 2:
        assert dialogue.is_echo(" ".join(tail), 1.0)


def test_each_room_has_a_talk_of_its_own_and_the_oldest_is_forgotten() -> None:
    dialogues = Dialogues()
    hall = dialogues.of("Hall")
    assert dialogues.of(" hall ") is hall
    for number in range(ROOMS_MAX):
        dialogues.of(f"room {number}")
    assert dialogues.of("hall") is not hall


# -- what to make of a transcript -----------------------------------------------------------------


def _heard(text: str, confidence: float, *others: tuple[str, str, float], rejected: bool) -> Heard:
    return Heard(
        job="job",
        text=text,
        source="nothing" if not text else "dictation" if others else "grammar",
        confidence=confidence,
        engine="fake",
        rejected=rejected,
        alternatives=tuple(
            Alternative(text=said, source=source, confidence=score)  # type: ignore[arg-type]  # of the table
            for said, source, score in others
        ),
    )


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        (_heard("turn on", 0.7, rejected=False), Sure("turn on", "grammar", 0.7)),
        (_heard("", 0.0, rejected=False), Silence()),
        (_heard("", 0.0, rejected=True), Unclear(speech=False)),
        (_heard("", 0.0, ("turn on", "grammar", 0.02), rejected=True), Unclear(speech=False)),
        (_heard("", 0.0, ("turn on", "grammar", 0.2), rejected=True), Unclear(speech=True)),
        (_heard("", 0.0, ("turn on", "grammar", 0.4), rejected=True), Unsure("turn on")),
        (
            _heard("", 0.0, ("turnip", "dictation", 0.5), ("on", "grammar", 0.4), rejected=True),
            Unsure("on"),
        ),
        (
            _heard("bed side lump", 0.8, ("bedside lamp", "grammar", 0.7), rejected=False),
            Sure("bedside lamp", "grammar", 0.7),
        ),
        (
            _heard("bed side lump", 0.9, ("bedside lamp", "grammar", 0.5), rejected=False),
            Sure("bed side lump", "dictation", 0.9, "bedside lamp"),
        ),
    ],
)
def test_a_transcript_is_taken_asked_back_or_let_be(heard: Heard, verdict: Verdict) -> None:
    assert judge(heard) == verdict


@given(text=st.text(max_size=5), confidence=st.floats(0, 1), score=st.floats(0, 1))
def test_what_the_recogniser_rejects_is_never_taken(
    text: str, confidence: float, score: float
) -> None:
    heard = _heard(text, confidence, ("turn on", "grammar", score), rejected=True)
    assert not isinstance(judge(heard), Sure)


# -- what is risky --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "confirm", "on", "risky"),
    [
        ("lock", "front door", None, False, True),
        ("lock", "front door", None, True, False),
        ("lock", "cupboard", False, False, False),
        ("cover", "garage door", None, True, True),
        ("cover", "garage door", None, False, False),
        ("cover", "blinds", None, True, False),
        ("cover", "blinds", True, True, True),
        ("light", "garage", None, True, False),
        ("switch", "heater", True, True, True),
        ("switch", "heater", True, False, False),
    ],
)
def test_what_lets_somebody_in_is_risky(
    kind: Kind, name: str, confirm: bool | None, on: bool, risky: bool
) -> None:
    device = Device(id="one", name=name, room="hall", kind=kind, confirm=confirm)
    assert is_risky(device, on=on) is risky
