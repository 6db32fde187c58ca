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

from antiphon_engines.stt.sphinx import WAKE_WORD, Segment

INCOMPLETE: Final = 0.01
"""Confidence in a sentence that the grammar does not let end there."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a hypothesis."""

    fit: float
    """Log likelihood ratio against the best sounds, a frame, over all words; 0 at best."""
    worst_fit: float
    """The same over the worst word of some length."""
    silence_fit: float
    """The same over the silences: worse in noise, where words fit worse, too."""
    agreement: float
    """Share of the words that the other passes heard, too, 0..1; their mean."""
    words: int
    complete: bool
    """The grammar lets the sentence end there."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """The fitted function: `tests.bench confidence` prints new ones."""

    bias: float = 0.0
    fit: float = 0.0
    worst_fit: float = 0.0
    silence_fit: float = 0.0
    agreement: float = 0.0
    log_words: float = 0.0


ONE_PASS: Final = Weights(bias=2.8, fit=1.4, silence_fit=0.3, agreement=7.0, log_words=-0.2)
"""For closed grammars, heard along the way and once at the end."""
OPINIONS: Final = Weights(bias=0.2, fit=1.4, silence_fit=0.12, agreement=7.9, log_words=0.3)
"""For closed grammars, heard with other assumed voices as well."""
DICTATION: Final = Weights()
"""For open English."""


def evidence(
    segments: Sequence[Segment], others: Sequence[Sequence[str]], *, complete: bool
) -> Evidence | None:
    """Return the evidence in a decoded utterance; None if there is no word.

    Args:
        segments: The pass to judge, in order.
        others: What each of the other passes heard, at least one.
        complete: The words are a whole sentence.
    """
    spoken = [one for one in segments if not one.silent and one.word != WAKE_WORD]
    if not spoken:
        return None
    silence = [one for one in segments if one.silent]
    heard = [one.word for one in spoken]
    return Evidence(
        fit=_fit(spoken),
        worst_fit=min(_fit([one]) for one in spoken),
        silence_fit=_fit(silence) if silence else 0.0,
        agreement=sum(_alike(heard, other) for other in others) / len(others),
        words=len(spoken),
        complete=complete,
    )


def confidence(found: Evidence, weights: Weights) -> float:
    """Return the probability that all words are right, 0..1."""
    if not found.complete:
        return INCOMPLETE
    logit = (
        weights.bias
        + weights.fit * found.fit
        + weights.worst_fit * found.worst_fit
        + weights.silence_fit * found.silence_fit
        + weights.agreement * found.agreement
        + weights.log_words * math.log(found.words)
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    return SequenceMatcher(None, list(one), list(other), autojunk=False).ratio()


def _fit(segments: Sequence[Segment]) -> float:
    return sum(one.log_score for one in segments) / sum(one.frames for one in segments)
