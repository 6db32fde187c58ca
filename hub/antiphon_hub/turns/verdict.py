"""What to make of a transcript: take it, ask back, or let it be (pure).

The recogniser's confidence is calibrated: of hypotheses with 0.5, half are right. What it rejects
is never done; what may well be right is asked back, once.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from antiphon_protocol.messages.work import Alternative, Heard

UNSURE_FROM: Final = 0.3
"""Rejected, but worth a question: one such guess in three is right."""
SPEECH_FROM: Final = 0.08
"""Below, it was noise or talk that was not meant for us."""
NAMES_WIN_BY: Final = 0.2
"""A sentence of this home wins over open text that is surer by less: names are rare words, which
an open model hears as the common ones that sound alike."""


class Sure(msgspec.Struct, frozen=True):
    """This was said."""

    text: str
    source: str
    confidence: float
    second: str = ""
    """A sentence of this home that sounds alike, in case the text means nothing."""


class Unsure(msgspec.Struct, frozen=True):
    """This may have been said."""

    text: str


class Unclear(msgspec.Struct, frozen=True):
    """Somebody spoke, or something made noise."""

    speech: bool
    """It was speech, and probably meant for us."""


class Silence(msgspec.Struct, frozen=True):
    """Nothing was said."""


Verdict = Sure | Unsure | Unclear | Silence


def judge(heard: Heard) -> Verdict:
    """Return what to make of a transcript."""
    closed = _best(one for one in heard.alternatives if one.source == "grammar" and one.text)
    if heard.rejected:
        return _rejected(closed or _best(one for one in heard.alternatives if one.text))
    if not heard.text:
        return Silence()
    if heard.source == "dictation" and closed is not None:
        if closed.confidence >= max(UNSURE_FROM, heard.confidence - NAMES_WIN_BY):
            return Sure(closed.text, closed.source, closed.confidence)
        return Sure(heard.text, heard.source, heard.confidence, closed.text)
    return Sure(heard.text, heard.source, heard.confidence)


def _rejected(guess: Alternative | None) -> Verdict:
    if guess is None or guess.confidence < SPEECH_FROM:
        return Unclear(speech=False)
    return Unsure(guess.text) if guess.confidence >= UNSURE_FROM else Unclear(speech=True)


def _best(alternatives: Iterable[Alternative]) -> Alternative | None:
    return max(alternatives, key=lambda one: one.confidence, default=None)
