"""What the network's outputs stand for.

Source: Mozilla DeepSpeech 0.9, `native_client/alphabet.cc`: the text file and the packed form.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, Self

import msgspec

from antiphon_engines.errors import ContextError, ModelError

LABELS_MAX: Final = 32_768
"""Far more than any script has; the packed form could name 65,535."""
FILE_BYTES_MAX: Final = 1024 * 1024
_LABEL_BYTES_MAX: Final = 64
_BYTES: Final = tuple(chr(byte) for byte in range(1, 256))
"""The byte mode's labels: label i is byte i + 1."""


class Alphabet(msgspec.Struct, frozen=True):
    """Labels by class index; the class after the last label is CTC's blank.

    In the kind `bytes` a label is one byte of UTF-8 (written as the character of that number), and
    there are 255, for all bytes but 0.

    Raises:
        ModelError: the labels cannot be an alphabet.
    """

    labels: tuple[str, ...]
    kind: Literal["chars", "bytes"] = "chars"

    def __post_init__(self) -> None:
        if not 0 < len(self.labels) <= LABELS_MAX:
            raise ModelError(f"an alphabet of {len(self.labels)} labels; 1 to {LABELS_MAX} can be")
        if self.kind == "bytes" and self.labels != _BYTES:
            raise ModelError("an alphabet of bytes has the labels 1 to 255, in order")
        if len(set(self.labels)) < len(self.labels):
            raise ModelError("the alphabet has a label twice")
        for label in self.labels:
            if not 0 < len(label.encode("utf-8", "replace")) <= _LABEL_BYTES_MAX:
                raise ModelError(f"the alphabet has a label of {len(label)} characters")

    @classmethod
    def english(cls) -> Self:
        """Return the released English models': space, a to z, apostrophe."""
        return cls((" ", *"abcdefghijklmnopqrstuvwxyz", "'"))

    @classmethod
    def utf8(cls) -> Self:
        """Return the byte mode's, which can write any language."""
        return cls(_BYTES, "bytes")

    @property
    def blank(self) -> int:
        """Class of CTC's blank, the last one."""
        return len(self.labels)

    @property
    def classes(self) -> int:
        """How many outputs the network has: the labels and the blank."""
        return len(self.labels) + 1

    @property
    def space(self) -> int | None:
        """Class of the word separator; None where the writing has none."""
        return self.labels.index(" ") if " " in self.labels else None

    def decode(self, indices: Iterable[int]) -> str:
        """Return the text of the labels; bytes that are no UTF-8 become U+FFFD.

        Raises:
            ModelError: an index has no label (the blank has none).
        """
        try:
            text = "".join([self.labels[_natural(index)] for index in indices])
        except IndexError:
            raise ModelError(f"a label outside the alphabet's {len(self.labels)}") from None
        return text if self.kind == "chars" else text.encode("latin-1").decode("utf-8", "replace")

    def encode(self, text: str) -> list[int]:
        """Return the labels of the text, a character (or byte) each.

        Raises:
            ContextError: a character is not in the alphabet.
        """
        if self.kind == "bytes":
            text = text.encode("utf-8", "replace").decode("latin-1")
        numbers = {label: index for index, label in enumerate(self.labels)}
        try:
            return [numbers[char] for char in text]
        except KeyError as error:
            raise ContextError(
                f"the model's alphabet cannot write {error.args[0]!r} of {text[:60]!r}"
            ) from None

    @classmethod
    def read(cls, path: Path) -> Self:
        r"""Read an `alphabet.txt`: a label a line, comments begin with #, `\#` is a #.

        Raises:
            ModelError: no such file, or not an alphabet.
        """
        try:
            with path.open("rb") as file:
                data = file.read(FILE_BYTES_MAX + 1)
            text = data.decode("utf-8-sig")
        except OSError as error:
            raise ModelError(f"alphabet {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ModelError(f"alphabet {path} is not UTF-8 text") from None
        if len(data) > FILE_BYTES_MAX:
            raise ModelError(f"alphabet {path} is larger than {FILE_BYTES_MAX} bytes")
        try:
            return cls(tuple(_labels(text)))
        except ModelError as error:
            raise ModelError(f"alphabet {path}: {error}") from None

    def write(self, path: Path) -> None:
        """Write an `alphabet.txt`.

        Raises:
            ModelError: byte alphabets have no such file.
        """
        if self.kind == "bytes":
            raise ModelError("an alphabet of bytes has no alphabet.txt; use the byte mode's switch")
        lines = ["\\#" if label == "#" else label for label in self.labels]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def pack(self) -> bytes:
        """Return the form in model files: u16 count; then u16 index, u16 length, label each."""
        parts = [_u16(len(self.labels))]
        coding = "utf-8" if self.kind == "chars" else "latin-1"
        for index, label in enumerate(self.labels):
            data = label.encode(coding)
            parts += [_u16(index), _u16(len(data)), data]
        return b"".join(parts)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read what `pack` wrote; 255 single bytes in order are the byte mode's.

        Raises:
            ModelError: damaged.
        """
        found: dict[int, bytes] = {}
        count, at = _read_u16(data, 0), 2
        for _ in range(count):
            index, size = _read_u16(data, at), _read_u16(data, at + 2)
            found[index] = data[at + 4 : at + 4 + size]
            at += 4 + size
        if at != len(data) or sorted(found) != list(range(count)):
            raise ModelError("the model's alphabet is damaged")
        labels = [found[index] for index in range(count)]
        if labels == [bytes((byte,)) for byte in range(1, 256)]:
            return cls.utf8()
        try:
            return cls(tuple(label.decode("utf-8") for label in labels))
        except UnicodeDecodeError:
            raise ModelError("the model's alphabet is not UTF-8") from None


def _natural(index: int) -> int:
    if index < 0:
        raise IndexError
    return index


def _labels(text: str) -> Iterable[str]:
    for ended in text.split("\n"):
        line = ended.removesuffix("\r")
        if line == "\\#":
            yield "#"
        elif line and not line.startswith("#"):
            yield line


def _u16(number: int) -> bytes:
    return number.to_bytes(2, "little")


def _read_u16(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise ModelError("the model's alphabet is cut short")
    return int.from_bytes(data[at : at + 2], "little")
