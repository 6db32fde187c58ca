"""Wake words by openWakeWord: better discrimination than microWakeWord, far more work.

Models: pyopen-wakeword (Apache-2.0). The pipeline is that of https://github.com/dscripka/openWakeWord:
every 80 ms eight mel frames, of the last 76 an embedding, of the last embeddings a score.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from antiphon_ears.wake.port import WakeStream
from antiphon_ears.wake.stream import ScoredStream, Scorer, thresholds_for
from antiphon_ears.wake.tflite import Model, Package
from antiphon_protocol.audio import SAMPLE_BYTES

_REMEDY: Final = "pip install 'antiphon-protocol[openwake]'"
_THRESHOLDS: Final = {
    "hey mycroft": 0.9,
    "okay nabu": 0.5,
    "hey jarvis": 0.5,
    "alexa": 0.98,
    "hey rhasspy": 0.5,
}
"""Chosen on recordings, see docs/measurements.md; the models' authors have .5 for all."""
STEP_SAMPLES: Final = 1280
_OVERLAP_SAMPLES: Final = 480
"""The mel model takes 1760 samples to give the eight frames of 1280: frames overlap."""
_FLOAT_BYTES: Final = 4
EMBEDDING: Final = 96
"""Floats of an embedding."""
_MEL_BANDS: Final = 32
_MEL_FRAMES: Final = 76
_MEL_STEP: Final = 8
_MELS_BYTES: Final = _MEL_FRAMES * _MEL_BANDS * _FLOAT_BYTES
_EMBEDDING_BYTES: Final = EMBEDDING * _FLOAT_BYTES


class OpenWakeWordEngine:
    """openWakeWord's own models; see WakeEngine.

    Raises:
        EngineMissingError: its package is not installed.
    """

    name = "openwakeword"
    phrases = tuple(_THRESHOLDS)
    thresholds: Mapping[str, float] = _THRESHOLDS

    def __init__(self) -> None:
        self._package = Package("pyopen_wakeword", _REMEDY)

    def open(self, phrases: Sequence[str], threshold: float | None = None) -> WakeStream:
        """See WakeEngine.open."""
        thresholds = thresholds_for(self.name, phrases, _THRESHOLDS, threshold)
        return ScoredStream(self.scorer(thresholds), thresholds)

    def scorer(self, phrases: Iterable[str]) -> Scorer:
        """Return the phrases' scores without a threshold, as a bench wants them."""
        models = {phrase: self._package.model(phrase.replace(" ", "_")) for phrase in phrases}
        return _Scorer(Embedder(self._package), models)

    def embedder(self) -> "Embedder":
        """Return what the models' scores are made from, for one stream."""
        return Embedder(self._package)


class Embedder:
    """Audio to embeddings, 96 floats each 80 ms; shared by all phrases of a stream."""

    def __init__(self, package: Package) -> None:
        samples = _OVERLAP_SAMPLES + STEP_SAMPLES
        self._mel = package.model("melspectrogram", (1, samples))
        self._embedding = package.model("embedding_model", (1, _MEL_FRAMES, _MEL_BANDS, 1))
        self._silent_overlap = bytes(_OVERLAP_SAMPLES * SAMPLE_BYTES)
        step = self._mel_frames(bytes(samples * SAMPLE_BYTES))
        self._silent_mels = (step * (_MEL_FRAMES // _MEL_STEP + 1))[-_MELS_BYTES:]
        self.silence = self._embedding.run(self._silent_mels)
        self.reset()

    def reset(self) -> None:
        """Forget the audio so far."""
        self._overlap = self._silent_overlap
        self._mels = self._silent_mels

    def embed(self, window: bytes) -> bytes:
        """Return the embedding of the last 76 mel frames, after 80 ms more."""
        audio = self._overlap + window
        self._overlap = audio[-len(self._silent_overlap) :]
        self._mels = (self._mels + self._mel_frames(audio))[-_MELS_BYTES:]
        return self._embedding.run(self._mels)

    def _mel_frames(self, audio: bytes) -> bytes:
        samples = array("f", array("h", audio))
        mels = array("f", self._mel.run(samples.tobytes()))
        # The embedding model was trained on mels scaled this way.
        return array("f", [value / 10.0 + 2.0 for value in mels]).tobytes()


class _Scorer:
    """An embedder, and a classifier for each phrase over the last embeddings."""

    window_samples = STEP_SAMPLES

    def __init__(self, embedder: Embedder, models: Mapping[str, Model]) -> None:
        self._embedder = embedder
        self._models = {
            phrase: (model, model.input_dim(1) * _EMBEDDING_BYTES)
            for phrase, model in models.items()
        }
        self._keep_bytes = max(size for _, size in self._models.values())
        self._embeddings = self._silence()

    def score(self, window: bytes) -> Mapping[str, float]:
        embedding = self._embedder.embed(window)
        self._embeddings = (self._embeddings + embedding)[-self._keep_bytes :]
        return {
            phrase: array("f", model.run(self._embeddings[-size:]))[0]
            for phrase, (model, size) in self._models.items()
        }

    def reset(self) -> None:
        self._embedder.reset()
        self._embeddings = self._silence()

    def _silence(self) -> bytes:
        # As after a long silence: a wake word in the first second counts like any other.
        return self._embedder.silence * (self._keep_bytes // _EMBEDDING_BYTES)
