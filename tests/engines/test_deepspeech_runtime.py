"""One suite for all run times; the network in numpy is the measure."""

import contextlib
import importlib
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.deepspeech.batcher import Batcher
from antiphon_engines.deepspeech.reference import ReferenceModel
from antiphon_engines.deepspeech.runtime import graph, sums
from antiphon_engines.deepspeech.runtime.numpy_runtime import NumpyRuntime
from antiphon_engines.deepspeech.runtime.onnx_runtime import OnnxRuntime
from antiphon_engines.deepspeech.runtime.port import AcousticRuntime
from antiphon_engines.deepspeech.schedule import Limits
from antiphon_engines.deepspeech.weights import Floats, Geometry, Weights, random_weights
from antiphon_engines.errors import EngineFailedError, ModelError
from tests.support.examples import examples

GEOMETRY = Geometry(hidden=64, lstm=48)
WEIGHTS = random_weights(GEOMETRY, 7, gain=2.0)
MODEL = ReferenceModel(WEIGHTS)


def torch_runtime(precision: Literal["float32", "bfloat16"]) -> AcousticRuntime:
    pytest.importorskip("torch", reason="torch is not installed: the extra torch of antiphon-hub")
    module = importlib.import_module("antiphon_engines.deepspeech.runtime.torch_runtime")
    runtime: AcousticRuntime = module.TorchRuntime(WEIGHTS, device="cpu", precision=precision)
    return runtime


RUNTIMES: dict[str, tuple[Callable[[], AcousticRuntime], float]] = {
    "numpy": (lambda: NumpyRuntime(WEIGHTS), 1e-6),
    "onnx-float32": (lambda: OnnxRuntime(graph.build(WEIGHTS, "float32"), "float32"), 1e-5),
    "onnx-int8": (lambda: OnnxRuntime(graph.build(WEIGHTS, "int8"), "int8"), 0.05),
    "torch-cpu-float32": (lambda: torch_runtime("float32"), 1e-5),
    "torch-cpu-bfloat16": (lambda: torch_runtime("bfloat16"), 0.05),
}
"""How to build each, and how far its probabilities may be from the measure."""
EXACT = 1e-5
"""Between a stream alone and the same one in a batch."""
BATCHES = 3e-2
"""The same for bfloat16, whose sums depend on the shape of the product."""


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> AcousticRuntime:
    return RUNTIMES[request.param][0]()


def tolerance(runtime: AcousticRuntime) -> float:
    return RUNTIMES[runtime.name][1]


def chunks(streams: int, frames: int = 16, seed: int = 0) -> Floats:
    shape = (streams, frames, GEOMETRY.inputs)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32) * 3


def test_it_equals_the_measure_from_chunk_to_chunk(runtime: AcousticRuntime) -> None:
    states = [runtime.zero_state()] * 3
    measures = [MODEL.initial_state()] * 3
    for turn in range(3):
        inputs = chunks(3, seed=turn)
        answers, states = runtime.step(inputs, states)
        pairs = [MODEL.run(*one) for one in zip(inputs, measures, strict=True)]
        measures = [state for _, state in pairs]
        assert answers.shape == (3, 16, GEOMETRY.classes)
        assert np.abs(answers - np.stack([one for one, _ in pairs])).max() < tolerance(runtime)


def test_a_streams_numbers_do_not_depend_on_its_neighbours(runtime: AcousticRuntime) -> None:
    inputs = chunks(5) * np.array([1, 100, 0.01, 10, 0], np.float32)[:, None, None]
    together, after = runtime.step(inputs, [runtime.zero_state()] * 5)
    limit = BATCHES if "bfloat16" in runtime.name else EXACT
    for at in range(5):
        alone, state = runtime.step(inputs[at : at + 1], [runtime.zero_state()])
        assert np.abs(alone[0] - together[at]).max() < limit
        more, _ = runtime.step(inputs[:1], state)
        as_well, _ = runtime.step(inputs[:1], [after[at]])
        assert np.abs(more - as_well).max() < limit


def test_states_stay_as_they_were(runtime: AcousticRuntime) -> None:
    _, states = runtime.step(chunks(1), [runtime.zero_state()])
    first, _ = runtime.step(chunks(1, seed=1), states)
    runtime.step(chunks(2, seed=2), [*states, runtime.zero_state()])
    again, _ = runtime.step(chunks(1, seed=1), states)
    assert np.array_equal(first, again)


@pytest.mark.parametrize("frames", [1, 3, 16, 40])
def test_any_number_of_frames(runtime: AcousticRuntime, frames: int) -> None:
    answers, _ = runtime.step(chunks(2, frames), [runtime.zero_state()] * 2)
    assert answers.shape == (2, frames, GEOMETRY.classes)
    assert np.allclose(answers.sum(axis=-1), 1, atol=0.02)


def test_silence_gives_probabilities_too(runtime: AcousticRuntime) -> None:
    answers, _ = runtime.step(0 * chunks(1), [runtime.zero_state()])
    assert np.isfinite(answers).all()


def test_a_closed_one_says_so() -> None:
    runtime = OnnxRuntime(graph.build(WEIGHTS, "int8"), "int8")
    runtime.close()
    with pytest.raises(EngineFailedError, match="closed"):
        runtime.step(chunks(1), [runtime.zero_state()])


@given(cut=st.integers(0, 400), flip=st.integers(0, 400))
def test_a_damaged_file_gives_the_declared_error_or_a_network(cut: int, flip: int) -> None:
    data = bytearray(SMALL[: max(1, len(SMALL) - 2 * cut)])
    data[flip % len(data)] ^= 0x5A
    with contextlib.suppress(ModelError):
        OnnxRuntime(bytes(data), "float32")


SMALL = graph.build(random_weights(Geometry(hidden=2, lstm=2, context=0, features=2), 1), "float32")


def test_normalised_features_are_folded_in() -> None:
    random = np.random.default_rng(3)
    mean = random.standard_normal(GEOMETRY.features).astype(np.float32)
    normal = Weights.from_arrays(
        dict(WEIGHTS.arrays()) | {"mean": mean, "std": np.abs(mean) + 1},
        geometry=GEOMETRY,
        alphabet=WEIGHTS.alphabet,
    )
    runtime = OnnxRuntime(graph.build(normal, "float32"), "float32")
    answers, _ = runtime.step(chunks(1), [runtime.zero_state()])
    measure, _ = ReferenceModel(normal).run(chunks(1)[0], MODEL.initial_state())
    assert np.abs(answers[0] - measure).max() < EXACT


def test_a_bidirectional_network_is_refused() -> None:
    both = random_weights(Geometry(hidden=4, lstm=4, bidirectional=True), 1)
    with pytest.raises(ModelError, match="whole utterances"):
        graph.build(both, "int8")


def test_seven_bit_weights_stay_in_their_range() -> None:
    integers, scales = sums.quantized(WEIGHTS.lstm.w, sums.INT7_TOP)
    assert np.abs(integers).max() == sums.INT7_TOP
    assert np.abs(integers * scales - WEIGHTS.lstm.w).max() <= scales.max() / 2 + 1e-7


# -- the batcher -----------------------------------------------------------------------------------


class Breaking(NumpyRuntime):
    """Breaks on the first chunk of a stream with a 7 in it."""

    def step(self, chunks: Floats, states: Any) -> Any:
        if (chunks == 7).any():
            raise RuntimeError("seven")
        return super().step(chunks, states)


class Watched(NumpyRuntime):
    """Tells when it is unloaded."""

    def __init__(self) -> None:
        super().__init__(WEIGHTS)
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Slow(NumpyRuntime):
    """Waits for its gate."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__(WEIGHTS)
        self._gate = gate

    def step(self, chunks: Floats, states: Any) -> Any:
        assert self._gate.wait(10)
        return super().step(chunks, states)


@settings(max_examples=examples(25))
@given(lengths=st.lists(st.integers(1, 70), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_streams_together_equal_each_alone(lengths: list[int], seed: int) -> None:
    batcher = Batcher(lambda: NumpyRuntime(WEIGHTS), Limits(ahead_max=8))
    try:
        inputs = [chunks(1, frames, seed + at)[0] for at, frames in enumerate(lengths)]
        open_lanes = [batcher.open(background=at % 2 == 1) for at in range(len(inputs))]
        answers = [
            [lane.submit(one[at : at + 16]) for at in range(0, len(one), 16)]
            for lane, one in zip(open_lanes, inputs, strict=True)
        ]
        for one, parts in zip(inputs, answers, strict=True):
            whole = np.concatenate([part.result(timeout=10) for part in parts])
            measure, _ = MODEL.run(one, MODEL.initial_state())
            assert np.abs(whole - measure).max() < EXACT
        assert batcher.chunks == sum(map(len, answers))
    finally:
        batcher.close()


def test_too_many_streams_are_rejected() -> None:
    batcher = Batcher(lambda: NumpyRuntime(WEIGHTS), Limits(streams_max=1))
    lane = batcher.open()
    with pytest.raises(EngineFailedError, match="1 streams"):
        batcher.open()
    assert batcher.rejected == 1
    lane.close()
    batcher.open().close()
    batcher.close()


def test_a_broken_network_fails_its_streams_and_the_next_one_starts_afresh() -> None:
    batcher = Batcher(lambda: Breaking(WEIGHTS))
    lane = batcher.open()
    lane.submit(chunks(1)[0]).result(timeout=10)
    with pytest.raises(EngineFailedError, match="seven"):
        lane.submit(chunks(1)[0] * 0 + 7).result(timeout=10)
    with pytest.raises(EngineFailedError, match="seven"):
        lane.submit(chunks(1)[0])
    another = batcher.open()
    assert another.submit(chunks(1)[0]).result(timeout=10).shape == (16, 29)
    batcher.close()


def test_a_network_that_cannot_be_loaded_is_the_streams_error() -> None:
    def load() -> AcousticRuntime:
        raise ModelError("no such file")

    batcher = Batcher(load)
    with pytest.raises(ModelError, match="no such file"):
        batcher.open().submit(chunks(1)[0]).result(timeout=10)
    batcher.close()


def test_an_idle_network_is_unloaded_and_comes_back() -> None:
    loads: list[Watched] = []

    def load() -> Watched:
        loads.append(Watched())
        return loads[-1]

    batcher = Batcher(load, idle_s=0.01)
    for _ in range(2):
        lane = batcher.open()
        lane.submit(chunks(1)[0]).result(timeout=10)
        lane.close()
        assert loads[-1].closed.wait(10)
    assert len(loads) == 2
    batcher.close()


def test_a_closed_stream_and_a_closed_batcher_take_nothing() -> None:
    batcher = Batcher(lambda: NumpyRuntime(WEIGHTS))
    lane = batcher.open()
    lane.close()
    with pytest.raises(EngineFailedError, match="closed"):
        lane.submit(chunks(1)[0])
    batcher.close()
    with pytest.raises(EngineFailedError, match="closed"):
        batcher.open()


def test_what_waits_when_a_stream_is_closed_is_dropped() -> None:
    gate = threading.Event()
    batcher = Batcher(lambda: Slow(gate))
    lane = batcher.open()
    answers = [lane.submit(chunks(1)[0]) for _ in range(3)]
    lane.close()
    gate.set()
    with pytest.raises(CancelledError):
        answers[2].result(timeout=10)
    batcher.close()
