"""The network in plain numpy: what every other run time must equal, and what runs without one.

Source: Hannun et al. 2014 (arXiv:1412.5567) with the LSTM of Mozilla DeepSpeech 0.9's releases.
"""

from typing import Final, Self

import msgspec
import numpy as np

from antiphon_engines.deepspeech.features import ContextStream, Samples, features, inputs
from antiphon_engines.deepspeech.weights import RELU_CLIP, Floats, Layer, Weights
from antiphon_engines.errors import ModelError

_BLOCK_FRAMES: Final = 512
"""Frames computed at once: what a layer makes of hours of audio would take gigabytes."""


class State(msgspec.Struct, frozen=True):
    """What the LSTM carries from one chunk of a stream to the next."""

    c: Floats
    """[cells], the memory."""
    h: Floats
    """[cells], its last output."""

    @classmethod
    def zero(cls, cells: int) -> Self:
        """Return the state before the first chunk."""
        return cls(np.zeros(cells, np.float32), np.zeros(cells, np.float32))


class ReferenceModel:
    """The network for one stream at a time; the same numbers for any division into chunks."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights.folded()
        self.geometry = weights.geometry

    def initial_state(self) -> State:
        """Return the state before the first chunk."""
        return State.zero(self.geometry.lstm)

    def run(self, chunk: Floats, state: State) -> tuple[Floats, State]:
        """Return what a chunk of a stream sounds like, and the state after it.

        Args:
            chunk: Frames in their context, float32 [frames, geometry.inputs]; see ContextStream.
            state: After the chunk before.

        Returns:
            Probabilities of the classes, float32 [frames, classes], and the state.

        Raises:
            ModelError: a bidirectional network cannot stream.
        """
        if self.weights.lstm_backward is not None:
            raise ModelError("a bidirectional network hears only whole utterances; use `whole`")
        heard, state = _lstm(self._below(chunk), self.weights.lstm, state)
        return self._above(heard), state

    def whole(self, pcm: Samples) -> Floats:
        """Return the probabilities of a whole utterance: float32 [frames, classes]."""
        if self.weights.lstm_backward is not None:
            return self._both_ways(inputs(pcm, self.geometry), self.weights.lstm_backward)
        frames, context = features(pcm, self.geometry), ContextStream(self.geometry)
        state, parts = self.initial_state(), []
        for at in range(0, len(frames), _BLOCK_FRAMES):
            heard, state = self.run(context.push(frames[at : at + _BLOCK_FRAMES]), state)
            parts.append(heard)
        return np.concatenate([*parts, self.run(context.finish(), state)[0]])

    def _both_ways(self, whole: Floats, layer: Layer) -> Floats:
        below = self._below(whole)
        forward, _ = _lstm(below, self.weights.lstm, self.initial_state())
        backward, _ = _lstm(below[::-1], layer, self.initial_state())
        return self._above(np.concatenate([forward, backward[::-1]], axis=1))

    def _below(self, chunk: Floats) -> Floats:
        for layer in (self.weights.dense1, self.weights.dense2, self.weights.dense3):
            chunk = _dense(chunk, layer)
        return chunk

    def _above(self, heard: Floats) -> Floats:
        logits = _dense(heard, self.weights.dense5) @ self.weights.dense6.w + self.weights.dense6.b
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: Floats = shares / shares.sum(axis=1, keepdims=True)
        return probabilities


def _dense(x: Floats, layer: Layer) -> Floats:
    clipped: Floats = np.clip(x @ layer.w + layer.b, 0, RELU_CLIP)
    return clipped


def _lstm(x: Floats, layer: Layer, state: State) -> tuple[Floats, State]:
    """Return [frames, cells] of [frames, inputs], and the state after them."""
    width = x.shape[1]
    # All inputs at once; only the recurrent part has to go step by step.
    inputs_part, recurrent = x @ layer.w[:width] + layer.b, layer.w[width:]
    c, h = state.c, state.h
    heard = np.empty((len(x), len(h)), np.float32)
    for at, part in enumerate(inputs_part):
        i, g, f, o = np.split(part + h @ recurrent, 4)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        h = heard[at] = _sigmoid(o) * np.tanh(c)
    return heard, State(c, h.copy())


def _sigmoid(x: Floats) -> Floats:
    half: Floats = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * x))
    return half
