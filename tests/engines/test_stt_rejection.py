"""Confidence follows the evidence, and the evidence the segments."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.stt.rejection import (
    DICTATION,
    INCOMPLETE,
    ONE_PASS,
    OPINIONS,
    Evidence,
    Weights,
    confidence,
    evidence,
)
from antiphon_engines.stt.sphinx import WAKE_WORD, Segment

GOOD = Evidence(fit=-4.0, worst_fit=-5.0, silence_fit=-1.0, agreement=1.0, words=5, complete=True)
FOREIGN = Evidence(
    fit=-7.5, worst_fit=-12.0, silence_fit=-1.0, agreement=0.3, words=5, complete=True
)


def segment(word: str, frames: int, fit: float) -> Segment:
    return Segment(word=word, frames=frames, log_score=fit * frames)


def test_evidence_of_an_utterance() -> None:
    segments = [
        segment("<sil>", 20, -1.0),
        segment(WAKE_WORD, 40, -9.0),
        segment("light", 30, -4.0),
        segment("[NOISE]", 10, -4.0),
        segment("on", 10, -8.0),
        segment("<sil>", 10, -1.0),
    ]
    found = evidence(segments, [("light", "off"), ("light", "on")], complete=True)
    assert found == Evidence(
        fit=-5.0,
        worst_fit=-8.0,
        silence_fit=-1.75,
        agreement=0.75,
        words=2,
        complete=True,
    )


@pytest.mark.parametrize("words", [[], ["<sil>", "</s>"], [WAKE_WORD, "[SPEECH]"]])
def test_without_words_there_is_no_evidence(words: list[str]) -> None:
    segments = [segment(word, 10, -1.0) for word in words]
    assert evidence(segments, [()], complete=False) is None


@pytest.mark.parametrize("weights", [ONE_PASS, OPINIONS])
def test_what_fits_is_taken_and_what_does_not_is_not(weights: Weights) -> None:
    assert confidence(GOOD, weights) > 0.9
    assert confidence(FOREIGN, weights) < 0.1


@pytest.mark.parametrize("weights", [ONE_PASS, OPINIONS])
def test_half_a_sentence_is_never_taken(weights: Weights) -> None:
    unfinished = msgspec.structs.replace(GOOD, complete=False)
    assert confidence(unfinished, weights) == INCOMPLETE


@pytest.mark.parametrize("weights", [ONE_PASS, OPINIONS])
@pytest.mark.parametrize("name", ["fit", "agreement"])
def test_better_evidence_gives_more_confidence(name: str, weights: Weights) -> None:
    worse = msgspec.structs.replace(GOOD, **{name: getattr(FOREIGN, name)})
    assert confidence(worse, weights) < confidence(GOOD, weights)


scores = st.floats(-1e6, 0.0)


@given(scores, scores, scores, st.floats(0.0, 1.0), st.integers(1, 200))
def test_confidence_is_a_probability(
    fit: float, worst: float, silence: float, agreement: float, words: int
) -> None:
    found = Evidence(
        fit=fit,
        worst_fit=worst,
        silence_fit=silence,
        agreement=agreement,
        words=words,
        complete=True,
    )
    for weights in (ONE_PASS, OPINIONS, DICTATION):
        assert 0.0 <= confidence(found, weights) <= 1.0


def test_the_function_is_logistic() -> None:
    assert math.isclose(confidence(GOOD, Weights(bias=math.log(3.0))), 0.75)
