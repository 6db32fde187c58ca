"""The network in torch: on a GPU in half precision and as CUDA graphs; on CPUs for comparison."""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import torch

from antiphon_engines.deepspeech.model import Network
from antiphon_engines.deepspeech.runtime.port import CHUNK_FRAMES
from antiphon_engines.deepspeech.weights import Floats, Weights
from antiphon_engines.errors import EngineFailedError, EngineMissingError, ModelError

_WARM_UPS: Final = 3
"""Runs before a CUDA graph is recorded, as torch's documentation asks."""


class _State(NamedTuple):
    c: torch.Tensor
    """[cells], on the device."""
    h: torch.Tensor


class _Graph(NamedTuple):
    """A recorded computation, with the memory that it reads and writes."""

    graph: Any
    inputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    outputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class TorchRuntime:
    """See AcousticRuntime.

    On CUDA a batch is filled up to a power of two, and a full chunk of each such size is recorded
    once as a graph: a chunk's thousand small kernels then start at once.

    Raises:
        EngineMissingError: no such device here.
        ModelError: a bidirectional network cannot stream.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        device: Literal["cpu", "cuda"],
        precision: Literal["float32", "bfloat16", "float16"],
        threads: int = 1,
    ) -> None:
        if weights.lstm_backward is not None:
            raise ModelError("a bidirectional network hears only whole utterances")
        if device == "cuda" and not torch.cuda.is_available():
            raise EngineMissingError("deepspeech: torch sees no CUDA device here; device = 'cpu'")
        if device == "cpu":
            torch.set_num_threads(threads)
        self.name = f"torch-{device}-{precision}"
        self.geometry = weights.geometry
        self._device = torch.device(device)
        self._dtype: torch.dtype = getattr(torch, precision)
        self._network: Network | None = Network.from_weights(weights.folded())
        self._network.to(self._device, self._dtype).eval()
        self._graphs: dict[int, _Graph] = {}

    def zero_state(self) -> _State:
        """See AcousticRuntime.zero_state."""
        zero = torch.zeros(self.geometry.lstm, device=self._device, dtype=self._dtype)
        return _State(zero, zero)

    def step(self, chunks: Floats, states: Sequence[_State]) -> tuple[Floats, list[_State]]:
        """See AcousticRuntime.step."""
        try:
            with torch.inference_mode():
                return self._step(chunks, states)
        except RuntimeError as error:
            raise EngineFailedError(f"{self.name}: {str(error).splitlines()[0]}") from None

    def close(self) -> None:
        """See AcousticRuntime.close."""
        self._graphs.clear()
        self._network = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _step(self, chunks: Floats, states: Sequence[_State]) -> tuple[Floats, list[_State]]:
        streams, frames, _ = chunks.shape
        x = torch.from_numpy(np.ascontiguousarray(chunks)).to(self._device, self._dtype)
        c = torch.stack([state.c for state in states])
        h = torch.stack([state.h for state in states])
        compute = self._compute
        if self._device.type == "cuda" and frames == CHUNK_FRAMES:
            compute = self._replay
        answers, c, h = compute(x, c, h)
        # Cloned: a view would keep the whole batch for as long as one of its streams, and a
        # recorded graph writes its outputs into the same memory each time.
        after = [_State(c[at].clone(), h[at].clone()) for at in range(streams)]
        return answers[:streams].cpu().numpy(), after

    def _compute(
        self, x: torch.Tensor, c: torch.Tensor, h: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if self._network is None:
            raise EngineFailedError(f"{self.name}: the network was closed")
        answers, (c, h) = self._network.probabilities(x, (c, h))
        return answers, c, h

    def _replay(
        self, x: torch.Tensor, c: torch.Tensor, h: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        streams = len(x)
        size = 1 << (streams - 1).bit_length()
        if size not in self._graphs:
            self._graphs[size] = self._record(size)
        graph = self._graphs[size]
        for memory, given in zip(graph.inputs, (x, c, h), strict=True):
            memory[:streams].copy_(given)
        graph.graph.replay()
        return graph.outputs

    def _record(self, size: int) -> _Graph:
        shapes = [
            (CHUNK_FRAMES, self.geometry.inputs),
            (self.geometry.lstm,),
            (self.geometry.lstm,),
        ]
        x, c, h = (
            torch.zeros(size, *shape, device=self._device, dtype=self._dtype) for shape in shapes
        )
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._compute(x, c, h)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._compute(x, c, h)
        return _Graph(graph, (x, c, h), outputs)
