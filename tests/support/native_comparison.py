"""Our network beside a native library's: outputs frame by frame, and texts."""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from antiphon_engines.deepspeech.exporters.graph import export_pb
from antiphon_engines.deepspeech.exporters.tflite import export_tflite
from antiphon_engines.deepspeech.native.engines import (
    CoquiLibrary,
    DeepSpeechLibrary,
    NativeEngine,
)
from antiphon_engines.deepspeech.reference import ReferenceModel
from antiphon_engines.deepspeech.weights import Floats, Weights
from tests.support.native_speech import find
from tests.support.network import Samples, cut
from tests.support.spotlight import spotlight

BEAM = 200
SILENCE_SAMPLES = 1024
"""deepspeech-tflite 0.9.3 fills its last window with what the one before left there, not with
zeros; after two windows of silence that is the same."""


class Kind(msgspec.Struct, frozen=True):
    """One of the native libraries."""

    engine: type[NativeEngine]
    suffix: str

    def write(self, weights: Weights, path: Path) -> None:
        """Write the network as the library's kind of file."""
        export = export_pb if self.suffix == ".pb" else export_tflite
        export(weights, path)


KINDS = {
    "deepspeech": Kind(DeepSpeechLibrary, ".pb"),
    "deepspeech-tflite": Kind(DeepSpeechLibrary, ".tflite"),
    "stt": Kind(CoquiLibrary, ".tflite"),
}


def start(name: str, weights: Weights, folder: Path) -> NativeEngine:
    """Return the engine of a library that was fetched, with the network as its model."""
    kind = KINDS[name]
    path = folder / f"model{kind.suffix}"
    kind.write(weights, path)
    options = {"library": str(find(name)), "model": str(path), "beam_width": BEAM}
    return kind.engine.from_options(options)


def hear(engine: NativeEngine, pcm: Samples, cuts: Sequence[int] = (8000,)) -> str:
    """Return the best text, spaces included, of audio fed in parts of these sizes."""
    stream = engine.open(language="en", context=None)
    for part in cut(pcm, cuts):
        stream.feed(part.tobytes())
    return stream.candidates(1)[0].text


def outputs(name: str, weights: Weights, pcm: Samples, frame: int, folder: Path) -> Floats:
    """Return the library's outputs for one frame of the audio: float32 [classes]."""
    engine = start(name, spotlight(weights, frame), folder)
    try:
        stream = engine.open(language="en", context=None)
        stream.feed(pcm.tobytes())
        found = {one.text: one.score for one in stream.candidates(weights.geometry.classes)}
    finally:
        engine.close()
    classes = (*weights.alphabet.labels, "")
    return np.array([math.exp(found.get(text, -math.inf)) for text in classes], np.float32)


def our_text(weights: Weights, pcm: Samples, labels_max: int = 40) -> str:
    """Return the best text by our network and CTC's prefix search (Graves 2012, section 7.5.3)."""
    blank = weights.alphabet.blank
    # Mass of a prefix's paths that end in a blank, and of those that end in its last label.
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
    for row in ReferenceModel(weights).whole(pcm).astype(float):
        grown: defaultdict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
        likely = [label for label in np.argsort(-row)[:labels_max].tolist() if label != blank]
        for prefix, (with_blank, with_label) in beam.items():
            grown[prefix][0] += (with_blank + with_label) * row[blank]
            if prefix:
                grown[prefix][1] += with_label * row[prefix[-1]]
            for label in likely:
                again = prefix[-1:] == (label,)
                mass = with_blank if again else with_blank + with_label
                grown[(*prefix, label)][1] += mass * row[label]
        total = sum(map(sum, grown.values()))
        best = sorted(grown.items(), key=lambda item: -sum(item[1]))[:BEAM]
        beam = {prefix: (one / total, other / total) for prefix, (one, other) in best}
    return weights.alphabet.decode(next(iter(beam)))
