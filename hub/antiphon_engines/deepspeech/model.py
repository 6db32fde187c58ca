"""The network in torch: for training, for GPUs, and as a second opinion on the others.

Source: Hannun et al. 2014 (arXiv:1412.5567); with an LSTM for its recurrent layer, and that one
forward only, so that it can stream: Mozilla DeepSpeech 0.9, `train.py` (`create_model`).
"""

from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.weights import RELU_CLIP, Floats, Geometry, Layer, Weights
from antiphon_engines.errors import ModelError

State = tuple[Tensor, Tensor]
"""What the LSTM carries from one chunk to the next, [batch, cells] each: memory, last output."""

_GATES = (0, 2, 1, 3)
"""Our gates (input, cell, forget, output) in torch's order, which swaps the middle two; or back."""


class Network(nn.Module):
    """Dense layers 1 to 3, an LSTM, dense layers 5 and 6; layers 1, 2, 3 and 5 are cut to 0..20.

    Args:
        geometry: Its sizes; `bidirectional` adds an LSTM that reads each utterance backwards.
        dropout: Share of the dense layers' outputs that training leaves out.
    """

    def __init__(self, geometry: Geometry, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.geometry = geometry
        hidden, cells = geometry.hidden, geometry.lstm
        self.dense1 = nn.Linear(geometry.inputs, hidden)
        self.dense2 = nn.Linear(hidden, hidden)
        self.dense3 = nn.Linear(hidden, hidden)
        self.lstm = nn.LSTM(hidden, cells, batch_first=True, bidirectional=geometry.bidirectional)
        self.dense5 = nn.Linear(cells * (2 if geometry.bidirectional else 1), hidden)
        self.dense6 = nn.Linear(hidden, geometry.classes)
        self.dropout = nn.Dropout(dropout)
        times = 2 * geometry.context + 1
        self.register_buffer("mean", torch.zeros(times * geometry.features))
        self.register_buffer("std", torch.ones(times * geometry.features))

    def forward(
        self, chunks: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Return what chunks of several streams sound like, and the streams' states after them.

        Args:
            chunks: Frames in their context, [batch, frames, geometry.inputs]; see ContextStream.
            state: After the streams' chunks before; None at their begin.
            lengths: Frames of each stream, [batch], where some have fewer; a bidirectional network
                reads backwards from there. None: all have all.

        Returns:
            Logits [batch, frames, classes], before the softmax; and the state, of the forward LSTM
            [batch, cells] each, or of both [batch, 2 * cells].

        Raises:
            ModelError: a bidirectional network was given a state: it cannot stream.
        """
        x = (chunks - self.mean) / self.std
        for layer in (self.dense1, self.dense2, self.dense3):
            x = self._clipped(layer(x))
        heard, state = self._recur(x, state, lengths)
        return self.dense6(self._clipped(self.dense5(heard))), state

    def probabilities(self, chunks: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return as `forward` does, after the softmax: [batch, frames, classes]."""
        logits, state = self(chunks, state)
        return logits.float().softmax(dim=-1), state

    def zero_state(self, batch: int = 1) -> State:
        """Return the state before the first chunk."""
        zeros = self.dense1.weight.new_zeros(batch, self.geometry.lstm)
        return zeros, zeros

    @classmethod
    def from_weights(cls, weights: Weights, *, dropout: float = 0.0) -> Self:
        """Build the network that has learned these weights, on the CPU, float32."""
        network = cls(weights.geometry, dropout=dropout)
        with torch.no_grad():
            for name in ("dense1", "dense2", "dense3", "dense5", "dense6"):
                layer, linear = getattr(weights, name), getattr(network, name)
                linear.weight.copy_(_tensor(layer.w.T))
                linear.bias.copy_(_tensor(layer.b))
            network._set_lstm(weights.lstm, "")
            if weights.lstm_backward is not None:
                network._set_lstm(weights.lstm_backward, "_reverse")
            if weights.mean is not None and weights.std is not None:
                network.normalise(weights.mean, weights.std)
        return network

    def normalise(self, mean: Floats, std: Floats) -> None:
        """Take features of this mean and deviation, [features] each."""
        times = 2 * self.geometry.context + 1
        with torch.no_grad():
            self.mean.copy_(_tensor(np.tile(mean, times)))
            self.std.copy_(_tensor(np.tile(std, times)))

    def to_weights(
        self, alphabet: Alphabet, *, beam_width: int = 500, language: str = ""
    ) -> Weights:
        """Return what the network has learned.

        Raises:
            ModelError: it is not for this alphabet, or training has made it NaN.
        """
        arrays: dict[str, Floats] = {}
        for name in ("dense1", "dense2", "dense3", "dense5", "dense6"):
            linear = getattr(self, name)
            arrays |= {f"{name}.w": _array(linear.weight.T), f"{name}.b": _array(linear.bias)}
        for name, suffix in (("lstm", ""), ("lstm_backward", "_reverse")):
            if not suffix or self.geometry.bidirectional:
                layer = self._get_lstm(suffix)
                arrays |= {f"{name}.w": layer.w, f"{name}.b": layer.b}
        features = self.geometry.features
        arrays |= {"mean": _array(self.mean[:features]), "std": _array(self.std[:features])}
        return Weights.from_arrays(
            arrays,
            geometry=self.geometry,
            alphabet=alphabet,
            beam_width=beam_width,
            language=language,
        )

    def _clipped(self, x: Tensor) -> Tensor:
        return self.dropout(x.clamp(0.0, RELU_CLIP))

    def _recur(
        self, x: Tensor, state: State | None, lengths: Tensor | None
    ) -> tuple[Tensor, State]:
        """Return [batch, frames, cells] of [batch, frames, hidden], and the state."""
        if state is not None and self.geometry.bidirectional:
            raise ModelError("a bidirectional network hears only whole utterances")
        before = None if state is None else (state[1][None], state[0][None])
        if lengths is None:
            heard, (h, c) = self.lstm(x, before)
        else:
            packed = nn.utils.rnn.pack_padded_sequence(
                x, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            packed, (h, c) = self.lstm(packed, before)
            heard, _ = nn.utils.rnn.pad_packed_sequence(
                packed, batch_first=True, total_length=x.shape[1]
            )
        c, h = (one.transpose(0, 1).flatten(1) for one in (c, h))
        return heard, (c, h)

    def _set_lstm(self, layer: Layer, suffix: str) -> None:
        hidden = self.geometry.hidden
        w, b = _regated(layer.w), _regated(layer.b[None])[0]
        getattr(self.lstm, f"weight_ih_l0{suffix}").copy_(_tensor(w[:hidden].T))
        getattr(self.lstm, f"weight_hh_l0{suffix}").copy_(_tensor(w[hidden:].T))
        getattr(self.lstm, f"bias_ih_l0{suffix}").copy_(_tensor(b))
        getattr(self.lstm, f"bias_hh_l0{suffix}").zero_()

    def _get_lstm(self, suffix: str) -> Layer:
        parts = [_array(getattr(self.lstm, f"{name}_l0{suffix}")) for name in _LSTM]
        w = np.concatenate([parts[0], parts[1]], axis=1).T
        return Layer(_regated(w), _regated((parts[2] + parts[3])[None])[0])


_LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _regated(array: Floats) -> Floats:
    """Return the array with its columns' gates in the other one's order."""
    gates = np.split(array, len(_GATES), axis=1)
    return np.ascontiguousarray(np.concatenate([gates[gate] for gate in _GATES], axis=1))


def _tensor(array: Floats) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().float().cpu().numpy()
    return np.ascontiguousarray(array)
