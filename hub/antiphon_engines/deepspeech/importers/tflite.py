"""Reads `.tflite` files of DeepSpeech 0.9 and Coqui STT 1.x, float or with 8-bit weights.

The converter that made them renames what it transposes, so the network is found by its structure:
the matrices in the order in which they are used. Source: TensorFlow 2.3, `lite/schema/schema.fbs`.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.importers.flatbuffer import Table, item, root
from antiphon_engines.deepspeech.importers.found import Found
from antiphon_engines.deepspeech.weights import RELU_CLIP, Floats
from antiphon_engines.errors import ModelError

IDENTIFIER: Final = b"TFL3"
FLOAT32, FLOAT16, INT32, UINT8, STRING, INT8 = 0, 1, 2, 3, 5, 9
"""TensorType."""
FULLY_CONNECTED, LOGISTIC, LSTM, RESHAPE, TANH, SPLIT, MINIMUM = 9, 14, 16, 22, 28, 49, 57
"""BuiltinOperator."""
_DEQUANTIZE, _MEAN = 6, 40
_PASSES_ON: Final = frozenset({_DEQUANTIZE, RESHAPE})
"""Operators after which a constant is the same constant."""
_DTYPES: Final = {FLOAT32: "<f4", FLOAT16: "<f2", INT32: "<i4", UINT8: "u1", INT8: "i1"}
_LAYERS: Final = ("dense1", "dense2", "dense3", "lstm", "dense5", "dense6")
_GATES: Final = [LOGISTIC, TANH, LOGISTIC, LOGISTIC]
"""What becomes of the LSTM's gates: input, cell, forget, output, which is our order too."""
_LSTM_INPUTS: Final = 5
"""Of the operator's basic form: data, last output, weights, bias, last state."""


def import_tflite(data: memoryview) -> Found:
    """Read a model from the bytes of a `.tflite` file.

    Raises:
        ModelError: damaged, or not such a model.
    """
    if bytes(data[4:8]) != IDENTIFIER:
        raise ModelError("this is no TensorFlow Lite file")
    return _File(root(data)).found()


class _Operator:
    def __init__(self, table: Table, codes: list[int]) -> None:
        self.code = item(codes, table.integer(0, "I"), "operator")
        self.inputs = [int(index) for index in table.numbers(1, "<i4")]
        self.outputs = [int(index) for index in table.numbers(2, "<i4")]


class _File:
    def __init__(self, model: Table) -> None:
        codes = [max(code.integer(0, "b"), code.integer(3, "i")) for code in model.tables(1)]
        graph = item(model.tables(2), 0, "graph")
        self._buffers = model.tables(4)
        self._tensors = graph.tables(0)
        self._names = {tensor.text(3): index for index, tensor in enumerate(self._tensors)}
        self._operators = [_Operator(table, codes) for table in graph.tables(3)]
        self._makers = {made: one for one in self._operators for made in one.outputs}

    def found(self) -> Found:
        if any(operator.code == _MEAN for operator in self._operators):
            raise ModelError("the network has layer normalisation, which is not computed here")
        layers = list(self._layers())
        if len(layers) != len(_LAYERS):
            raise ModelError(
                f"the file has {len(layers)} layers with weights, a DeepSpeech model has "
                f"{len(_LAYERS)}"
            )
        arrays: dict[str, Floats] = {}
        for name, (w, b) in zip(_LAYERS, layers, strict=True):
            arrays |= {f"{name}.w": np.ascontiguousarray(w.T), f"{name}.b": b}
        shape = self._tensor("input_node").numbers(0, "<i4")
        return Found(
            arrays=arrays,
            alphabet=Alphabet.unpack(self._text("metadata_alphabet")),
            sample_rate_hz=self._integer("metadata_sample_rate"),
            window_ms=self._integer("metadata_feature_win_len"),
            step_ms=self._integer("metadata_feature_win_step"),
            features=int(shape[-1]) if len(shape) else 0,
            beam_width=self._integer("metadata_beam_width"),
            language=self._language(),
            relu_clip=self._relu_clip(),
        )

    def _layers(self) -> Iterator[tuple[Floats, Floats]]:
        """Return weights [outputs, inputs] and bias of each layer, in the order of their use."""
        before, used = np.zeros((0, 0), np.float32), -1
        for operator in self._operators:
            if operator.code == FULLY_CONNECTED and len(operator.inputs) > 1:
                weights, bias = operator.inputs[1], (*operator.inputs[2:], -1)[0]
            elif operator.code == LSTM and len(operator.inputs) == _LSTM_INPUTS:
                weights, bias = operator.inputs[2:4]
            else:
                continue
            # The LSTM is written out, once for each of its steps, each with the same weights.
            if weights == used or np.array_equal(w := self._floats(weights), before):
                continue
            before, used = w, weights
            if operator.code == FULLY_CONNECTED:
                self._check_gates(operator)
            yield w, self._bias(bias, len(w))

    def _check_gates(self, operator: _Operator) -> None:
        """Check that an LSTM's gates have our order; other layers have none."""
        splits = [one for one in self._users(operator.outputs) if one.code == SPLIT]
        for split in splits:
            if len(split.outputs) != len(_GATES):
                continue
            used = [[user.code for user in self._users([gate])] for gate in split.outputs]
            if used != [[code] for code in _GATES]:
                raise ModelError("the LSTM is not of the form that DeepSpeech's exporter writes")

    def _users(self, tensors: list[int]) -> list[_Operator]:
        wanted = set(tensors)
        return [one for one in self._operators if wanted & set(one.inputs)]

    def _bias(self, index: int, outputs: int) -> Floats:
        return np.zeros(outputs, np.float32) if index < 0 else self._floats(index)

    def _relu_clip(self) -> float:
        for operator in self._operators:
            if operator.code == MINIMUM:
                for index in operator.inputs:
                    if index not in self._makers and self._data(index):
                        return float(self._floats(index).reshape(-1)[:1].sum())
        return RELU_CLIP

    def _language(self) -> str:
        if "metadata_language" not in self._names:
            return ""
        return self._text("metadata_language").decode("utf-8", "replace")

    def _integer(self, name: str) -> int:
        values = self._values(self._constant(self._index(name)), INT32)
        if values.size != 1:
            raise ModelError(f"{name} is not one number")
        return int(values.reshape(-1)[0])

    def _text(self, name: str) -> bytes:
        """Return the only text of a tensor: count, where each begins, where the last ends."""
        index = self._constant(self._index(name))
        data = bytes(self._data(index))
        if item(self._tensors, index, "tensor").integer(1, "b") != STRING or len(data) < 12:  # noqa: PLR2004 - three numbers before the text
            raise ModelError(f"{name} is not one text")
        count, begin, end = np.frombuffer(data[:12], "<i4")
        if count != 1 or not 0 <= begin <= end <= len(data):
            raise ModelError(f"{name} is not one text")
        return data[begin:end]

    def _floats(self, index: int) -> Floats:
        """Return a constant, its 8 bits scaled to what they stand for."""
        index = self._constant(index)
        tensor = item(self._tensors, index, "tensor")
        values = self._values(index)
        floats: Floats = values.astype(np.float32)
        if tensor.integer(1, "b") not in {INT8, UINT8}:
            return floats
        quantization = tensor.table(4)
        if quantization is None:
            raise ModelError("8-bit weights without their scale")
        scale = quantization.numbers(2, "<f4").astype(np.float32)
        zero = quantization.numbers(3, "<i8").astype(np.float32)
        if len(zero) not in {0, 1, len(scale)}:
            raise ModelError("8-bit weights with another number of zeros than of scales")
        # One scale for all, or one for each row.
        rows = (-1, *(1,) * (floats.ndim - 1)) if len(scale) > 1 else ()
        if floats.ndim == 0 or len(scale) not in {1, len(floats)} or quantization.integer(6, "i"):
            raise ModelError("8-bit weights with scales that do not fit them")
        scaled: Floats = (floats - (zero if len(zero) else np.float32(0)).reshape(rows or -1)) * (
            scale.reshape(rows or -1)
        )
        return scaled

    def _values(self, index: int, wanted: int | None = None) -> npt.NDArray[np.generic]:
        tensor = item(self._tensors, index, "tensor")
        kind = tensor.integer(1, "b")
        if kind not in _DTYPES or wanted not in {None, kind}:
            raise ModelError(f"{tensor.text(3)} is of another type")
        data, dtype = self._data(index), np.dtype(_DTYPES[kind])
        shape = tuple(int(size) for size in tensor.numbers(0, "<i4"))
        if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize != len(data):
            raise ModelError(f"{tensor.text(3)} has {len(data)} bytes for the shape {shape[:8]}")
        return np.frombuffer(data, dtype).reshape(shape)

    def _constant(self, index: int) -> int:
        """Return the tensor with the data: some constants pass an operator that changes nothing."""
        for _ in _DTYPES:
            maker = self._makers.get(index)
            if maker is None or maker.code not in _PASSES_ON or not maker.inputs:
                break
            index = maker.inputs[0]
        return index

    def _data(self, index: int) -> memoryview:
        tensor = item(self._tensors, index, "tensor")
        return item(self._buffers, tensor.integer(2, "I"), "buffer").bytes(0)

    def _index(self, name: str) -> int:
        if name not in self._names:
            raise ModelError(
                f"the file has no {name}; it is no DeepSpeech 0.9 or Coqui STT 1.x model"
            )
        return self._names[name]

    def _tensor(self, name: str) -> Table:
        return self._tensors[self._index(name)]
