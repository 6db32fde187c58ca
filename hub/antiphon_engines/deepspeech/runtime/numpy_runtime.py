"""The network in numpy: slow, everywhere, and what the other run times are held to."""

from collections.abc import Sequence

import numpy as np

from antiphon_engines.deepspeech.reference import ReferenceModel, State
from antiphon_engines.deepspeech.weights import Floats, Weights
from antiphon_engines.errors import ModelError


class NumpyRuntime:
    """See AcousticRuntime.

    Raises:
        ModelError: a bidirectional network cannot stream.
    """

    name = "numpy"

    def __init__(self, weights: Weights) -> None:
        if weights.lstm_backward is not None:
            raise ModelError("a bidirectional network hears only whole utterances")
        self.geometry = weights.geometry
        self._model = ReferenceModel(weights)

    def zero_state(self) -> State:
        """See AcousticRuntime.zero_state."""
        return self._model.initial_state()

    def step(self, chunks: Floats, states: Sequence[State]) -> tuple[Floats, list[State]]:
        """See AcousticRuntime.step."""
        pairs = [self._model.run(*one) for one in zip(chunks, states, strict=True)]
        return np.stack([answer for answer, _ in pairs]), [state for _, state in pairs]

    def close(self) -> None:
        """See AcousticRuntime.close."""
