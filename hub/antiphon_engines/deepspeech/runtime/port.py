"""The port of what computes the network, for many streams at once."""

from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeAlias

from antiphon_engines.deepspeech.weights import Floats, Geometry

State: TypeAlias = Any
"""What a run time keeps of a stream between its chunks; only that run time looks inside."""

CHUNK_FRAMES: Final = 16
"""Frames of a full chunk (320 ms), as the released models have it."""
BATCH_MAX: Final = 64
"""Streams computed at once: it bounds memory, and one matrix product gains no more from more."""


class AcousticRuntime(Protocol):
    """A network ready to run; one thread at a time."""

    name: str
    """Of the kind and precision, for traces: `onnx-int8`."""
    geometry: Geometry

    def zero_state(self) -> State:
        """Return the state before a stream's first chunk."""
        ...

    def step(self, chunks: Floats, states: Sequence[State]) -> tuple[Floats, list[State]]:
        """Return what the chunks sound like, and the streams' states after them.

        A stream's numbers depend neither on the others in its batch nor on their number.

        Args:
            chunks: Frames in their context, float32 [streams, frames, geometry.inputs].
            states: One a stream; they stay valid and unchanged.

        Returns:
            Probabilities, float32 [streams, frames, geometry.classes], and the new states.

        Raises:
            EngineFailedError: it cannot compute, here or now.
        """
        ...

    def close(self) -> None:
        """Free the network."""
        ...
