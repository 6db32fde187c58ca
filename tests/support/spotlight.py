"""Reads a native library's outputs, which its interface does not show, one frame at a time.

The network is given one more LSTM cell, which counts frames, and two more hidden units, which
notice that the count is not the wanted one and then make the blank certain. All that the decoder
still has to choose is that frame's label, so the scores of its candidates are the frame's outputs.
It needs nothing of the library but that it computes the network; also its carrying of the state
from chunk to chunk is seen in it.
"""

import math

import msgspec
import numpy as np

from antiphon_engines.deepspeech.weights import Floats, Geometry, Layer, Weights

FRAMES_MAX = 300
_OPEN = 30.0
"""A gate's input that opens it wholly."""
_CERTAIN = 15.0
"""Times the clipped 20 of a unit: no other class is left a float32's smallest number."""


def spotlight(weights: Weights, frame: int) -> Weights:
    """Return the network with all frames but one blank.

    Args:
        weights: One-directional, not normalised.
        frame: Of the stream, from 0; below FRAMES_MAX.
    """
    geometry, cells = weights.geometry, weights.geometry.lstm
    wider: dict[str, Layer] = {
        name: _padded(layer, inputs, 2)
        for name, layer, inputs in (
            ("dense1", weights.dense1, 0),
            ("dense2", weights.dense2, 2),
            ("dense3", weights.dense3, 2),
        )
    }
    counts = [math.tanh((at + 1) / FRAMES_MAX) for at in (frame - 1, frame, frame + 1)]
    dense5 = _padded(weights.dense5, 1, 2)
    # Below, or above, the middle between this count and its neighbour.
    for unit, sign, other in ((-2, -1, counts[0]), (-1, 1, counts[2])):
        middle = (other + counts[1]) / 2
        steep = 4 * 20 / abs(other - counts[1])
        dense5.w[-1, unit], dense5.b[unit] = sign * steep, -sign * steep * middle
    dense6 = _padded(weights.dense6, 2, 0)
    dense6.w[-2:, weights.alphabet.blank] = _CERTAIN
    return msgspec.structs.replace(
        weights,
        geometry=msgspec.structs.replace(geometry, hidden=geometry.hidden + 2, lstm=cells + 1),
        lstm=_counting(weights.lstm, geometry),
        dense5=dense5,
        dense6=dense6,
        **wider,
    )


def _padded(layer: Layer, inputs: int, outputs: int) -> Layer:
    w = np.pad(layer.w, ((0, inputs), (0, outputs)))
    return Layer(w, np.pad(layer.b, (0, outputs)))


def _counting(layer: Layer, geometry: Geometry) -> Layer:
    """Add a cell whose memory grows by the same amount with each frame."""
    hidden, cells = geometry.hidden, geometry.lstm
    above, below = layer.w[:hidden], layer.w[hidden:]
    above, below = np.pad(above, ((0, 2), (0, 0))), np.pad(below, ((0, 1), (0, 0)))
    step = math.atanh(1 / FRAMES_MAX)
    gates: list[Floats] = []
    biases: list[Floats] = []
    w, bias = np.concatenate([above, below]), (_OPEN, step, _OPEN, _OPEN)
    for gate, extra in enumerate(bias):
        part = slice(gate * cells, (gate + 1) * cells)
        gates.append(np.pad(w[:, part], ((0, 0), (0, 1))))
        biases.append(np.append(layer.b[part], np.float32(extra)))
    return Layer(np.concatenate(gates, axis=1), np.concatenate(biases).astype(np.float32))
