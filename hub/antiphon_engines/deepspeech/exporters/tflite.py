"""Writes `.tflite` files that Mozilla's and Coqui's TensorFlow Lite libraries run.

The LSTM is written out for the 16 frames of a chunk, as the released files have it. Source: Mozilla
DeepSpeech 0.9, `native_client/tflitemodelstate.cc`; TensorFlow 2.3, `lite/schema/schema.fbs`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from flatbuffers import flexbuffers

from antiphon_engines.deepspeech.exporters.graph import STEPS, exportable, metadata
from antiphon_engines.deepspeech.exporters.lite_file import LiteFile
from antiphon_engines.deepspeech.importers.tflite import (
    FULLY_CONNECTED,
    INT32,
    LOGISTIC,
    MINIMUM,
    RESHAPE,
    SPLIT,
    STRING,
    TANH,
)
from antiphon_engines.deepspeech.weights import RELU_CLIP, Layer, Weights

_ADD, _CONCATENATION, _MUL, _SOFTMAX, _CUSTOM = 0, 2, 18, 25, 32
_OPTIONS: Final = {
    _ADD: 11,
    _CONCATENATION: 10,
    FULLY_CONNECTED: 8,
    MINIMUM: 39,
    _MUL: 21,
    RESHAPE: 17,
    _SOFTMAX: 9,
    SPLIT: 35,
}
"""BuiltinOptions of the operators that need some."""
_RELU: Final = 1
_INPUTS: Final = ("input_node", "previous_state_c", "previous_state_h", "input_samples")
_OUTPUTS: Final = ("logits", "new_state_c", "new_state_h", "mfccs")


def export_tflite(weights: Weights, path: Path) -> None:
    """Write the network as a TensorFlow Lite file with float weights.

    Raises:
        ModelError: a bidirectional network, which the library cannot run.
    """
    path.write_bytes(_Network(exportable(weights)).build())


class _Network:
    def __init__(self, weights: Weights) -> None:
        self._file = LiteFile()
        self._weights = weights
        self._geometry = weights.geometry
        self._clip = self._file.constant("clip", np.array([RELU_CLIP], np.float32))

    def build(self) -> bytes:
        """Return the file."""
        self._features()
        self._acoustic()
        # Texts last: their size is known only when they are made, and the interpreter takes no
        # memory for what comes after, until then; but the library runs parts of the file alone.
        named = [self._described(*entry) for entry in metadata(self._weights).items()]
        return self._file.build(_INPUTS, (*_OUTPUTS, *named))

    def _described(self, name: str, value: int | bytes) -> str:
        """Add an output that the library reads once; it must be made by an operator."""
        kind = STRING if isinstance(value, bytes) else INT32
        data = _packed(value) if isinstance(value, bytes) else value.to_bytes(4, "little")
        self._reshape(self._file.tensor(f"{name}/value", (1,), kind, data), name, (1,), kind)
        return name

    def _features(self) -> None:
        geometry, file = self._geometry, self._file
        samples = file.tensor("input_samples", (geometry.window_samples,))
        column = self._reshape(samples, "samples", (geometry.window_samples, 1))
        bins = (1 << (geometry.window_samples - 1).bit_length()) // 2 + 1
        spectrogram = file.tensor("spectrogram", (1, 1, bins))
        settings: dict[str, Any] = {
            "window_size": geometry.window_samples,
            "stride": geometry.step_samples,
            "magnitude_squared": True,
        }
        self._custom("AudioSpectrogram", [column], spectrogram, settings)
        rate = file.constant("rate", np.array([geometry.sample_rate_hz], np.int32))
        mfcc = file.tensor("mfcc", (1, 1, geometry.features))
        settings = {
            "upper_frequency_limit": geometry.sample_rate_hz / 2,
            "lower_frequency_limit": 20.0,
            "filterbank_channel_count": 40,
            "dct_coefficient_count": geometry.features,
        }
        self._custom("Mfcc", [spectrogram, rate], mfcc, settings)
        self._reshape(mfcc, "mfccs", (1, geometry.features))

    def _acoustic(self) -> None:
        geometry, weights, file = self._geometry, self._weights, self._file
        frame = (2 * geometry.context + 1, geometry.features)
        steps = file.tensor("input_node", (1, STEPS, *frame))
        x = self._reshape(steps, "steps", (STEPS, geometry.inputs))
        for name in ("dense1", "dense2", "dense3"):
            x = self._dense(name, getattr(weights, name), x)
        heard = self._lstm(x)
        x = self._dense("dense5", weights.dense5, heard)
        raw = self._affine("dense6", weights.dense6, x, STEPS)
        logits = file.tensor("logits", (STEPS, geometry.classes))
        file.operator(_SOFTMAX, [raw], [logits], options=file.factor(_OPTIONS[_SOFTMAX], 1.0))

    def _lstm(self, x: int) -> int:
        geometry, file = self._geometry, self._file
        cells = geometry.lstm
        c, h = (file.tensor(f"previous_state_{one}", (1, cells)) for one in "ch")
        frames = self._split(x, "frame", 0, STEPS, (1, geometry.hidden))
        weights = self._constants("lstm", self._weights.lstm)
        heard = []
        for step, frame in enumerate(frames):
            both = self._join([frame, h], f"step{step}/both", 1, (1, geometry.hidden + cells))
            gates = self._multiply(both, weights, f"step{step}/gates", (1, 4 * cells))
            last = step == STEPS - 1
            c, h = self._cell(f"step{step}", gates, c, last=last)
            heard.append(h)
        return self._join(heard, "heard", 0, (STEPS, cells))

    def _cell(self, name: str, gates: int, c: int, *, last: bool) -> tuple[int, int]:
        """Add one step of the LSTM; return its memory and its output."""
        shape = (1, self._geometry.lstm)
        i, g, f, o = self._split(gates, f"{name}/gate", 1, 4, shape)
        i, f, o = (self._unary(LOGISTIC, gate, shape) for gate in (i, f, o))
        kept = self._binary(_MUL, f, c, f"{name}/kept", shape)
        new = self._binary(_MUL, i, self._unary(TANH, g, shape), f"{name}/new", shape)
        c = self._binary(_ADD, kept, new, "new_state_c" if last else f"{name}/c", shape)
        h_name = "new_state_h" if last else f"{name}/h"
        return c, self._binary(_MUL, o, self._unary(TANH, c, shape), h_name, shape)

    def _dense(self, name: str, layer: Layer, x: int) -> int:
        positive = self._affine(name, layer, x, STEPS, _RELU)
        clipped = self._file.tensor(f"{name}/clipped", (STEPS, layer.w.shape[1]))
        options = self._file.options(_OPTIONS[MINIMUM])
        self._file.operator(MINIMUM, [positive, self._clip], [clipped], options=options)
        return clipped

    def _affine(self, name: str, layer: Layer, x: int, rows: int, activation: int = 0) -> int:
        shape = (rows, layer.w.shape[1])
        return self._multiply(x, self._constants(name, layer), f"{name}/out", shape, activation)

    def _constants(self, name: str, layer: Layer) -> tuple[int, int]:
        w = self._file.constant(f"{name}/weights", np.ascontiguousarray(layer.w.T))
        return w, self._file.constant(f"{name}/bias", layer.b)

    def _multiply(
        self,
        x: int,
        layer: tuple[int, int],
        name: str,
        shape: Sequence[int],
        activation: int = 0,
    ) -> int:
        made = self._file.tensor(name, shape)
        options = self._file.activation(_OPTIONS[FULLY_CONNECTED], activation)
        self._file.operator(FULLY_CONNECTED, [x, *layer], [made], options=options)
        return made

    def _split(self, x: int, name: str, axis: int, count: int, shape: Sequence[int]) -> list[int]:
        made = [self._file.tensor(f"{name}{part}", shape) for part in range(count)]
        along = self._file.constant(f"{name}/axis", np.array(axis, np.int32))
        options = self._file.options(_OPTIONS[SPLIT], count)
        self._file.operator(SPLIT, [along, x], made, options=options)
        return made

    def _join(self, parts: list[int], name: str, axis: int, shape: Sequence[int]) -> int:
        made = self._file.tensor(name, shape)
        options = self._file.options(_OPTIONS[_CONCATENATION], axis)
        self._file.operator(_CONCATENATION, parts, [made], options=options)
        return made

    def _unary(self, code: int, x: int, shape: Sequence[int]) -> int:
        made = self._file.tensor(f"{x}/{code}", shape)
        self._file.operator(code, [x], [made])
        return made

    def _binary(self, code: int, a: int, b: int, name: str, shape: Sequence[int]) -> int:
        made = self._file.tensor(name, shape)
        self._file.operator(code, [a, b], [made], options=self._file.activation(_OPTIONS[code]))
        return made

    def _reshape(self, x: int, name: str, shape: Sequence[int], kind: int = 0) -> int:
        made = self._file.tensor(name, shape, kind)
        sizes = self._file.constant(f"{name}/shape", np.array(shape, np.int32))
        options = self._file.options(_OPTIONS[RESHAPE])
        self._file.operator(RESHAPE, [x, sizes], [made], options=options)
        return made

    def _custom(self, name: str, inputs: list[int], made: int, settings: dict[str, Any]) -> None:
        packed = bytes(flexbuffers.Dumps(settings))
        self._file.operator(_CUSTOM, inputs, [made], custom=(name, packed))


def _packed(value: bytes) -> bytes:
    """Return the data of a tensor of one text: count, where it begins, where it ends, itself."""
    numbers = (1, 12, 12 + len(value))
    return b"".join(number.to_bytes(4, "little") for number in numbers) + value
