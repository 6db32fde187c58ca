"""Builds a TensorFlow Lite file: tensors and operators, in the order of their use.

Source: TensorFlow 2.3, `lite/schema/schema.fbs`.
"""

from collections.abc import Sequence
from typing import Final

import flatbuffers
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.importers.tflite import FLOAT32, IDENTIFIER, INT32

_VERSION: Final = 3
_ALIGNMENT_BYTES: Final = 16


class LiteFile:
    """Tensors and operators as they are added; a tensor is known by its number."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1 << 20)
        self._buffers = [self._table()]
        self._tensors: list[int] = []
        self._operators: list[int] = []
        self._codes: list[tuple[int, str]] = []
        self.numbers: dict[str, int] = {}

    def tensor(
        self, name: str, shape: Sequence[int], kind: int = FLOAT32, data: bytes = b""
    ) -> int:
        """Add a tensor; one with data is a constant."""
        buffer = 0
        if data:
            buffer = len(self._buffers)
            self._buffers.append(self._table(self._bytes(data)))
        named, sizes = self._builder.CreateString(name), self._integers(shape)
        self._builder.StartObject(8)
        self._builder.PrependUOffsetTRelativeSlot(0, sizes, 0)
        self._builder.PrependInt8Slot(1, kind, 0)
        self._builder.PrependUint32Slot(2, buffer, 0)
        self._builder.PrependUOffsetTRelativeSlot(3, named, 0)
        self._tensors.append(self._builder.EndObject())
        self.numbers[name] = len(self._tensors) - 1
        return self.numbers[name]

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> int:
        """Add a constant of floats or integers."""
        kind = FLOAT32 if value.dtype == np.float32 else INT32
        return self.tensor(name, value.shape, kind, np.ascontiguousarray(value).tobytes())

    def operator(
        self,
        code: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        options: tuple[int, int] = (0, 0),
        custom: tuple[str, bytes] = ("", b""),
    ) -> None:
        """Add an operator; `options` are the number of their type, and their table."""
        key = (code, custom[0])
        if key not in self._codes:
            self._codes.append(key)
        extra = self._bytes(custom[1]) if custom[1] else 0
        taken, made = self._integers(inputs), self._integers(outputs)
        self._builder.StartObject(7)
        self._builder.PrependUint32Slot(0, self._codes.index(key), 0)
        self._builder.PrependUOffsetTRelativeSlot(1, taken, 0)
        self._builder.PrependUOffsetTRelativeSlot(2, made, 0)
        self._builder.PrependUint8Slot(3, options[0], 0)
        self._builder.PrependUOffsetTRelativeSlot(4, options[1], 0)
        self._builder.PrependUOffsetTRelativeSlot(5, extra, 0)
        self._operators.append(self._builder.EndObject())

    def options(self, kind: int, *values: int) -> tuple[int, int]:
        """Return options whose fields are these 32-bit numbers, or none of them."""
        self._builder.StartObject(max(1, len(values)))
        for slot, value in enumerate(values):
            self._builder.PrependInt32Slot(slot, value, 0)
        return kind, self._builder.EndObject()

    def activation(self, kind: int, function: int = 0) -> tuple[int, int]:
        """Return options whose first field is the activation after the operator."""
        self._builder.StartObject(1)
        self._builder.PrependInt8Slot(0, function, 0)
        return kind, self._builder.EndObject()

    def factor(self, kind: int, value: float) -> tuple[int, int]:
        """Return options whose first field is this number."""
        self._builder.StartObject(1)
        self._builder.PrependFloat32Slot(0, value, 0.0)
        return kind, self._builder.EndObject()

    def build(self, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
        """Return the file."""
        builder = self._builder
        taken = self._integers([self.numbers[name] for name in inputs])
        made = self._integers([self.numbers[name] for name in outputs])
        tensors, operators = self._offsets(self._tensors), self._offsets(self._operators)
        graph = self._table(tensors, taken, made, operators)
        graphs, codes = self._offsets([graph]), self._offsets([*map(self._code, self._codes)])
        buffers = self._offsets(self._buffers)
        builder.StartObject(5)
        builder.PrependUint32Slot(0, _VERSION, 0)
        builder.PrependUOffsetTRelativeSlot(1, codes, 0)
        builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
        builder.PrependUOffsetTRelativeSlot(4, buffers, 0)
        builder.Finish(builder.EndObject(), IDENTIFIER)
        return bytes(builder.Output())

    def _code(self, code: tuple[int, str]) -> int:
        name = self._builder.CreateString(code[1]) if code[1] else 0
        self._builder.StartObject(3)
        self._builder.PrependInt8Slot(0, code[0], 0)
        self._builder.PrependUOffsetTRelativeSlot(1, name, 0)
        self._builder.PrependInt32Slot(2, 1, 0)
        return int(self._builder.EndObject())

    def _table(self, *offsets: int) -> int:
        self._builder.StartObject(max(1, len(offsets)))
        for slot, offset in enumerate(offsets):
            self._builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        return int(self._builder.EndObject())

    def _offsets(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def _integers(self, values: Sequence[int]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependInt32(value)
        return int(self._builder.EndVector())

    def _bytes(self, data: bytes) -> int:
        """Add bytes, aligned as the interpreter maps them."""
        self._builder.StartVector(1, len(data), _ALIGNMENT_BYTES)
        self._builder.head -= len(data)
        self._builder.Bytes[self._builder.head : self._builder.head + len(data)] = data
        return int(self._builder.EndVector())
