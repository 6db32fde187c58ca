"""The network on ONNX Runtime: int8 is the fastest on CPUs, and needs no torch."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import onnxruntime

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.runtime.graph import Meta, Precision
from antiphon_engines.deepspeech.weights import Floats
from antiphon_engines.errors import EngineFailedError, ModelError

_ERRORS_ONLY: Final = 3
_ROWS_AT_ONCE: Final = 128
"""So many keep the products busy; what lies between two layers still fits a core's cache."""
_OUTPUTS: Final = ["probabilities", "c_after", "h_after"]


class _State(NamedTuple):
    c: Floats
    """[cells]"""
    h: Floats


class OnnxRuntime:
    """See AcousticRuntime.

    Args:
        model: What `graph.build` returned.
        precision: For the name alone.
        threads: 1 unless the machine has nothing else to do: two that wait for a busy core are
            slower than one.

    Raises:
        ModelError: damaged, or not one of ours.
    """

    def __init__(self, model: bytes, precision: Precision, *, threads: int = 1) -> None:
        self.name = f"onnx-{precision}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # A thread that spins between two chunks takes the core from who decodes.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
            meta = self._session.get_modelmeta().custom_metadata_map
            self._meta = msgspec.json.decode(meta["antiphon"], type=Meta)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime raises many kinds, all of its own
            raise ModelError(f"not a network of ours: {_brief(error)}") from None
        self.geometry = self._meta.geometry
        self.alphabet = Alphabet.unpack(self._meta.alphabet)
        self.beam_width = self._meta.beam_width
        self.language = self._meta.language

    def zero_state(self) -> _State:
        """See AcousticRuntime.zero_state."""
        zero = np.zeros(self.geometry.lstm, np.float32)
        return _State(zero, zero)

    def step(self, chunks: Floats, states: Sequence[_State]) -> tuple[Floats, list[_State]]:
        """See AcousticRuntime.step."""
        streams = len(chunks)
        if self._session is None:
            raise EngineFailedError(f"{self.name}: the network was closed")
        c = np.stack([state.c for state in states])
        h = np.stack([state.h for state in states])
        parts = []
        at_once = max(1, _ROWS_AT_ONCE // streams)
        for at in range(0, chunks.shape[1], at_once):
            part, c, h = self._run(chunks[:, at : at + at_once], c, h)
            parts.append(part)
        # Copied: a view would keep the whole batch alive for as long as one of its streams.
        after = [_State(c[at].copy(), h[at].copy()) for at in range(streams)]
        return np.concatenate(parts, axis=1), after

    def _run(self, chunks: Floats, c: Floats, h: Floats) -> tuple[Floats, Floats, Floats]:
        streams, frames, inputs = chunks.shape
        feed = {
            # Frame by frame, as the LSTM takes them.
            "chunks": chunks.transpose(1, 0, 2).reshape(frames * streams, inputs),
            "gates_shape": np.asarray([frames, streams, 4 * self.geometry.lstm], np.int64),
            "c": c,
            "h": h,
        }
        try:
            flat, c, h = self._session.run(_OUTPUTS, feed)
        except Exception as error:  # noqa: BLE001 - as above
            raise EngineFailedError(f"{self.name}: {_brief(error)}") from None
        return flat.reshape(frames, streams, -1).transpose(1, 0, 2), c, h

    def close(self) -> None:
        """See AcousticRuntime.close."""
        self._session = None


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
