"""Two decodings of one acoustic pass become one result. Pure."""

from typing import Final, Literal

from antiphon_engines.deepspeech.confidence import Calibration, confidences
from antiphon_engines.deepspeech.hypotheses import Decoding
from antiphon_engines.stt.port import SttHypothesis, SttResult

ALTERNATIVES_MAX: Final = 10


def verdict(
    closed: Decoding | None,
    dictated: Decoding | None,
    *,
    wake_phrase: str,
    calibration: Calibration,
    confidence_min: float,
) -> SttResult:
    """Return the grammar's sentence if it stands, else the open text if that does, else neither.

    Args:
        closed: The grammar's; None without a context.
        dictated: The open decoding; None if there was none.
        wake_phrase: Cut off the open texts' beginning, whole or its end.
        calibration: Measurements to probabilities.
        confidence_min: Below it a hypothesis is rejected.
    """
    by_grammar = _hypotheses(closed, "grammar", "", calibration)
    by_ear = _hypotheses(dictated, "dictation", wake_phrase, calibration)
    standing = [
        one
        for one in (*by_grammar[:1], *by_ear[:1])
        if one.text and one.confidence >= confidence_min
    ]
    ranked = sorted((*by_grammar, *by_ear), key=lambda one: -one.confidence)
    others = [one for one in ranked if one.text and one not in standing[:1]]
    alternatives = (*standing[:1], *others)[:ALTERNATIVES_MAX]
    return SttResult(
        best=standing[0] if standing else None,
        rejected=not standing and bool(alternatives),
        alternatives=alternatives,
    )


def without_phrase(text: str, phrase: str) -> str:
    """Return the text without a wake phrase before it, whole or without its beginning."""
    words, called = text.split(), phrase.lower().split()
    for count in range(len(called), 0, -1):
        if words[:count] == called[-count:]:
            return " ".join(words[count:])
    return text


def _hypotheses(
    decoding: Decoding | None,
    source: Literal["grammar", "dictation"],
    phrase: str,
    calibration: Calibration,
) -> list[SttHypothesis]:
    if decoding is None:
        return []
    pairs = zip(decoding.hypotheses, confidences(decoding, calibration), strict=True)
    return [
        SttHypothesis(
            text=without_phrase(one.text, phrase), source=source, confidence=min(1.0, confidence)
        )
        for one, confidence in pairs
    ]
