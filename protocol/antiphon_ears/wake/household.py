"""Whether a call sounds like one of the household's own: what it was taught, as a wake engine.

A likeness is a plane through openWakeWord's embeddings, fitted to some calls of the people who live
here (`antiphon teach-wake`); the idea is that of openWakeWord's custom verifier models
(https://github.com/dscripka/openWakeWord). It knows a phrase in these voices and no other, so it
only confirms what another engine has heard.
"""

import math
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import Final

from antiphon_ears.errors import LikenessError
from antiphon_ears.wake.openwakeword import EMBEDDING, STEP_SAMPLES, Embedder, OpenWakeWordEngine
from antiphon_ears.wake.port import WakeStream
from antiphon_ears.wake.stream import ScoredStream, thresholds_for

STEPS: Final = 8
"""Embeddings that are looked at together, one every 80 ms; each is of the last 0.76 s."""
INPUTS: Final = STEPS * EMBEDDING
LIKENESS_BYTES: Final = 4 * (INPUTS + 1)
LIKELY: Final = 0.5
"""Score from which on it counts alone, where nobody says another."""
_WEIGHT_MAX: Final = 1e6
"""No fitted weight is anywhere near; sums of such stay finite."""


class Likeness:
    """What the household's calls of one phrase have in common: a weight for each input, a bias."""

    def __init__(self, weights: Sequence[float], bias: float) -> None:
        """Take the plane.

        Raises:
            LikenessError: it has not INPUTS weights, or one is no usable number.
        """
        if len(weights) != INPUTS:
            raise LikenessError(f"a likeness has {INPUTS} weights, this one {len(weights)}")
        if not all(abs(one) < _WEIGHT_MAX for one in (*weights, bias)):  # false for a NaN, too
            raise LikenessError("a likeness with weights that are no usable numbers")
        self.weights = array("f", weights)
        self.bias = bias

    def encode(self) -> bytes:
        """Return it as little-endian 32-bit floats, the bias last."""
        return _little(array("f", [*self.weights, self.bias])).tobytes()

    def score(self, embeddings: "array[float]") -> float:
        """Return how much the last STEPS embeddings are like the household's calls, 0..1."""
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, self._distance(embeddings)))))

    def _distance(self, embeddings: "array[float]") -> float:
        products: Iterable[float] = map(mul, self.weights, embeddings)
        return self.bias + sum(products)


def decode(data: bytes) -> Likeness:
    """Return what `Likeness.encode` gave.

    Raises:
        LikenessError: these bytes are none.
    """
    if len(data) != LIKENESS_BYTES:
        raise LikenessError(f"a likeness has {LIKENESS_BYTES} bytes, this one {len(data)}")
    *weights, bias = _little(array("f", data))
    return Likeness(weights, bias)


class HouseholdEngine:
    """A likeness as a wake engine that knows one phrase; see WakeEngine.

    Raises:
        EngineMissingError: openWakeWord's package is not installed.
    """

    name = "household"

    def __init__(self, phrase: str, likeness: Likeness) -> None:
        self.phrases: tuple[str, ...] = (phrase,)
        self._likeness = likeness
        self._ears = OpenWakeWordEngine()

    def open(self, phrases: Sequence[str], threshold: float | None = None) -> WakeStream:
        """See WakeEngine.open."""
        known = dict.fromkeys(self.phrases, LIKELY)
        thresholds = thresholds_for(self.name, phrases, known, threshold)
        scorer = _Scorer(self._ears.embedder(), self._likeness, self.phrases[0])
        return ScoredStream(scorer, thresholds)


class _Scorer:
    """The last embeddings of a stream, held against the likeness."""

    window_samples = STEP_SAMPLES

    def __init__(self, embedder: Embedder, likeness: Likeness, phrase: str) -> None:
        self._embedder = embedder
        self._likeness = likeness
        self._phrase = phrase
        self._last = self._silence()

    def score(self, window: bytes) -> Mapping[str, float]:
        self._last = self._last[EMBEDDING:] + array("f", self._embedder.embed(window))
        return {self._phrase: self._likeness.score(self._last)}

    def reset(self) -> None:
        self._embedder.reset()
        self._last = self._silence()

    def _silence(self) -> "array[float]":
        return array("f", self._embedder.silence * STEPS)


def _little(values: "array[float]") -> "array[float]":
    """Return the values in little-endian order, or what is in that order as values."""
    if sys.byteorder == "big":
        values.byteswap()
    return values
