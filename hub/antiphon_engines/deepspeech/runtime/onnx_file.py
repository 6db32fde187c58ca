"""Write ONNX model files: the few messages that a network of ours needs.

Source: onnx.proto3 of ONNX 1.17 (field numbers) and the Protocol Buffers encoding; so that neither
ONNX nor TensorFlow has to be installed where networks only run.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.exporters.wire import block, integer, real, text

Array: TypeAlias = npt.NDArray[Any]
Attribute: TypeAlias = int | float | str | Sequence[int] | bytes
"""An attribute's value; bytes are an encoded graph."""
Shape: TypeAlias = Sequence[int | str]
"""Sizes; a name is a size that is known only when it runs."""

IR_VERSION: Final = 8
OPSET: Final = 17
MICROSOFT: Final = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""

_DATA_TYPES: Final = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_FLOAT, _INT, _STRING, _GRAPH, _INTS = 1, 2, 3, 5, 7


class Node(msgspec.Struct, frozen=True):
    """One operator."""

    op: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, Attribute] = {}
    domain: str = ""


class Value(msgspec.Struct, frozen=True):
    """A graph's input or output."""

    name: str
    shape: Shape
    dtype: str = "float32"


class Builder:
    """Nodes and constants, with names that are used once."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}

    def constant(self, name: str, array: Array) -> str:
        """Keep an array by a name; return the name."""
        self.constants[name] = array
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """Append an operator; return its output."""
        return self.split(op, inputs, 1, domain=domain, **attributes)[0]

    def split(
        self,
        op: str,
        inputs: Sequence[str],
        count: int,
        *,
        domain: str = "",
        **attributes: Attribute,
    ) -> list[str]:
        """Append an operator; return its outputs."""
        outputs = [f"{self._prefix}{len(self.nodes)}.{at}" for at in range(count)]
        self.nodes.append(Node(op, inputs, outputs, attributes, domain))
        return outputs


def graph(
    nodes: Iterable[Node],
    constants: Mapping[str, Array],
    inputs: Sequence[Value],
    outputs: Sequence[Value],
) -> bytes:
    """Return an encoded GraphProto; nodes in an order in which they can run."""
    parts = [block(1, _node(node)) for node in nodes]
    parts.append(text(2, "antiphon"))
    parts += [block(5, _tensor(name, array)) for name, array in constants.items()]
    parts += [block(11, _value(value)) for value in inputs]
    parts += [block(12, _value(value)) for value in outputs]
    return b"".join(parts)


def model(body: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return an encoded ModelProto of one graph; metadata comes back from a session as it is."""
    parts = [
        integer(1, IR_VERSION),
        text(2, "antiphon"),
        block(7, body),
        block(8, text(1, "") + integer(2, OPSET)),
        block(8, text(1, MICROSOFT) + integer(2, 1)),
    ]
    parts += [block(14, text(1, key) + text(2, said)) for key, said in metadata.items()]
    return b"".join(parts)


def _node(node: Node) -> bytes:
    parts = [text(1, name) for name in node.inputs]
    parts += [text(2, name) for name in node.outputs]
    parts.append(text(4, node.op))
    parts += [block(5, _attribute(name, value)) for name, value in node.attributes.items()]
    parts.append(text(7, node.domain))
    return b"".join(parts)


def _attribute(name: str, value: Attribute) -> bytes:
    match value:
        case int():
            body, kind = integer(3, value), _INT
        case float():
            body, kind = real(2, value), _FLOAT
        case str():
            body, kind = text(4, value), _STRING
        case bytes():
            body, kind = block(6, value), _GRAPH
        case _:
            body, kind = b"".join(integer(8, one) for one in value), _INTS
    return text(1, name) + body + integer(20, kind)


def _tensor(name: str, array: Array) -> bytes:
    parts = [integer(1, size) for size in array.shape]
    parts.append(integer(2, _DATA_TYPES[array.dtype.name]))
    parts.append(text(8, name))
    parts.append(block(9, np.ascontiguousarray(array).tobytes()))
    return b"".join(parts)


def _value(value: Value) -> bytes:
    sizes = b"".join(block(1, _size(size)) for size in value.shape)
    kind = integer(1, _DATA_TYPES[value.dtype]) + block(2, sizes)
    return text(1, value.name) + block(2, block(1, kind))


def _size(size: int | str) -> bytes:
    return integer(1, size) if isinstance(size, int) else text(2, size)
