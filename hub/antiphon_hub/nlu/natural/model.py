"""The model of natural wording: reading its file, and which intent a sentence has (pure).

A shallow network, small enough for plain Python: word vectors through one convolution of three
words with the maximum over time (Kim, EMNLP 2014) and through their mean, and beside it a linear
model of hashed n-grams. The file holds whole numbers and their scales; nothing in it is run.
"""

import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from operator import add, mul
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from antiphon_hub.errors import ModelFileError
from antiphon_hub.nlu.natural.words import BUCKETS, features, tokens

MAGIC: Final = b"antiphon meaning 1\n"
FILE_BYTES_MAX: Final = 16 * 1024**2
"""A file that unpacks to more is none of ours."""
REMEMBERED_MAX: Final = 512
"""Words whose way through the convolution is kept; when it is full, all are forgotten."""
OUT: Final = "Out"
"""The class of everything that is no command."""

Row = Sequence[float]


class Header(msgspec.Struct, frozen=True):
    """What the file says of itself."""

    language: str
    intents: tuple[str, ...]
    """The classes, `Out` among them."""
    dimensions: int
    """Of a word vector."""
    filters: int
    """Of the convolution."""
    means: int
    """Outputs of the layer over the mean word vector."""
    words: int
    buckets: int
    vector_scale: float
    bucket_scale: float
    made_of: dict[str, Any] = {}
    """How it was made, for whoever makes the next one."""


class Arrays(NamedTuple):
    """The numbers of a model, as whole numbers where there are many of them."""

    words: list[str]
    vectors: bytes
    """int8: words x dimensions."""
    buckets: bytes
    """int8: buckets x classes."""
    dense: bytes
    """float32, little-endian: convolution (3 x filters x dimensions) and its bias, layer over the
    mean (means x dimensions) and its bias, output (classes x (filters + means)) and its bias."""


def write_model(path: Path, header: Header, arrays: Arrays) -> None:
    """Write the file."""
    head = msgspec.json.encode(header)
    text = "\n".join(arrays.words).encode()
    lengths = struct.pack("<II", len(head), len(text))
    body = lengths + head + text + arrays.vectors + arrays.buckets + arrays.dense
    path.write_bytes(MAGIC + zlib.compress(body, 9))


def read_model(path: Path) -> "Model":
    """Return the model in the file.

    Raises:
        ModelFileError: it is not there, or is no model.
    """
    try:
        raw = path.read_bytes()
        if not raw.startswith(MAGIC):
            raise ModelFileError(f"{path} is no model of natural wording: make it anew")
        body = zlib.decompressobj().decompress(raw[len(MAGIC) :], FILE_BYTES_MAX)
        return Model(*_parted(body))
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from None
    except (zlib.error, struct.error, ValueError, msgspec.DecodeError) as error:
        raise ModelFileError(f"{path} is damaged: {error}") from None


def _parted(body: bytes) -> tuple[Header, Arrays]:
    head_bytes, text_bytes = struct.unpack_from("<II", body)
    at = 8 + head_bytes
    header = msgspec.json.decode(body[8:at], type=Header)
    words = body[at : at + text_bytes].decode().split("\n")
    at += text_bytes
    vectors = header.words * header.dimensions
    buckets = header.buckets * len(header.intents)
    arrays = Arrays(
        words,
        body[at : at + vectors],
        body[at + vectors : at + vectors + buckets],
        body[at + vectors + buckets :],
    )
    wrong = (
        len(words) != header.words
        or header.buckets != BUCKETS
        or len(arrays.dense) != 4 * _dense_numbers(header)
    )
    if wrong:
        raise ValueError("its parts are not as long as it says")
    return header, arrays


def _dense_numbers(header: Header) -> int:
    hidden = header.filters + header.means
    return (
        (3 * header.filters + header.means) * header.dimensions
        + hidden
        + len(header.intents) * (hidden + 1)
    )


class Model:
    """Tells how likely each intent is; for one thread."""

    def __init__(self, header: Header, arrays: Arrays) -> None:
        self.header = header
        self.intents = header.intents
        self._ids = {word: at for at, word in enumerate(arrays.words)}
        self._vectors = memoryview(arrays.vectors).cast("b")
        self._buckets = memoryview(arrays.buckets).cast("b")
        self._layers = _Layers(header, arrays.dense)
        self._remembered: dict[str, tuple[Row, Row, Row]] = {}

    def shares(self, text: str) -> Mapping[str, float]:
        """Return the probability of every intent, in no order."""
        words = tokens(text)
        if not words:
            return {name: float(name == OUT) for name in self.intents}
        layers = self._layers
        hidden = [*self._convolved(words), *self._averaged(words)]
        linear = self._linear(words)
        sums = [
            bias + sum(map(mul, row, hidden)) + more
            for row, bias, more in zip(layers.output, layers.output_bias, linear, strict=True)
        ]
        top = max(sums)
        powers = [math.exp(one - top) for one in sums]
        whole = sum(powers)
        return {name: one / whole for name, one in zip(self.intents, powers, strict=True)}

    def knows(self, word: str) -> bool:
        """Tell whether the word has a vector."""
        return word in self._ids

    def _convolved(self, words: Sequence[str]) -> list[float]:
        """Each word adds to the filters at the place after it, its own and the one before."""
        bias = self._layers.filter_bias
        sums: list[Row] = [bias] * len(words)
        for at, word in enumerate(words):
            for place, part in zip((at + 1, at, at - 1), self._parts(word), strict=True):
                if 0 <= place < len(words):
                    sums[place] = list(map(add, sums[place], part))
        return [max(0.0, *column) for column in zip(*sums, strict=True)]

    def _parts(self, word: str) -> tuple[Row, Row, Row]:
        parts = self._remembered.get(word)
        if parts is None:
            vector = self._vector(word)
            before, here, after = (
                [sum(map(mul, row, vector)) for row in rows] for rows in self._layers.filters
            )
            parts = before, here, after
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[word] = parts
        return parts

    def _averaged(self, words: Sequence[str]) -> list[float]:
        vectors = [self._vector(word) for word in words]
        mean = [sum(column) / len(words) for column in zip(*vectors, strict=True)]
        layers = self._layers
        return [
            math.tanh(bias + sum(map(mul, row, mean)))
            for row, bias in zip(layers.means, layers.mean_bias, strict=True)
        ]

    def _vector(self, word: str) -> list[float]:
        width = self.header.dimensions
        at = self._ids.get(word)
        if at is None:
            return [0.0] * width
        scale = self.header.vector_scale
        return [value * scale for value in self._vectors[at * width : (at + 1) * width]]

    def _linear(self, words: Sequence[str]) -> list[float]:
        width = len(self.intents)
        rows = [self._buckets[at * width : (at + 1) * width] for at in features(words)]
        scale = self.header.bucket_scale
        return [sum(column) * scale for column in zip(*rows, strict=True)]


class _Layers:
    """The dense layers as rows of numbers."""

    def __init__(self, header: Header, dense: bytes) -> None:
        numbers = struct.unpack(f"<{len(dense) // 4}f", dense)
        self._rest = iter(numbers)
        width, filters, means = header.dimensions, header.filters, header.means
        classes = len(header.intents)
        self.filters = [self._rows(filters, width) for _ in range(3)]
        """For the word before a place, at it and after it."""
        self.filter_bias = self._row(filters)
        self.means = self._rows(means, width)
        self.mean_bias = self._row(means)
        self.output = self._rows(classes, filters + means)
        self.output_bias = self._row(classes)

    def _rows(self, count: int, width: int) -> list[Row]:
        return [self._row(width) for _ in range(count)]

    def _row(self, width: int) -> Row:
        return [next(self._rest) for _ in range(width)]


def header_of(path: Path) -> dict[str, Any]:
    """Return what the file says of itself.

    Raises:
        ModelFileError: it is not there, or is no model.
    """
    found: dict[str, Any] = json.loads(msgspec.json.encode(read_model(path).header))
    return found
