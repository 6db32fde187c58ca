"""Acoustic models in the format of CMU Sphinx: phonetically tied mixtures, read into arrays.

Formats: `bin_mdef.c`, `ms_gauden.c`, `ptm_mgau.c` and `tmat.c` of pocketsphinx 5. A phone in its
context is three states, each with a senone; all senones of one base phone share its Gaussians.
"""

import struct
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon_engines.errors import ModelError

STATES: Final = 3
"""States of a phone."""
STREAMS: Final = 3
"""Cepstra, their first and their second differences are modelled apart."""
STREAM_WIDTH: Final = 13
VARIANCE_MIN: Final = 1e-4
INSIDE, BEGIN, END, SINGLE = range(4)
"""Where in its word a phone stands, as the model definition numbers it."""

_BYTES_MAX: Final = 64 * 1024 * 1024
_SIZE_MAX: Final = 1_000_000
_PHONES_MAX: Final = 256
_NAME_MAX: Final = 64
_DENSITIES_MAX: Final = 1024
_VALUE_MAX: Final = 1e6
_COUNT_MAX: Final = 1e12
_MAGIC: Final = 0x11223344
_WEIGHT_STEP: Final = 1024 * float(np.log(1.0001))
"""Mixture weights are stored as whole multiples of it, negative natural logarithm."""

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_TREE: Final = np.dtype([("context", "<i2"), ("below", "<i2"), ("value", "<i4")])
_PHONE: Final = np.dtype(
    [("sequence", "<i4"), ("transitions", "<i4"), ("place", "u1"), ("context", "u1", 3)]
)


class AcousticModel:
    """The arrays of one model; immutable, for any thread."""

    def __init__(self, folder: Path) -> None:
        """Read a model's `mdef`, `means`, `variances`, `sendump` and `transition_matrices`.

        Raises:
            ModelError: a file is missing, damaged, or of a kind that is not read here.
        """
        self.phones = Phones(folder / "mdef")
        self.means = _gaussians(folder / "means")
        self.variances = np.maximum(_gaussians(folder / "variances"), VARIANCE_MIN)
        self.weights = _weights(folder / "sendump", self.phones.senones)
        self.transitions = _transitions(folder / "transition_matrices")
        if self.means.shape != self.variances.shape or len(self.means) != len(self.phones.names):
            raise ModelError(f"{folder}: means, variances and mdef are of different models")
        if self.weights.shape[1] != self.means.shape[2]:
            raise ModelError(f"{folder}: sendump and means are of different models")
        if self.phones.transitions_max >= len(self.transitions):
            raise ModelError(f"{folder}: transition_matrices and mdef are of different models")


class Phones:
    """What `mdef` says: base phones, phones in context, and their senones."""

    def __init__(self, path: Path) -> None:
        data = _Bytes(path)
        if data.raw[:4] != b"BMDF":
            raise ModelError(f"{path} is no binary model definition of CMU Sphinx")
        data.skip(8)
        data.skip(data.size())
        base, count, states, _, self.senones, _, sequences, _, tree, _ = data.numbers(10)
        data.require(
            states == STATES and 0 < base < _PHONES_MAX and base <= count, "of another topology"
        )
        self.names = tuple(data.text() for _ in range(base))
        data.align()
        data.array(_TREE, tree)
        table = data.array(_PHONE, count)
        self._sequences = data.array(np.dtype("<u2"), data.size()).astype(np.int64)
        data.require(len(self._sequences) == sequences * STATES, "cut short")
        self._sequences = self._sequences.reshape(sequences, STATES)
        self._sequence = table["sequence"].astype(np.int64)
        self._transitions = table["transitions"].astype(np.int64)
        data.require(
            bool((self._sequence < sequences).all() and (self._sequences < self.senones).all()),
            "inconsistent",
        )
        self.ids = {name: number for number, name in enumerate(self.names)}
        data.require("SIL" in self.ids, "without a phone SIL")
        self.silence = self.ids["SIL"]
        self._fillers = frozenset(np.flatnonzero(table["place"][:base]).tolist())
        keys = _key(table["place"][base:].astype(np.int64), *table["context"][base:].T)
        self._in_context = dict(zip(keys.tolist(), range(base, count), strict=True))
        owners = np.concatenate([np.arange(base), table["context"][base:, 0].astype(np.int64)])
        self.base_of_senone: Ints = np.zeros(self.senones, np.int64)
        """The base phone whose Gaussians each senone mixes, (senones,)."""
        self.base_of_senone[self._sequences[self._sequence]] = owners[:, None]
        self.place_of_senone: Ints = np.zeros(self.senones, np.int64)
        """Which of a phone's states each senone is, 0 to STATES - 1, (senones,)."""
        self.place_of_senone[self._sequences] = np.arange(STATES)

    @cached_property
    def transitions_max(self) -> int:
        """The highest number of a transition matrix in use."""
        return int(self._transitions.max())

    def nearest(self, base: int, left: int, right: int, place: int) -> tuple[int, int]:
        """Return senone sequence and transition matrix of a phone between two others.

        Backs off as the trainer's own decoder does: to the same phones elsewhere in a word, to
        silence around a word's edges, to the base phone alone.
        """
        left, right = (self.silence if one in self._fillers else one for one in (left, right))
        found = self._anywhere(base, left, right, place)
        if found is None and place != INSIDE:
            edge_left = left if place == END else self.silence
            edge_right = right if place == BEGIN else self.silence
            found = self._anywhere(base, edge_left, edge_right, place)
        phone = base if found is None else found
        return int(self._sequence[phone]), int(self._transitions[phone])

    def alone(self, base: int) -> tuple[int, int]:
        """Return senone sequence and transition matrix of a base phone without context."""
        return int(self._sequence[base]), int(self._transitions[base])

    def states(self, sequence: int) -> tuple[int, ...]:
        """Return the senones of a sequence, in order."""
        return tuple(self._sequences[sequence].tolist())

    def is_filler(self, base: int) -> bool:
        """Return whether a base phone is silence or noise."""
        return base in self._fillers

    def _anywhere(self, base: int, left: int, right: int, place: int) -> int | None:
        for one in (place, *(other for other in range(4) if other != place)):
            found: int | None = self._in_context.get(_key(one, base, left, right))
            if found is not None:
                return found
        return None


def _key(place: Any, base: Any, left: Any, right: Any) -> Any:
    return ((place * 256 + base) * 256 + left) * 256 + right


class _Bytes:
    """A file's content, read from its begin, with every size checked against what there is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            if path.stat().st_size > _BYTES_MAX:
                raise ModelError(f"{path} is larger than {_BYTES_MAX} bytes: no model read here")
            self.raw = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from None
        self._at = 0
        self._base = 0

    def require(self, condition: bool, trouble: str) -> None:
        if not condition:
            raise ModelError(f"{self._path} is {trouble}: no model read here")

    def skip(self, count: int) -> None:
        self.require(0 <= count <= len(self.raw) - self._at, "cut short or damaged")
        self._at += count

    def numbers(self, count: int) -> tuple[int, ...]:
        begin = self._at
        self.skip(4 * count)
        self._base = self._at
        found: tuple[int, ...] = struct.unpack_from(f"<{count}i", self.raw, begin)
        self.require(all(0 <= one <= 64 * _SIZE_MAX for one in found), "damaged")
        return found

    def size(self) -> int:
        return self.numbers(1)[0]

    def text(self) -> str:
        end = self.raw.find(b"\0", self._at)
        self.require(0 <= end - self._at < _NAME_MAX, "damaged")
        begin, self._at = self._at, end + 1
        return self.raw[begin:end].decode("ascii", "replace")

    def align(self) -> None:
        """Go on to a multiple of four from where the last numbers ended."""
        self.skip(-(self._at - self._base) % 4)

    def array(self, kind: np.dtype[Any], count: int) -> npt.NDArray[Any]:
        begin = self._at
        self.skip(kind.itemsize * count)
        return np.frombuffer(self.raw, kind, count, begin)

    def after_header(self) -> None:
        """Skip the text header and byte-order mark of a Sphinx-3 parameter file."""
        end = self.raw.find(b"endhdr\n")
        self.require(end >= 0, "no parameter file of CMU Sphinx")
        self._at = end + len(b"endhdr\n")
        begin = self._at
        self.skip(4)
        self.require(struct.unpack_from("<I", self.raw, begin)[0] == _MAGIC, "of other byte order")


def _gaussians(path: Path) -> Floats:
    """Return means or variances, (base phones, STREAMS, densities, STREAM_WIDTH)."""
    data = _Bytes(path)
    data.after_header()
    books, streams, densities = data.numbers(3)
    data.require(
        streams == STREAMS and 0 < books < _PHONES_MAX and 0 < densities <= _DENSITIES_MAX,
        "of another topology",
    )
    data.require(data.numbers(streams) == (STREAM_WIDTH,) * streams, "of other features")
    shape = (books, streams, densities, STREAM_WIDTH)
    data.require(data.size() == int(np.prod(shape)), "damaged")
    values: Floats = data.array(np.dtype("<f4"), int(np.prod(shape))).reshape(shape)
    data.require(bool((np.abs(values) < _VALUE_MAX).all()), "damaged")
    return values


def _weights(path: Path, senones: int) -> Floats:
    """Return mixture weights, (STREAMS, densities, senones)."""
    data = _Bytes(path)
    for _ in range(2):
        data.skip(data.size())
    while length := data.size():
        data.skip(length)
    densities, columns = data.numbers(2)
    data.require(columns >= senones and 0 < densities <= _DENSITIES_MAX, "of another model")
    stored = data.array(np.dtype("u1"), STREAMS * densities * columns)
    steps = stored.reshape(STREAMS, densities, columns)[:, :, :senones].astype(np.float32)
    weights: Floats = np.exp(-_WEIGHT_STEP * steps).astype(np.float32)
    return weights


def _transitions(path: Path) -> Floats:
    """Return transition probabilities, (matrices, STATES, STATES + 1), rows adding up to 1."""
    data = _Bytes(path)
    data.after_header()
    count, states, targets, total = data.numbers(4)
    data.require((states, targets) == (STATES, STATES + 1), "of another topology")
    data.require(total == count * states * targets, "damaged")
    counts = data.array(np.dtype("<f4"), total).reshape(count, states, targets)
    data.require(bool((counts >= 0).all() and (counts < _COUNT_MAX).all()), "damaged")
    sums = counts.sum(axis=2, keepdims=True)
    data.require(bool((sums > 0).all()), "damaged")
    normal: Floats = counts / sums
    return normal
