"""Confidence follows the evidence, and the evidence the segments."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.hmm.search import Path
from antiphon_engines.stt.rejection import (
    CLOSE,
    INCOMPLETE,
    ONE_PASS,
    ONE_WORD,
    USUAL_BEFORE_FRAMES,
    Evidence,
    Weights,
    confidence,
    evidence,
)

GOOD = Evidence(
    fit=-1.2, weakest=-2.0, silence_fit=-0.5, agreement=1.0, words=5, other=0.0, complete=True
)
FOREIGN = Evidence(
    fit=-2.5, weakest=-4.5, silence_fit=-0.5, agreement=0.3, words=5, other=0.4, complete=True
)


def heard(*words: str, spoken: int = 40, other: int = 0) -> Path:
    return Path(
        words=words,
        fit=-2.5,
        weakest=-3.5,
        silence_fit=-0.5,
        spoken_frames=spoken,
        other_before=USUAL_BEFORE_FRAMES,
        other_after=other,
    )


def test_evidence_of_an_utterance() -> None:
    others = [("light", "off"), ("light", "on")]
    found = evidence(heard("light", "on", spoken=30, other=10), others, complete=True)
    assert found == Evidence(
        fit=-2.5, weakest=-3.5, silence_fit=-0.5, agreement=0.75, words=2, other=0.25, complete=True
    )


def test_without_words_there_is_no_evidence() -> None:
    assert evidence(heard(spoken=0, other=90), [()], complete=False) is None


@pytest.mark.parametrize("weights", [ONE_PASS, CLOSE])
def test_what_fits_is_taken_and_what_does_not_is_not(weights: Weights) -> None:
    assert confidence(GOOD, weights) > 0.9
    assert confidence(FOREIGN, weights) < 0.1


@pytest.mark.parametrize("weights", [ONE_PASS, CLOSE])
def test_half_a_sentence_is_never_taken(weights: Weights) -> None:
    unfinished = msgspec.structs.replace(GOOD, complete=False)
    assert confidence(unfinished, weights) == INCOMPLETE


@pytest.mark.parametrize("weights", [ONE_PASS, CLOSE])
def test_a_word_alone_is_trusted_with_a_worse_fit_than_its_length_alone_would_allow(
    weights: Weights,
) -> None:
    one, two = (msgspec.structs.replace(GOOD, words=words) for words in (1, 2))
    logit_of_one, logit_of_two = (
        math.log(score / (1 - score))
        for score in (confidence(one, weights), confidence(two, weights))
    )
    longer = weights.log_words * math.log(2)
    assert logit_of_two - logit_of_one == pytest.approx(longer - ONE_WORD)


@pytest.mark.parametrize("weights", [ONE_PASS, CLOSE])
@pytest.mark.parametrize("name", ["fit", "agreement", "other"])
def test_better_evidence_gives_more_confidence(name: str, weights: Weights) -> None:
    worse = msgspec.structs.replace(GOOD, **{name: getattr(FOREIGN, name)})
    assert confidence(worse, weights) < confidence(GOOD, weights)


scores = st.floats(-1e6, 0.0)
shares = st.floats(0.0, 1.0)


@given(st.builds(Evidence, fit=scores, weakest=scores, silence_fit=scores, agreement=shares,
                 words=st.integers(1, 200), other=shares, complete=st.just(True)))  # fmt: skip
def test_confidence_is_a_probability(found: Evidence) -> None:
    for weights in (ONE_PASS, CLOSE):
        assert 0.0 <= confidence(found, weights) <= 1.0


def test_the_function_is_logistic() -> None:
    only = Weights(
        bias=math.log(3.0),
        fit=0.0,
        weakest=0.0,
        silence_fit=0.0,
        agreement=0.0,
        log_words=0.0,
        other=0.0,
    )
    assert math.isclose(confidence(GOOD, only), 0.75)
