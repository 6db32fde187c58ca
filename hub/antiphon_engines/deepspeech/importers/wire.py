"""Protocol Buffers' wire format, as much as model files need, within bounds.

Source: protobuf.dev/programming-guides/encoding.
"""

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_engines.errors import ModelError

FIELDS_MAX: Final = 200_000
"""Fields of one message: a released graph has 600 nodes; more is rubbish, and reading it costs."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES: Final = {_FIXED64: 8, _FIXED32: 4}
_VARINT_BYTES_MAX: Final = 10


class Message:
    """A message's fields by their numbers; nothing is copied until it is asked for.

    Raises:
        ModelError: the bytes are no message.
    """

    def __init__(self, data: memoryview) -> None:
        self._fields: dict[int, list[int | memoryview]] = {}
        for number, value in _fields(data):
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def integer(self, number: int, default: int = 0) -> int:
        """Return the last value of a signed integer field."""
        value = self._fields.get(number, [default])[-1]
        if not isinstance(value, int):
            raise ModelError(f"the file is damaged: field {number} is no integer")
        return value - (1 << 64) if value >= 1 << 63 else value

    def real(self, number: int, default: float = 0.0) -> float:
        """Return the last value of a float field."""
        if number not in self._fields:
            return default
        value = self._fields[number][-1]
        if isinstance(value, int) or len(value) != _FIXED_BYTES[_FIXED32]:
            raise ModelError(f"the file is damaged: field {number} is no float")
        return float(struct.unpack("<f", value)[0])

    def fixed(self, number: int, default: int = 0) -> int:
        """Return the last value of an unsigned field of fixed length."""
        value = self._fields.get(number, [default])[-1]
        return value if isinstance(value, int) else int.from_bytes(value, "little")

    def bytes(self, number: int) -> memoryview:
        """Return the last value of a bytes, text or message field; none are empty."""
        parts = self.all(number)
        return parts[-1] if parts else memoryview(b"")

    def all(self, number: int) -> list[memoryview]:
        """Return all values of a repeated bytes, text or message field."""
        found = self._fields.get(number, [])
        parts = [value for value in found if isinstance(value, memoryview)]
        if len(parts) < len(found):
            raise ModelError(f"the file is damaged: field {number} is a number")
        return parts

    def text(self, number: int) -> str:
        """Return the last value of a text field."""
        return _text(self.bytes(number))

    def message(self, number: int) -> "Message":
        """Return the last value of a message field; one that is absent is empty."""
        return Message(self.bytes(number))

    def messages(self, number: int) -> "list[Message]":
        """Return all values of a repeated message field."""
        return [Message(part) for part in self.all(number)]

    def texts(self, number: int) -> list[str]:
        """Return all values of a repeated text field."""
        return [_text(part) for part in self.all(number)]

    def integers(self, number: int) -> list[int]:
        """Return all values of a repeated integer field, packed or not."""
        values: list[int] = []
        for value in self._fields.get(number, []):
            values += [value] if isinstance(value, int) else _packed(value)
        return [value - (1 << 64) if value >= 1 << 63 else value for value in values]

    def reals(self, number: int) -> npt.NDArray[np.float32]:
        """Return all values of a repeated float field, packed or not."""
        data = b"".join(self.all(number))
        if len(data) % _FIXED_BYTES[_FIXED32]:
            raise ModelError(f"the file is damaged: field {number} holds half a float")
        return np.frombuffer(data, "<f4")


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return the unsigned number that begins at that byte, and the byte after it.

    Raises:
        ModelError: it does not end.
    """
    number = 0
    for index, byte in enumerate(data[at : at + _VARINT_BYTES_MAX]):
        number |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at + index + 1
    raise ModelError("the file is damaged: a number without an end")


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    for _ in range(FIELDS_MAX):
        if at == len(data):
            return
        key, at = varint(data, at)
        kind = key & 7
        value: int | memoryview
        if kind == _VARINT:
            value, at = varint(data, at)
        else:
            if kind == _BYTES:
                size_bytes, at = varint(data, at)
            elif kind in _FIXED_BYTES:
                size_bytes = _FIXED_BYTES[kind]
            else:
                raise ModelError(f"the file is damaged: a field of kind {kind}")
            if size_bytes > len(data) - at:
                raise ModelError("the file is cut short: a field goes on after its end")
            value, at = data[at : at + size_bytes], at + size_bytes
        yield key >> 3, value
    raise ModelError(f"a message of more than {FIELDS_MAX} fields")


def _packed(data: memoryview) -> list[int]:
    numbers, at = [], 0
    while at < len(data):
        number, at = varint(data, at)
        numbers.append(number)
        if len(numbers) > FIELDS_MAX:
            raise ModelError(f"a list of more than {FIELDS_MAX} numbers")
    return numbers


def _text(data: memoryview) -> str:
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError:
        raise ModelError("the file is damaged: a name that is not UTF-8") from None
