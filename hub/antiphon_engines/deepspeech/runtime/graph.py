"""The network as an ONNX graph: streaming, any number of streams and frames, float32 or int8.

In int8, the last layer (29 columns) stays float32.
"""

from typing import Final, Literal

import msgspec
import numpy as np

from antiphon_engines.deepspeech.runtime.onnx_file import Builder, Node, Value, graph, model
from antiphon_engines.deepspeech.runtime.sums import (
    SCALARS,
    FloatSums,
    IntegerSums,
    Sums,
    integer_top,
)
from antiphon_engines.deepspeech.weights import Floats, Geometry, Layer, Weights
from antiphon_engines.errors import ModelError

Precision = Literal["int8", "float32"]

FILE_BYTES_MAX: Final = 2**31 - 1
"""What a Protocol Buffers message can hold."""


class Meta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What else there is to know of a network, in its ONNX file."""

    geometry: Geometry
    alphabet: bytes
    """As `Alphabet.pack` writes it."""
    beam_width: int
    language: str


def build(weights: Weights, precision: Precision, *, top: int | None = None) -> bytes:
    """Return the network as an ONNX model.

    Inputs: `chunks` [frames * streams, inputs], frame by frame; `gates_shape` int64 [3]: frames,
    streams, 4 * cells; `c`, `h` [streams, cells]. Outputs: `probabilities`
    [frames * streams, classes], `c_after`, `h_after`. Metadata: what `Meta` has, in `antiphon`.

    Args:
        weights: The network; a normalisation of its features goes into the first layer.
        precision: Of the weights.
        top: The largest weight of int8; by default what this processor multiplies exactly.

    Raises:
        ModelError: a bidirectional network, or one too large for the format.
    """
    if weights.lstm_backward is not None:
        raise ModelError(
            "a bidirectional network hears only whole utterances; the engine needs one that streams"
        )
    folded = weights.folded()
    top = integer_top() if top is None else top
    network = _Network(folded, top if precision == "int8" else None)
    meta = Meta(weights.geometry, weights.alphabet.pack(), weights.beam_width, weights.language)
    data = model(network.encode(), {"antiphon": msgspec.json.encode(meta).decode()})
    if len(data) > FILE_BYTES_MAX:
        raise ModelError(f"the network has {len(data)} bytes; {FILE_BYTES_MAX} can be run")
    return data


class _Network:
    def __init__(self, weights: Weights, top: int | None) -> None:
        self._weights = weights
        self._outer = Builder("n")
        self._inner = Builder("s")
        self._sums: Sums = FloatSums() if top is None else IntegerSums(top)

    def encode(self) -> bytes:
        """Return the graph."""
        net, sums, weights = self._outer, self._sums, self._weights
        net.constants |= SCALARS
        x = sums.of_features(net, "dense1", "chunks", *_parts(weights.dense1))
        x = sums.of_rectified(net, "dense2", x, *_parts(weights.dense2))
        x = sums.of_rectified(net, "dense3", x, *_parts(weights.dense3))
        x = self._lstm(x)
        x = sums.of_cells(net, "dense5", x, *_parts(weights.dense5))
        x = FloatSums().of_rectified(net, "dense6", x, *_parts(weights.dense6))
        net.nodes.append(Node("Softmax", [x], ["probabilities"], {"axis": 1}))
        geometry = weights.geometry
        states = [Value(name, ["streams", geometry.lstm]) for name in ("c", "h")]
        return graph(
            net.nodes,
            net.constants | self._inner.constants,
            [
                Value("chunks", ["rows", geometry.inputs]),
                Value("gates_shape", [3], "int64"),
                *states,
            ],
            [
                Value("probabilities", ["rows", geometry.classes]),
                *(Value(f"{state.name}_after", state.shape) for state in states),
            ],
        )

    def _lstm(self, x: str) -> str:
        """All frames' inputs at once, then the recurrent part frame by frame."""
        net, layer = self._outer, self._weights.lstm
        cells = self._weights.geometry.lstm
        width = layer.w.shape[0] - cells
        # Its biases are added to the smaller, recurrent part.
        gates = self._sums.of_rectified(net, "lstm.x", x, layer.w[:width], None)
        gates = net.add("Reshape", gates, "gates_shape")
        net.nodes.append(
            Node(
                "Scan",
                ["c", "h", gates],
                ["c_after", "h_after", "heard"],
                {"body": self._cell(layer.w[width:], layer.b), "num_scan_inputs": 1},
            )
        )
        rows = net.constant("rows_shape", np.asarray([-1, cells], np.int64))
        return net.add("Reshape", "heard", rows)

    def _cell(self, w: Floats, b: Floats) -> bytes:
        """Return one frame of the LSTM; gates in the order input, cell, forget, output."""
        cell, cells = self._inner, len(w)
        gates = self._sums.of_cells(cell, "lstm.h", "h_before", w, b)
        i, g, f, o = cell.split("Split", [cell.add("Add", gates, "gates")], 4, axis=1)
        new = cell.add("Mul", cell.add("Sigmoid", i), cell.add("Tanh", g))
        kept = cell.add("Mul", cell.add("Sigmoid", f), "c_before")
        c = cell.add("Add", new, kept)
        h = cell.add("Mul", cell.add("Sigmoid", o), cell.add("Tanh", c))
        heard = cell.add("Identity", h)
        states = [Value(name, ["streams", cells]) for name in ("c_before", "h_before")]
        outputs = [Value(name, ["streams", cells]) for name in (c, h, heard)]
        return graph(cell.nodes, {}, [*states, Value("gates", ["streams", 4 * cells])], outputs)


def _parts(layer: Layer) -> tuple[Floats, Floats]:
    return layer.w, layer.b
