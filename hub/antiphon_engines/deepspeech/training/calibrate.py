"""What a network's confidences mean: measured on recordings that it was not trained on."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from antiphon_engines.deepspeech.closed import ClosedDecoder, spell_out
from antiphon_engines.deepspeech.confidence import Calibration, fit
from antiphon_engines.deepspeech.reference import ReferenceModel
from antiphon_engines.deepspeech.training.manifest import Sample
from antiphon_engines.deepspeech.training.recordings import read_recording
from antiphon_engines.deepspeech.weights import Floats, Weights
from antiphon_engines.errors import TrainingError
from antiphon_engines.grammar import WordAutomaton

SAMPLES_MAX: Final = 200
"""More tell little; each takes a second on a full-size network."""


def calibrate(weights: Weights, samples: Sequence[Sample]) -> Calibration:
    """Return the curve from what a sentence lacks to how often it is right.

    Each recording is heard against all texts, where the best may be right, and against all but its
    own, where none can be: what people say that no grammar has.

    Args:
        weights: The network.
        samples: Recordings and texts; the first `SAMPLES_MAX` are taken.

    Raises:
        TrainingError: a recording cannot be read, or all say the same.
    """
    chosen = samples[:SAMPLES_MAX]
    texts = sorted({sample.text for sample in chosen})
    if len(texts) < 2:  # noqa: PLR2004 - one is left when one is taken away
        raise TrainingError("confidence cannot be measured on recordings that all say the same")
    model = ReferenceModel(weights)
    whole = _decoder(texts, weights)
    without = {text: _decoder([one for one in texts if one != text], weights) for text in texts}
    deficits: list[float] = []
    right: list[bool] = []
    for sample in chosen:
        heard = model.whole(read_recording(sample.path, weights.geometry.sample_rate_hz))
        for decoder in (whole, without[sample.text]):
            text, deficit = _best(decoder, heard)
            if np.isfinite(deficit):
                deficits.append(deficit)
                right.append(text == sample.text)
    return fit(deficits, right) if right else Calibration()


def _decoder(texts: Sequence[str], weights: Weights) -> ClosedDecoder:
    return ClosedDecoder(spell_out(_automaton(texts), weights.alphabet))


def _automaton(texts: Sequence[str]) -> WordAutomaton:
    """Return the tree of the texts' words."""
    arcs: list[dict[str, int]] = [{}]
    may_end = [False]
    for text in texts:
        state = 0
        for word in text.split():
            if word not in arcs[state]:
                arcs[state][word] = len(arcs)
                arcs.append({})
                may_end.append(False)
            state = arcs[state][word]
        may_end[state] = True
    return WordAutomaton(tuple(arcs), tuple(may_end))


def _best(decoder: ClosedDecoder, heard: Floats) -> tuple[str, float]:
    stream = decoder.open()
    stream.feed(heard)
    found = stream.finish(1)
    return (found.hypotheses[0].text if found.hypotheses else "", found.deficit)
