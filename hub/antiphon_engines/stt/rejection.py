"""How much a closed-grammar hypothesis can be trusted. Pure.

A grammar makes something of any sound. What tells is how well its words fit compared with what
would fit best if all sounds were allowed (the classic on-line garbage model: Boite et al., "A new
approach towards keyword spotting", 1993), whether passes that normalise in different ways agree on
the words, and whether the sentence came to its end. A logistic function of these, fitted on
right, wrong and foreign utterances, gives a probability.
"""

import math
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

import msgspec

from antiphon_engines.hmm.search import Path

USUAL_BEFORE_FRAMES: Final = 120
"""A call that is not recognised as one, a click, a breath: they say nothing against a command."""
SILENCE_FIT_MIN: Final = -2.5
"""Digital silence fits the model's badly, and says as little as much noise does."""
ONE_WORD: Final = 0.8
"""What is added to the logit where a sentence is one word: of people's digits, right ones have far
lower confidence without it than their share of right ones. As a fit to them it would be 2.7 to 4.9;
so much would let noise answer a question."""
INCOMPLETE: Final = 0.01
"""Confidence in a sentence that the grammar does not let end there."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a hypothesis."""

    fit: float
    """Log likelihood ratio against the best sounds, a frame, over all words; 0 at best."""
    weakest: float
    """The same where they fit worst: one word covered by noise, among others that it spared."""
    silence_fit: float
    """The same over the silences: worse in noise, where words fit worse, too."""
    agreement: float
    """Share of the words that the other passes heard, too, 0..1; their mean."""
    words: int
    other: float
    """Share of other sound in what was no silence, 0..1: what the fence took around the words, less
    what is often heard in front of them."""
    complete: bool
    """The grammar lets the sentence end there."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """The fitted function: `tests.bench confidence` prints new ones."""

    bias: float
    fit: float
    weakest: float
    silence_fit: float
    agreement: float
    log_words: float
    other: float


ONE_PASS: Final = Weights(
    bias=2.85,
    fit=3.37,
    weakest=0.11,
    silence_fit=0.28,
    agreement=2.31,
    log_words=1.19,
    other=-4.11,
)
"""Heard along the way and once at the end."""
CLOSE: Final = Weights(
    bias=1.18,
    fit=2.89,
    weakest=0.33,
    silence_fit=0.26,
    agreement=3.75,
    log_words=1.15,
    other=-4.54,
)
"""Heard once more, with other voices and another floor of noise assumed as well."""


def evidence(path: Path, others: Sequence[Sequence[str]], *, complete: bool) -> Evidence | None:
    """Return the evidence in a search's result; None if there is no word.

    Args:
        path: The result to judge.
        others: What each of the other passes heard, at least one.
        complete: The words are a whole sentence.
    """
    if not path.words:
        return None
    other = path.other_after + max(0, path.other_before - USUAL_BEFORE_FRAMES)
    return Evidence(
        fit=path.fit,
        weakest=path.weakest,
        silence_fit=max(path.silence_fit, SILENCE_FIT_MIN),
        agreement=sum(_alike(path.words, other) for other in others) / len(others),
        words=len(path.words),
        other=other / max(1, other + path.spoken_frames),
        complete=complete,
    )


def confidence(found: Evidence, weights: Weights) -> float:
    """Return the probability that all words are right, 0..1."""
    if not found.complete:
        return INCOMPLETE
    logit = (
        weights.bias
        + weights.fit * found.fit
        + weights.weakest * found.weakest
        + weights.silence_fit * found.silence_fit
        + weights.agreement * found.agreement
        + weights.log_words * math.log(found.words)
        + weights.other * found.other
        + (ONE_WORD if found.words == 1 else 0.0)
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    return SequenceMatcher(None, list(one), list(other), autojunk=False).ratio()
