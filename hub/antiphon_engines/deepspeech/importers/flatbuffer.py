"""FlatBuffers' tables, read in place; every offset is checked.

Source: flatbuffers.dev/internals.
"""

import struct
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from antiphon_engines.errors import ModelError

T = TypeVar("T")

ITEMS_MAX: Final = 100_000
"""Items of one list of tables; a released model has 1,000 tensors."""


class Table:
    """One table; a field that is absent has its type's zero.

    Raises:
        ModelError: an offset leads out of the file.
    """

    def __init__(self, data: memoryview, at: int) -> None:
        self._data = data
        self._at = at
        self._fields = at - _number(data, "<i", at)
        self._fields_bytes = _number(data, "<H", self._fields)

    def integer(self, field: int, kind: str) -> int:
        """Return a number field; `kind` is its struct format."""
        at = self._where(field)
        return 0 if at is None else _number(self._data, f"<{kind}", at)

    def table(self, field: int) -> "Table | None":
        """Return a table field."""
        at = self._where(field)
        return None if at is None else Table(self._data, self._follow(at))

    def tables(self, field: int) -> "list[Table]":
        """Return a field that is a list of tables."""
        begin, count = self._vector(field, 4)
        if count > ITEMS_MAX:
            raise ModelError(f"a list of {count} tables; {ITEMS_MAX} are the limit")
        return [Table(self._data, self._follow(at)) for at in range(begin, begin + 4 * count, 4)]

    def bytes(self, field: int) -> memoryview:
        """Return a field that is a list of bytes, or a text."""
        begin, count = self._vector(field, 1)
        return self._data[begin : begin + count]

    def text(self, field: int) -> str:
        """Return a text field."""
        return str(self.bytes(field), "utf-8", "replace")

    def numbers(self, field: int, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
        """Return a field that is a list of numbers."""
        size_bytes = np.dtype(dtype).itemsize
        begin, count = self._vector(field, size_bytes)
        return np.frombuffer(self._data[begin : begin + count * size_bytes], dtype)

    def _where(self, field: int) -> int | None:
        slot = 4 + 2 * field
        if slot + 2 > self._fields_bytes:
            return None
        offset = _number(self._data, "<H", self._fields + slot)
        return self._at + offset if offset else None

    def _follow(self, at: int) -> int:
        return at + _number(self._data, "<I", at)

    def _vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        at = self._where(field)
        if at is None:
            return 0, 0
        begin = self._follow(at)
        count = _number(self._data, "<I", begin)
        if begin + 4 + count * item_bytes > len(self._data):
            raise ModelError("the file is cut short: a list goes on after its end")
        return begin + 4, count


def root(data: memoryview) -> Table:
    """Return the file's first table.

    Raises:
        ModelError: there is none.
    """
    return Table(data, _number(data, "<I", 0))


def item(items: list[T], index: int, what: str, check: Callable[[int], bool] | None = None) -> T:
    """Return an item of a list that the file names by its index.

    Raises:
        ModelError: it has none of that index.
    """
    if not 0 <= index < len(items) or (check is not None and not check(index)):
        raise ModelError(f"the file is damaged: it has no {what} {index}")
    return items[index]


def _number(data: memoryview, kind: str, at: int) -> int:
    if not 0 <= at <= len(data) - struct.calcsize(kind):
        raise ModelError("the file is damaged or cut short: an offset leads out of it")
    number: int = struct.unpack_from(kind, data, at)[0]
    return number
