"""What a decoder found: texts, how likely, and when each word was spoken. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from antiphon_engines.deepspeech import ctc
from antiphon_engines.deepspeech.alphabet import Alphabet

STEP_S: Final = 0.02
"""From one step of the network to the next."""


class WordTime(msgspec.Struct, frozen=True):
    """A word and when it was spoken, from the beginning of what was fed."""

    text: str
    begin_s: float
    end_s: float


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """One way to hear the audio."""

    text: str
    score: float
    """What the decoder ranks by: ln of probability, a language model's share included."""
    posterior: float
    """0..1: its share among all that were found; not calibrated."""


class Decoding(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decoder found; without hypotheses: nothing that it allows was said."""

    hypotheses: tuple[Hypothesis, ...] = ()
    """Best first, each text once."""
    words: tuple[WordTime, ...] = ()
    """Of the best; empty where the audio is too short to tell."""
    log_likelihood: float = -np.inf
    """ln P(best text | audio), the network alone."""
    path_log_likelihood: float = 0.0
    """ln P of the network's likeliest path, whatever it says."""
    labels: int = 0
    """Letters that were heard for the best text, spaces and a wake phrase included."""

    @property
    def deficit(self) -> float:
        """How much less likely the text is than what the network heard freely, in nats a letter.

        About 0 or less when that is the text; the more, the less it fits: what was said is
        something else. Infinite when nothing was found.
        """
        return (self.path_log_likelihood - self.log_likelihood) / max(self.labels, 1)


class Evidence(msgspec.Struct, frozen=True):
    """What was fed."""

    heard: Sequence[ctc.Probabilities]
    alphabet: Alphabet


class Found(msgspec.Struct, frozen=True):
    """A text that a decoder found."""

    text: str
    labels: tuple[int, ...]
    """All that was heard for it, a wake phrase before it included."""
    skip: int
    """Labels of the wake phrase."""
    score: float


def decoding(evidence: Evidence, found: Sequence[Found]) -> Decoding:
    """Return what was found, the best first, with all that the audio says about it."""
    if not found or not evidence.heard:
        return Decoding()
    probabilities = np.concatenate(evidence.heard)
    labels, skip = found[0].labels, found[0].skip
    spans = ctc.align(probabilities, labels)
    return Decoding(
        hypotheses=_hypotheses(found),
        words=_words(evidence.alphabet, labels[skip:], spans[skip:]),
        log_likelihood=ctc.log_likelihood(probabilities, labels),
        path_log_likelihood=ctc.best_path(probabilities)[1],
        labels=len(labels),
    )


def _hypotheses(found: Sequence[Found]) -> tuple[Hypothesis, ...]:
    shares = np.exp([one.score - found[0].score for one in found])
    shares /= shares.sum()
    return tuple(
        Hypothesis(text=one.text, score=one.score, posterior=float(share))
        for one, share in zip(found, shares, strict=True)
    )


def _words(
    alphabet: Alphabet, labels: Sequence[int], spans: Sequence[tuple[int, int]]
) -> tuple[WordTime, ...]:
    found: list[WordTime] = []
    begin = 0
    space = alphabet.space
    for at in range(len(spans) + 1):
        if at == len(spans) or labels[at] == space:
            if at > begin:
                text = alphabet.decode(labels[begin:at])
                times = spans[begin][0] * STEP_S, spans[at - 1][1] * STEP_S
                found.append(WordTime(text, *(round(time, 3) for time in times)))
            begin = at + 1
    return tuple(found)


def joined(first: Decoding, second: Decoding, steps: int) -> Decoding:
    """Return what was found in one stretch of audio, then in the next.

    Args:
        first: Its best text stays.
        second: Its texts are the alternatives.
        steps: Length of the first.
    """
    if not first.hypotheses:
        return _later(second, steps)
    if not second.hypotheses:
        return first
    before = first.hypotheses[0]
    later = _later(second, steps)
    return Decoding(
        hypotheses=tuple(
            msgspec.structs.replace(
                one,
                text=f"{before.text} {one.text}".strip(),
                score=before.score + one.score,
                posterior=before.posterior * one.posterior,
            )
            for one in second.hypotheses
        ),
        words=first.words + later.words,
        log_likelihood=first.log_likelihood + second.log_likelihood,
        path_log_likelihood=first.path_log_likelihood + second.path_log_likelihood,
        labels=first.labels + second.labels,
    )


def _later(one: Decoding, steps: int) -> Decoding:
    offset_s = steps * STEP_S
    words = (
        WordTime(word.text, round(word.begin_s + offset_s, 3), round(word.end_s + offset_s, 3))
        for word in one.words
    )
    return msgspec.structs.replace(one, words=tuple(words))
