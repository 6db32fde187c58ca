"""Wake words by microWakeWord: 0.2 % of a core, wheels for armv7, no numpy.

Models and audio frontend: pymicro-wakeword, pymicro-features (Apache-2.0); the way a streaming
model is fed is that of https://github.com/kahrendt/microWakeWord.
"""

from array import array
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from antiphon_ears.errors import EngineMissingError
from antiphon_ears.wake.port import WakeStream
from antiphon_ears.wake.stream import ScoredStream, Scorer, thresholds_for
from antiphon_ears.wake.tflite import Model, Package

_REMEDY: Final = "pip install 'antiphon-protocol[microwake]'"
_THRESHOLDS: Final = {
    "hey mycroft": 0.986,
    "okay nabu": 0.9,
    "hey jarvis": 0.9,
    "alexa": 0.8,
}
"""Chosen on recordings, see docs/measurements.md; the models' authors have .95, .85, .97, .9."""
_MEAN_OF: Final = 5
"""How many outputs are averaged, as the models were tuned for."""
_UINT8: Final = 3
"""kTfLiteUInt8; the other type that quantised models have is int8."""


class MicroWakeWordEngine:
    """microWakeWord's own models; see WakeEngine.

    Raises:
        EngineMissingError: its packages are not installed.
    """

    name = "microwakeword"
    phrases = tuple(_THRESHOLDS)
    thresholds: Mapping[str, float] = _THRESHOLDS

    def __init__(self) -> None:
        try:
            from pymicro_features import MicroFrontend  # noqa: PLC0415 - lazy: an optional engine
        except ImportError as error:
            raise EngineMissingError(f"{error}; {_REMEDY}") from None
        self._frontend = MicroFrontend
        self._package = Package("pymicro_wakeword", _REMEDY)

    def open(self, phrases: Sequence[str], threshold: float | None = None) -> WakeStream:
        """See WakeEngine.open."""
        thresholds = thresholds_for(self.name, phrases, _THRESHOLDS, threshold)
        return ScoredStream(self.scorer(thresholds), thresholds)

    def scorer(self, phrases: Iterable[str]) -> Scorer:
        """Return the phrases' scores without a threshold, as a bench wants them."""
        models = {
            phrase: _Phrase(self._package.model(phrase.replace(" ", "_"))) for phrase in phrases
        }
        return _Scorer(self._frontend(), models)


class _Scorer:
    """One audio frontend, and a model for each phrase."""

    window_samples = 160
    """10 ms: the frontend's step."""

    def __init__(self, frontend: Any, models: Mapping[str, "_Phrase"]) -> None:
        self._frontend = frontend
        self._models = models

    def score(self, window: bytes) -> Mapping[str, float]:
        features = self._frontend.process_samples(window).features
        if not features:
            return {}
        scores = {phrase: model.score(features) for phrase, model in self._models.items()}
        return {phrase: score for phrase, score in scores.items() if score is not None}

    def reset(self) -> None:
        self._frontend.reset()
        for model in self._models.values():
            model.reset()


class _Phrase:
    """A quantised streaming model: takes some features at a time, keeps its own state."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._stride = model.input_dim(1)
        (self._in_scale, self._in_zero, kind), (self._out_scale, self._out_zero, out_kind) = (
            model.quantization()
        )
        self._in_code, self._low, self._high = ("B", 0, 255) if kind == _UINT8 else ("b", -128, 127)
        self._out_code = "B" if out_kind == _UINT8 else "b"
        self._features: list[float] = []
        self._frames = 0
        self._outputs: deque[float] = deque(maxlen=_MEAN_OF)

    def score(self, features: Sequence[float]) -> float | None:
        """Return the mean of the last outputs; None before there are enough, or between strides."""
        self._features += features
        self._frames += 1
        if self._frames < self._stride:
            return None
        output = array(self._out_code, self._model.run(self._quantised()))[0]
        self._features, self._frames = [], 0
        self._outputs.append((output - self._out_zero) * self._out_scale)
        if len(self._outputs) < _MEAN_OF:
            return None
        return sum(self._outputs) / _MEAN_OF

    def reset(self) -> None:
        self._model.restart()
        self._features, self._frames = [], 0
        self._outputs.clear()

    def _quantised(self) -> bytes:
        scale, zero, low, high = self._in_scale, self._in_zero, self._low, self._high
        steps = (round(value / scale + zero) for value in self._features)
        return array(self._in_code, [min(high, max(low, step)) for step in steps]).tobytes()
