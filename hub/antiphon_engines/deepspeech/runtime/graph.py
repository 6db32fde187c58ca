"""The network as an ONNX graph: streaming, any number of streams and frames, float32 or int8.

In int8, a weight matrix has one scale a column, and each row of what it is multiplied with has one
of its own, found while it runs: so no stream's numbers depend on its neighbours in a batch, and no
model needs calibration audio. The last layer (29 columns) and all sums stay float32.
Source: Jacob et al. 2018 (arXiv:1712.05877) for integer products.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from antiphon_engines.deepspeech.runtime.onnx_file import (
    MICROSOFT,
    Array,
    Attribute,
    Node,
    Value,
    graph,
    model,
)
from antiphon_engines.deepspeech.weights import RELU_CLIP, Floats, Geometry, Layer, Weights
from antiphon_engines.errors import ModelError

Precision = Literal["int8", "float32"]

FILE_BYTES_MAX: Final = 2**31 - 1
"""What a Protocol Buffers message can hold."""
INT8_TOP: Final = 127
INT7_TOP: Final = 63
"""Without VNNI, x86 adds two products in 16 bits: with 8-bit weights that overflows."""
_TINY: Final = 1e-9
"""A row of zeros has this scale."""


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


def integer_top() -> int:
    """Return the largest int8 weight whose products this processor sums without overflow."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return INT7_TOP
    fits = any(name in flags for name in ("avx512_vnni", "avx_vnni", "asimddp", "i8mm"))
    return INT8_TOP if fits else INT7_TOP


class _Builder:
    """Nodes and constants, with names that are used once."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}

    def constant(self, name: str, array: Array) -> str:
        self.constants[name] = array
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        return self.split(op, inputs, 1, domain=domain, **attributes)[0]

    def split(
        self,
        op: str,
        inputs: Sequence[str],
        count: int,
        *,
        domain: str = "",
        **attributes: Attribute,
    ) -> list[str]:
        outputs = [f"{self._prefix}{len(self.nodes)}.{at}" for at in range(count)]
        self.nodes.append(Node(op, inputs, outputs, attributes, domain))
        return outputs


class _Network:
    def __init__(self, weights: Weights, top: int | None) -> None:
        self._weights = weights
        self._top = top
        self._outer = _Builder("n")
        self._inner = _Builder("s")

    def encode(self) -> bytes:
        """Return the graph."""
        net, weights = self._outer, self._weights
        self._scalars()
        x = self._dense("dense1", weights.dense1, "chunks", signed=True)
        x = self._dense("dense2", weights.dense2, x)
        x = self._dense("dense3", weights.dense3, x)
        x = self._lstm(x)
        x = self._dense("dense5", weights.dense5, x, signed=True)
        x = net.add("MatMul", x, net.constant("dense6.w", weights.dense6.w))
        x = net.add("Add", x, net.constant("dense6.b", weights.dense6.b))
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

    def _scalars(self) -> None:
        for name, number in (("zero", 0), ("clip", RELU_CLIP), ("tiny", _TINY), ("one", 1)):
            self._outer.constant(name, np.asarray(number, np.float32))
        self._outer.constant("signed", np.asarray(128, np.uint8))
        self._outer.constant("signed.step", np.asarray(1 / 127, np.float32))
        self._outer.constant("unsigned", np.asarray(0, np.uint8))
        self._outer.constant("unsigned.step", np.asarray(1 / 255, np.float32))

    def _dense(self, name: str, layer: Layer, x: str, *, signed: bool = False) -> str:
        net = self._outer
        x = self._product(net, name, layer.w, x, signed=signed)
        x = net.add("Add", x, net.constant(f"{name}.b", layer.b))
        return net.add("Clip", x, "zero", "clip")

    def _lstm(self, x: str) -> str:
        """All frames' inputs at once, then the recurrent part frame by frame."""
        net, layer = self._outer, self._weights.lstm
        cells = self._weights.geometry.lstm
        width = layer.w.shape[0] - cells
        gates = self._product(net, "lstm.x", layer.w[:width], x, signed=False)
        gates = net.add("Add", gates, net.constant("lstm.b", layer.b))
        gates = net.add("Reshape", gates, "gates_shape")
        net.nodes.append(
            Node(
                "Scan",
                ["c", "h", gates],
                ["c_after", "h_after", "heard"],
                {"body": self._cell(layer.w[width:]), "num_scan_inputs": 1},
            )
        )
        rows = net.constant("rows_shape", np.asarray([-1, cells], np.int64))
        return net.add("Reshape", "heard", rows)

    def _cell(self, recurrent: Floats) -> bytes:
        """Return one frame of the LSTM; gates in the order input, cell, forget, output."""
        cell, cells = self._inner, recurrent.shape[0]
        gates = self._product(cell, "lstm.h", recurrent, "h_before", signed=True)
        i, g, f, o = cell.split("Split", [cell.add("Add", gates, "gates")], 4, axis=1)
        new = cell.add("Mul", cell.add("Sigmoid", i), cell.add("Tanh", g))
        kept = cell.add("Mul", cell.add("Sigmoid", f), "c_before")
        c = cell.add("Add", new, kept)
        h = cell.add("Mul", cell.add("Sigmoid", o), cell.add("Tanh", c))
        heard = cell.add("Identity", h)
        states = [Value(name, ["streams", cells]) for name in ("c_before", "h_before")]
        outputs = [Value(name, ["streams", cells]) for name in (c, h, heard)]
        return graph(cell.nodes, {}, [*states, Value("gates", ["streams", 4 * cells])], outputs)

    def _product(self, net: _Builder, name: str, w: Floats, x: str, *, signed: bool) -> str:
        if self._top is None:
            return net.add("MatMul", x, net.constant(f"{name}.w", w))
        integers, scales = quantized(w, self._top)
        zero = "signed" if signed else "unsigned"
        largest = net.add("ReduceMax", net.add("Abs", x) if signed else x, axes=[1], keepdims=1)
        row = net.add("Mul", net.add("Max", largest, "tiny"), f"{zero}.step")
        x = net.add("QuantizeLinear", net.add("Div", x, row), "one", zero)
        weights = net.constant(f"{name}.w", integers)
        columns = net.constant(f"{name}.scales", scales)
        whole = ("one", columns, zero)
        x = net.add("MatMulIntegerToFloat", x, weights, *whole, domain=MICROSOFT)
        return net.add("Mul", x, row)


def quantized(w: Floats, top: int) -> tuple[Array, Floats]:
    """Return int8 weights [inputs, outputs] of -top..top, and their scales [outputs]."""
    scales = np.maximum(np.abs(w).max(axis=0), np.float32(_TINY)) / np.float32(top)
    return np.rint(w / scales).astype(np.int8), scales.astype(np.float32)
