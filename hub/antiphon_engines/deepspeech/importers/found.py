"""What an importer found in a file, and how that becomes our weights.

The names are those of Mozilla DeepSpeech 0.9 and Coqui STT 1.x, which are the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.weights import RELU_CLIP, Floats, Geometry, Weights
from antiphon_engines.errors import ModelError

FILE_BYTES_MAX: Final = 1024**3
"""A model file; the largest released ones have 190 MB."""
_CELL: Final = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"
NAMES: Final = {
    "dense1.w": "layer_1/weights",
    "dense1.b": "layer_1/bias",
    "dense2.w": "layer_2/weights",
    "dense2.b": "layer_2/bias",
    "dense3.w": "layer_3/weights",
    "dense3.b": "layer_3/bias",
    "lstm.w": f"{_CELL}/kernel",
    "lstm.b": f"{_CELL}/bias",
    "dense5.w": "layer_5/weights",
    "dense5.b": "layer_5/bias",
    "dense6.w": "layer_6/weights",
    "dense6.b": "layer_6/bias",
}
"""Our arrays' names to theirs."""
LAYER_NORM: Final = "layer_1/LayerNorm/gamma"
"""A variable that only networks with layer normalisation have."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A model file's content."""

    arrays: Mapping[str, Floats]
    """By our names."""
    alphabet: Alphabet
    sample_rate_hz: int = 16_000
    window_ms: int = 32
    step_ms: int = 20
    features: int = 26
    beam_width: int = 500
    language: str = ""
    forget_bias: float = 0.0
    """Added to the forget gate's bias; ours has it in the bias."""
    relu_clip: float = RELU_CLIP

    def weights(self) -> Weights:
        """Return the network.

        Raises:
            ModelError: the content does not fit together, or needs what we do not compute.
        """
        if self.relu_clip != RELU_CLIP:
            raise ModelError(
                f"the network cuts its layers' outputs at {self.relu_clip:g}; only networks that "
                f"cut at {RELU_CLIP:g} can be used"
            )
        arrays = dict(self.arrays)
        if missing := [name for name in NAMES if name not in arrays]:
            raise ModelError(
                f"the file has no {NAMES[missing[0]]}; "
                "it is no DeepSpeech 0.9 or Coqui STT 1.x model"
            )
        cells = self._widths(arrays)
        if self.forget_bias:
            bias = arrays["lstm.b"].copy()
            bias[2 * cells : 3 * cells] += self.forget_bias
            arrays["lstm.b"] = bias
        try:
            return Weights.from_arrays(
                arrays,
                geometry=self._geometry(arrays, cells),
                alphabet=self.alphabet,
                beam_width=min(max(1, self.beam_width), 65_536),
                language=self.language[:64],
            )
        except msgspec.ValidationError as error:
            raise ModelError(f"the network's sizes cannot be: {error}") from None

    def _widths(self, arrays: Mapping[str, Floats]) -> int:
        """Check that the arrays are matrices and vectors; return the number of cells."""
        for name, array in arrays.items():
            if array.ndim != (2 if name.endswith(".w") else 1):
                raise ModelError(f"{NAMES.get(name, name)} has {array.ndim} dimensions")
        return len(arrays["lstm.b"]) // 4

    def _geometry(self, arrays: Mapping[str, Floats], cells: int) -> Geometry:
        inputs = arrays["dense1.w"].shape[0]
        context, rest = divmod(inputs // max(1, self.features) - 1, 2)
        if rest or (2 * context + 1) * self.features != inputs:
            raise ModelError(
                f"the first layer takes {inputs} numbers, which are no context of frames of "
                f"{self.features} features"
            )
        return msgspec.convert(
            {
                "sample_rate_hz": self.sample_rate_hz,
                # As Mozilla's library computes them, so that the windows are the same ones.
                "window_samples": int(self.sample_rate_hz * (self.window_ms / 1000)),
                "step_samples": int(self.sample_rate_hz * (self.step_ms / 1000)),
                "features": self.features,
                "context": context,
                "hidden": arrays["dense1.w"].shape[1],
                "lstm": cells,
                "classes": arrays["dense6.w"].shape[1],
            },
            Geometry,
        )


def read_file(path: Path) -> memoryview:
    """Return the bytes of a model file.

    Raises:
        ModelError: it cannot be read, or is too large.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes <= FILE_BYTES_MAX:
            # Mapped, not read: most of it is weights, which are copied once.
            return np.memmap(path, np.uint8, "r").data if size_bytes else memoryview(b"")
    except OSError as error:
        raise ModelError(f"model {path}: {error.strerror or error}") from None
    raise ModelError(f"model {path} has {size_bytes} bytes; {FILE_BYTES_MAX} are the limit")
