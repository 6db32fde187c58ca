"""Weighted sums in an ONNX graph: in float32, or of 8-bit integers.

In 8 bits a weight matrix has one scale a column. What it is multiplied with has one a row, found
while it runs, or one that is known beforehand: so no stream's numbers depend on its neighbours in a
batch, and no model needs calibration audio. All sums are float32.
Source: Jacob et al. 2018 (arXiv:1712.05877) for integer products.
"""

from pathlib import Path
from typing import Final, Protocol

import numpy as np

from antiphon_engines.deepspeech.runtime.onnx_file import MICROSOFT, Array, Builder
from antiphon_engines.deepspeech.weights import RELU_CLIP, Floats

INT8_TOP: Final = 127
INT7_TOP: Final = 63
"""Without VNNI, x86 adds two products in 16 bits: with 8-bit weights that overflows."""
_TINY: Final = 1e-9
"""A row of zeros has this scale."""

SCALARS: Final[dict[str, Array]] = {
    "zero": np.asarray(0, np.float32),
    "clip": np.asarray(RELU_CLIP, np.float32),
    "tiny": np.asarray(_TINY, np.float32),
    "one": np.asarray(1, np.float32),
    "signed": np.asarray(128, np.uint8),
    "signed.step": np.asarray(1 / 127, np.float32),
    "unsigned": np.asarray(0, np.uint8),
    "unsigned.step": np.asarray(1 / 255, np.float32),
    "flat": np.asarray([-1], np.int64),
}
"""Constants that the sums' nodes name."""


class Sums(Protocol):
    """Adds `x @ w + b` to a graph, b where there is one, by what is known of x [rows, inputs]."""

    def of_features(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """Numbers of any size and sign."""
        ...

    def of_rectified(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """Sums of another layer: what is below 0 or above `RELU_CLIP` counts as that."""
        ...

    def of_cells(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """An LSTM's outputs, all within -1 and 1."""
        ...


class FloatSums:
    """See Sums."""

    def of_features(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """See Sums.of_features."""
        return net.add("Gemm", x, net.constant(f"{name}.w", w), *_bias(net, name, b))

    def of_rectified(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """See Sums.of_rectified."""
        return self.of_features(net, name, net.add("Clip", x, "zero", "clip"), w, b)

    def of_cells(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """See Sums.of_cells."""
        return self.of_features(net, name, x, w, b)


class IntegerSums:
    """See Sums.

    Args:
        top: The largest weight.
    """

    def __init__(self, top: int) -> None:
        self._top = top

    def of_features(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """See Sums.of_features."""
        largest = net.add("ReduceMax", net.add("Abs", x), axes=[1], keepdims=1)
        step = net.add("Mul", net.add("Max", largest, "tiny"), "signed.step")
        rounded = net.add("QuantizeLinear", net.add("Div", x, step), "one", "signed")
        sums = net.add("Mul", self._product(net, name, rounded, w, zero="signed"), step)
        return _plus(net, name, sums, b)

    def of_rectified(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """See Sums.of_rectified."""
        # Rounding to 8 bits without a sign clips at both ends: no other pass over x does.
        largest = net.add("Clip", net.add("ReduceMax", x, axes=[1], keepdims=1), "tiny", "clip")
        step = net.add("Mul", largest, "unsigned.step")
        rounded = net.add("QuantizeLinear", x, net.add("Reshape", step, "flat"), axis=0)
        sums = net.add("Mul", self._product(net, name, rounded, w, zero="unsigned"), step)
        return _plus(net, name, sums, b)

    def of_cells(self, net: Builder, name: str, x: str, w: Floats, b: Floats | None) -> str:
        """See Sums.of_cells."""
        rounded = net.add("QuantizeLinear", x, "signed.step", "signed")
        bias = ("", *_bias(net, name, b)) if b is not None else ()
        return self._product(net, name, rounded, w, *bias, step="signed.step", zero="signed")

    def _product(
        self,
        net: Builder,
        name: str,
        rounded: str,
        w: Floats,
        *bias: str,
        step: str = "one",
        zero: str,
    ) -> str:
        integers, scales = quantized(w, self._top)
        weights = net.constant(f"{name}.w", integers)
        columns = net.constant(f"{name}.scales", scales)
        inputs = (rounded, weights, step, columns, zero, *bias)
        return net.add("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)


def _plus(net: Builder, name: str, sums: str, b: Floats | None) -> str:
    return sums if b is None else net.add("Add", sums, net.constant(f"{name}.b", b))


def _bias(net: Builder, name: str, b: Floats | None) -> tuple[str, ...]:
    return () if b is None else (net.constant(f"{name}.b", b),)


def integer_top() -> int:
    """Return the largest int8 weight whose products this processor sums without overflow."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return INT7_TOP
    fits = any(name in flags for name in ("avx512_vnni", "avx_vnni", "asimddp", "i8mm"))
    return INT8_TOP if fits else INT7_TOP


def quantized(w: Floats, top: int) -> tuple[Array, Floats]:
    """Return int8 weights [inputs, outputs] of -top..top, and their scales [outputs]."""
    scales = np.maximum(np.abs(w).max(axis=0), np.float32(_TINY)) / np.float32(top)
    return np.rint(w / scales).astype(np.int8), scales.astype(np.float32)
