"""Writes `.pb` and `.pbmm` files that Mozilla's libdeepspeech 0.9 runs.

It has only the TensorFlow kernels that the released graphs need, so this graph uses no others.
Source: Mozilla DeepSpeech 0.9, `train.py` (`create_inference_graph`, `export`),
`native_client/{tfmodelstate.cc,BUILD}`; TensorFlow 2.3, `core/framework/graph.proto`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.exporters.wire import block, integer, real, text
from antiphon_engines.deepspeech.importers.found import NAMES
from antiphon_engines.deepspeech.importers.graph import FLOAT, INT32, PACKAGE_GRAPH, STRING
from antiphon_engines.deepspeech.weights import RELU_CLIP, Weights
from antiphon_engines.errors import ModelError

STEPS: Final = 16
"""Frames that the library computes at once."""
GRAPH_VERSION: Final = 6
"""What libdeepspeech 0.9 and libstt 1.x ask for."""
_INT64: Final = 9
_PRODUCER: Final = 134
"""Version of TensorFlow 1.15's graphs, which the released models were made by."""
_ALIGNMENT_BYTES: Final = 64
_MAPPED_BYTES_MIN: Final = 10_000
"""Smaller constants stay in the graph, as TensorFlow's own tool leaves them."""
_PREFIX: Final = "memmapped_package://"


def export_pb(weights: Weights, path: Path) -> None:
    """Write the network as a frozen graph.

    Raises:
        ModelError: a bidirectional network, which the library cannot run.
    """
    path.write_bytes(_Graph().build(weights))


def export_pbmm(weights: Weights, path: Path) -> None:
    """Write the network as a memory-mapped package.

    Raises:
        ModelError: a bidirectional network, which the library cannot run.
    """
    graph = _Graph(package=True)
    graph.regions.append((PACKAGE_GRAPH, graph.build(weights)))
    with path.open("wb") as file:
        directory = b""
        for name, data in graph.regions:
            file.write(bytes(-file.tell() % _ALIGNMENT_BYTES))
            directory += block(1, integer(1, file.tell()) + text(2, name) + integer(3, len(data)))
            file.write(data)
        end = file.tell()
        file.write(directory + end.to_bytes(8, "little"))


def metadata(weights: Weights) -> dict[str, int | bytes]:
    """Return what the libraries read from a model file beside the network."""
    geometry = weights.geometry
    values: dict[str, int | bytes] = {
        "metadata_version": GRAPH_VERSION,
        "metadata_sample_rate": geometry.sample_rate_hz,
        "metadata_feature_win_len": _ms(geometry.window_samples, geometry.sample_rate_hz),
        "metadata_feature_win_step": _ms(geometry.step_samples, geometry.sample_rate_hz),
        "metadata_beam_width": weights.beam_width,
        "metadata_alphabet": weights.alphabet.pack(),
    }
    return values | ({"metadata_language": weights.language.encode()} if weights.language else {})


def exportable(weights: Weights) -> Weights:
    """Return the network without normalisation, which the libraries do not know.

    Raises:
        ModelError: it is bidirectional.
    """
    if weights.lstm_backward is not None:
        raise ModelError("a bidirectional network cannot stream; Mozilla's library cannot run it")
    return weights.folded()


def _ms(samples: int, rate_hz: int) -> int:
    length_ms, rest = divmod(1000 * samples, rate_hz)
    if rest:
        raise ModelError(f"{samples} samples at {rate_hz} Hz are no whole milliseconds")
    return length_ms


class _Graph:
    """Nodes in the order in which they were added; each is named by its output."""

    def __init__(self, *, package: bool = False) -> None:
        self._package = package
        self._nodes: list[bytes] = []
        self.regions: list[tuple[str, bytes]] = []

    def build(self, weights: Weights) -> bytes:
        """Return the graph of the network."""
        weights = exportable(weights)
        for ours, array in weights.arrays():
            self._constant(NAMES[ours], array)
        for name, value in metadata(weights).items():
            self._constant(name, value if isinstance(value, bytes) else np.array([value], np.int32))
        self._features(weights)
        self._network(weights)
        nodes = b"".join(block(1, node) for node in self._nodes)
        return nodes + block(4, integer(1, _PRODUCER))

    def _features(self, weights: Weights) -> None:
        geometry = weights.geometry
        self._placeholder("input_samples", (geometry.window_samples,))
        samples = self._expand("samples", "input_samples", -1)
        spectrogram = self._node(
            "AudioSpectrogram",
            "AudioSpectrogram",
            (samples,),
            window_size=integer(3, geometry.window_samples),
            stride=integer(3, geometry.step_samples),
            magnitude_squared=integer(5, 1),
        )
        rate = self._constant("Mfcc/sample_rate", np.array(geometry.sample_rate_hz, np.int32))
        mfcc = self._node(
            "Mfcc",
            "Mfcc",
            (spectrogram, rate),
            upper_frequency_limit=real(4, geometry.sample_rate_hz / 2),
            lower_frequency_limit=real(4, 20),
            filterbank_channel_count=integer(3, 40),
            dct_coefficient_count=integer(3, geometry.features),
        )
        self._node("Identity", "mfccs", (mfcc,), T=_FLOATS)

    def _network(self, weights: Weights) -> None:
        geometry = weights.geometry
        frame = (2 * geometry.context + 1, geometry.features)
        self._placeholder("input_node", (1, STEPS, *frame))
        self._placeholder("input_lengths", (1,), INT32)
        for state in ("previous_state_c", "previous_state_h"):
            self._placeholder(state, (1, geometry.lstm))
        order = self._constant("transpose/perm", np.array([1, 0, 2, 3], np.int32))
        steps = self._node("Transpose", "transpose", ("input_node", order), T=_FLOATS, Tperm=_INTS)
        x = self._reshape("Reshape", steps, (-1, geometry.inputs))
        for number in (1, 2, 3):
            x = self._dense(number, x)
        steps = self._reshape("Reshape_1", x, (-1, 1, geometry.hidden))
        heard = self._lstm(steps, geometry.lstm)
        x = self._dense(5, self._reshape("Reshape_2", heard, (-1, geometry.lstm)))
        x = self._affine(6, x)
        raw = self._reshape("raw_logits", x, (-1, 1, geometry.classes))
        self._node("Softmax", "logits", (raw,), T=_FLOATS)

    def _affine(self, number: int, x: str) -> str:
        name = f"layer_{number}"
        product = self._node(
            "MatMul",
            f"{name}/MatMul",
            (x, f"{name}/weights"),
            T=_FLOATS,
            transpose_a=integer(5, 0),
            transpose_b=integer(5, 0),
        )
        return self._node(
            "BiasAdd",
            f"{name}/BiasAdd",
            (product, f"{name}/bias"),
            T=_FLOATS,
            data_format=text(2, "NHWC"),
        )

    def _dense(self, number: int, x: str) -> str:
        name = f"layer_{number}"
        positive = self._node("Relu", f"{name}/Relu", (self._affine(number, x),), T=_FLOATS)
        clip = self._constant(f"{name}/Minimum/y", np.array(RELU_CLIP, np.float32))
        return self._node("Minimum", f"{name}/Minimum", (positive, clip), T=_FLOATS)

    def _lstm(self, x: str, cells: int) -> str:
        axis = self._constant("Max/axis", np.array([0], np.int32))
        longest = self._node(
            "Max", "Max", ("input_lengths", axis), T=_INTS, Tidx=_INTS, keep_dims=integer(5, 0)
        )
        longest = self._node(
            "Cast", "Cast", (longest,), SrcT=_INTS, DstT=integer(6, _INT64), Truncate=integer(5, 0)
        )
        peephole = self._constant("zeros", np.zeros(cells, np.float32))
        states = ("previous_state_c", "previous_state_h")
        learned = (NAMES["lstm.w"], peephole, peephole, peephole, NAMES["lstm.b"])
        lstm = self._node(
            "BlockLSTM",
            "BlockLSTM",
            (longest, x, *states, *learned),
            T=_FLOATS,
            forget_bias=real(4, 0),
            cell_clip=real(4, -1),
            use_peephole=integer(5, 0),
        )
        self._last_state("new_state_c", "previous_state_c", f"{lstm}:1")
        self._last_state("new_state_h", "previous_state_h", f"{lstm}:6")
        return f"{lstm}:6"

    def _last_state(self, name: str, before: str, states: str) -> None:
        """Take the state after `input_lengths` steps; the library has no kernel to slice."""
        before = self._expand(f"{name}/before", before, 0)
        axis = self._constant(f"{name}/axis", np.array(0, np.int32))
        both = self._node(
            "ConcatV2",
            f"{name}/concat",
            (before, states, axis),
            N=integer(3, 2),
            T=_FLOATS,
            Tidx=_INTS,
        )
        first = self._constant(f"{name}/stream", np.array([0], np.int32))
        where = self._node(
            "Pack",
            f"{name}/where",
            ("input_lengths", first),
            N=integer(3, 2),
            T=_INTS,
            axis=integer(3, 1),
        )
        self._node("GatherNd", name, (both, where), Tparams=_FLOATS, Tindices=_INTS)

    def _expand(self, name: str, x: str, axis: int) -> str:
        dim = self._constant(f"{name}/dim", np.array(axis, np.int32))
        return self._node("ExpandDims", name, (x, dim), T=_FLOATS, Tdim=_INTS)

    def _reshape(self, name: str, x: str, shape: Sequence[int]) -> str:
        sizes = self._constant(f"{name}/shape", np.array(shape, np.int32))
        return self._node("Reshape", name, (x, sizes), T=_FLOATS, Tshape=_INTS)

    def _placeholder(self, name: str, shape: Sequence[int], dtype: int = FLOAT) -> None:
        self._node("Placeholder", name, (), dtype=integer(6, dtype), shape=block(7, _shape(shape)))

    def _constant(self, name: str, value: npt.NDArray[np.generic] | bytes) -> str:
        if isinstance(value, bytes):
            tensor = integer(1, STRING) + block(2, _shape((1,))) + block(8, value)
            return self._node("Const", name, (), dtype=integer(6, STRING), value=block(8, tensor))
        dtype = FLOAT if value.dtype == np.float32 else INT32
        data = np.ascontiguousarray(value).tobytes()
        if self._package and len(data) >= _MAPPED_BYTES_MIN:
            region = _PREFIX + name.replace("/", "_")
            self.regions.append((region, data))
            return self._node(
                "ImmutableConst",
                name,
                (),
                dtype=integer(6, dtype),
                shape=block(7, _shape(value.shape)),
                memory_region_name=text(2, region),
            )
        tensor = integer(1, dtype) + block(2, _shape(value.shape)) + block(4, data)
        return self._node("Const", name, (), dtype=integer(6, dtype), value=block(8, tensor))

    def _node(self, op: str, name: str, inputs: Sequence[str], **attributes: bytes) -> str:
        node = text(1, name) + text(2, op) + b"".join(text(3, one) for one in inputs)
        for key, value in attributes.items():
            node += block(5, text(1, key) + block(2, value))
        self._nodes.append(node)
        return name


_FLOATS: Final = integer(6, FLOAT)
_INTS: Final = integer(6, INT32)


def _shape(sizes: Sequence[int]) -> bytes:
    return b"".join(block(2, integer(1, size)) for size in sizes)
