"""Reads `.pb` and `.pbmm`: a frozen TensorFlow graph, plain or in a memory-mapped package.

Source: TensorFlow 2.3, `core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto`,
`core/util/memmapped_file_system{.proto,.cc}`; node names: Mozilla DeepSpeech 0.9, `train.py`.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.importers.found import LAYER_NORM, NAMES, Found
from antiphon_engines.deepspeech.importers.wire import Message
from antiphon_engines.deepspeech.weights import RELU_CLIP, Floats
from antiphon_engines.errors import ModelError

FLOAT, INT32, STRING = 1, 3, 7
"""DataType."""
PACKAGE_GRAPH: Final = "memmapped_package://."
"""The name of the graph in a package."""
_SPREAD_MAX: Final = 1 << 20
"""Elements that a single stored value may stand for, so that a shape cannot ask for memory."""
_NODES_MAX: Final = 20_000


def is_package(data: memoryview) -> bool:
    """Say whether these bytes are a memory-mapped package: their end points at a directory."""
    try:
        return any(name == PACKAGE_GRAPH for name, _, _ in _directory(data))
    except ModelError:
        return False


def import_graph(data: memoryview) -> Found:
    """Read a model from the bytes of a `.pb` or `.pbmm` file.

    Raises:
        ModelError: damaged, or not such a model.
    """
    regions: Mapping[str, memoryview] = {}
    if is_package(data):
        regions = _regions(data)
        data = regions[PACKAGE_GRAPH]
    return _Graph(data, regions).found()


class _Graph:
    def __init__(self, data: memoryview, regions: Mapping[str, memoryview]) -> None:
        nodes = Message(data).all(1)
        if not 0 < len(nodes) <= _NODES_MAX:
            raise ModelError(f"a graph of {len(nodes)} nodes is no such model")
        self._nodes = {node.text(1): node for node in map(Message, nodes)}
        self._regions = regions

    def found(self) -> Found:
        if LAYER_NORM in self._nodes:
            raise ModelError("the network has layer normalisation, which is not computed here")
        lstm = self._attributes(self._lstm())
        if lstm["use_peephole"].integer(5) or lstm["cell_clip"].real(4, -1.0) > 0:
            raise ModelError("the LSTM has peepholes or clipped cells, which are not computed here")
        shape = self._dimensions("input_node")
        return Found(
            arrays={ours: self._floats(theirs) for ours, theirs in NAMES.items()},
            alphabet=Alphabet.unpack(self._string("metadata_alphabet")),
            sample_rate_hz=self._integer("metadata_sample_rate"),
            window_ms=self._integer("metadata_feature_win_len"),
            step_ms=self._integer("metadata_feature_win_step"),
            features=shape[-1] if shape else 0,
            beam_width=self._integer("metadata_beam_width"),
            language=self._language(),
            forget_bias=lstm["forget_bias"].real(4),
            relu_clip=self._relu_clip(),
        )

    def _node(self, name: str) -> Message:
        if name not in self._nodes:
            raise ModelError(
                f"the graph has no {name}; it is no DeepSpeech 0.9 or Coqui STT 1.x model"
            )
        return self._nodes[name]

    def _lstm(self) -> Message:
        for node in self._nodes.values():
            if node.text(2) == "BlockLSTM":
                return node
        raise ModelError("the graph has no BlockLSTM; it is no DeepSpeech 0.9 model")

    def _relu_clip(self) -> float:
        for node in self._nodes.values():
            if node.text(2) == "Minimum":
                limit = self._nodes.get(node.texts(3)[-1].split(":")[0]) if node.texts(3) else None
                if limit is not None and limit.text(2) == "Const":
                    return float(self._tensor(limit).reshape(-1)[:1].sum())
        return RELU_CLIP

    def _dimensions(self, name: str) -> list[int]:
        shape = self._attributes(self._node(name))["shape"].message(7)
        return [dimension.integer(1) for dimension in shape.messages(2)]

    def _language(self) -> str:
        if "metadata_language" not in self._nodes:
            return ""
        return self._string("metadata_language").decode("utf-8", "replace")

    def _integer(self, name: str) -> int:
        values = self._tensor(self._node(name), INT32)
        if values.size != 1:
            raise ModelError(f"{name} is not one number")
        return int(values.reshape(-1)[0])

    def _string(self, name: str) -> bytes:
        tensor = self._attributes(self._node(name))["value"].message(8)
        strings = tensor.all(8)
        if tensor.integer(1) != STRING or len(strings) != 1:
            raise ModelError(f"{name} is not one text")
        return bytes(strings[0])

    def _floats(self, name: str) -> Floats:
        return self._tensor(self._node(name)).astype(np.float32)

    def _tensor(self, node: Message, wanted: int = FLOAT) -> npt.NDArray[np.generic]:
        """Return the value of a Const or an ImmutableConst."""
        attributes, name = self._attributes(node), node.text(1)
        if attributes["dtype"].integer(6) != wanted:
            raise ModelError(f"{name} is of another type")
        dtype = "<f4" if wanted == FLOAT else "<i4"
        if node.text(2) == "ImmutableConst":
            region = self._regions.get(attributes["memory_region_name"].text(2))
            shape = _shape(attributes["shape"].message(7))
            return _whole(name, region or memoryview(b""), dtype, shape)
        tensor = attributes["value"].message(8)
        shape = _shape(tensor.message(2))
        if content := tensor.bytes(4):
            return _whole(name, content, dtype, shape)
        few: npt.NDArray[np.generic] = (
            tensor.reals(5) if wanted == FLOAT else np.array(tensor.integers(7), np.int64)
        )
        return _spread(name, few, shape)

    def _attributes(self, node: Message) -> "_Attributes":
        return _Attributes({entry.text(1): entry.message(2) for entry in node.messages(5)})


class _Attributes(dict[str, Message]):
    """A node's attributes; one that is absent has its type's zero, as TensorFlow reads it."""

    def __missing__(self, name: str) -> Message:
        return Message(memoryview(b""))


def _shape(shape: Message) -> tuple[int, ...]:
    dimensions = tuple(dimension.integer(1) for dimension in shape.messages(2))
    if len(dimensions) > 8 or any(size < 0 for size in dimensions):  # noqa: PLR2004 - TensorFlow's own limit is 254; ours have two
        raise ModelError(f"a constant of the shape {dimensions[:8]}")
    return dimensions


def _whole(
    name: str, data: memoryview, dtype: str, shape: tuple[int, ...]
) -> npt.NDArray[np.generic]:
    if len(data) < 4 * math.prod(shape):
        raise ModelError(f"{name} is cut short: {len(data)} bytes for the shape {shape}")
    return np.frombuffer(data[: 4 * math.prod(shape)], dtype).reshape(shape)


def _spread(
    name: str, few: npt.NDArray[np.generic], shape: tuple[int, ...]
) -> npt.NDArray[np.generic]:
    """Return the shape filled with the values, the last of which stands for the rest."""
    size = math.prod(shape)
    if not 0 < len(few) <= size <= _SPREAD_MAX:
        raise ModelError(f"{name} has {len(few)} values for the shape {shape}")
    return np.concatenate([few, np.repeat(few[-1:], size - len(few))]).reshape(shape)


def _regions(data: memoryview) -> dict[str, memoryview]:
    """Return a package's parts by name."""
    entries = _directory(data)
    # Older packages do not say how long a part is: up to the next one.
    ends = sorted({offset for _, offset, _ in entries} | {len(data)})
    following = dict(pairwise(ends))
    return {
        name: data[offset : offset + length if length else following[offset]]
        for name, offset, length in entries
    }


def _directory(data: memoryview) -> list[tuple[str, int, int]]:
    """Return name, offset and length of a package's parts; the last 8 bytes say where they are."""
    end = len(data) - 8
    begin = int.from_bytes(data[max(0, end) :], "little")
    if not 0 < begin < end:
        raise ModelError("this is no memory-mapped package")
    parts = [
        (part.text(2), part.integer(1), part.integer(3))
        for part in Message(data[begin:end]).messages(1)
    ]
    if any(offset < 0 or length < 0 or offset + length > begin for _, offset, length in parts):
        raise ModelError("the package is damaged: a part outside it")
    return parts
