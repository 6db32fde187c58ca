"""Transducers as arrays and back: OpenFst's own binary format, which the library reads from files.

Format: `FstHeader` and `VectorFst::WriteFst` of OpenFst 1.8. One arc at a time through the
library's Python interface takes a second where this takes some 50 ms.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import kaldifst
import msgspec
import numpy as np
import numpy.typing as npt

EPSILON: Final = 0

_ARC: Final = np.dtype([("sound", "<i4"), ("word", "<i4"), ("cost", "<f4"), ("target", "<i4")])
_HEADER: Final = struct.Struct("<iiQqqq")
_STATE: Final = struct.Struct("<fq")
_MAGIC: Final = 2125659606
_VERSION: Final = 2
_EXPANDED_AND_MUTABLE: Final = 3


class Arcs(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A transducer; costs are negative natural logarithms of probabilities."""

    start: int
    final_costs: npt.NDArray[np.float32]
    """Of ending in each state, (states,); infinite: it may not end there."""
    source: npt.NDArray[np.int64]
    """(arcs,), as all below."""
    sound: npt.NDArray[np.int64]
    """Input label; EPSILON takes no time."""
    word: npt.NDArray[np.int64]
    """Output label."""
    cost: npt.NDArray[np.float32]
    target: npt.NDArray[np.int64]


def arcs_of(fst: Any) -> Arcs:
    """Return a transducer of the library as arrays."""
    with _memory_file() as (file, name):
        fst.write(name)
        file.seek(0)
        data = file.read()
    at = 4
    for _ in range(2):
        (length,) = struct.unpack_from("<i", data, at)
        at += 4 + length
    *_, start, states, _ = _HEADER.unpack_from(data, at)
    at += _HEADER.size
    states = states if states >= 0 else fst.num_states
    final_costs = np.empty(states, np.float32)
    counts = np.empty(states, np.int64)
    pieces = []
    for state in range(states):
        final_costs[state], count = _STATE.unpack_from(data, at)
        at += _STATE.size
        counts[state] = count
        pieces.append(data[at : at + _ARC.itemsize * count])
        at += _ARC.itemsize * count
    table = np.frombuffer(b"".join(pieces), _ARC)
    return Arcs(
        start=start,
        final_costs=final_costs,
        source=np.repeat(np.arange(states), counts),
        sound=table["sound"].astype(np.int64),
        word=table["word"].astype(np.int64),
        cost=table["cost"],
        target=table["target"].astype(np.int64),
    )


def fst_of(arcs: Arcs) -> Any:
    """Return arrays as a transducer of the library, a `kaldifst.StdVectorFst`."""
    order = np.argsort(arcs.source, kind="stable")
    table = np.empty(len(order), _ARC)
    for name in ("sound", "word", "cost", "target"):
        table[name] = getattr(arcs, name)[order]
    counts = np.bincount(arcs.source, minlength=len(arcs.final_costs))
    ends = (np.cumsum(counts) * _ARC.itemsize).tolist()
    content = table.tobytes()
    pieces = [struct.pack("<i", _MAGIC)]
    pieces += [struct.pack("<i", len(name)) + name for name in (b"vector", b"standard")]
    pieces.append(
        _HEADER.pack(_VERSION, 0, _EXPANDED_AND_MUTABLE, arcs.start, len(counts), len(order))
    )
    begin = 0
    for cost, count, end in zip(arcs.final_costs.tolist(), counts.tolist(), ends, strict=True):
        pieces += (_STATE.pack(cost, count), content[begin:end])
        begin = end
    with _memory_file() as (file, name):
        file.write(b"".join(pieces))
        file.flush()
        return kaldifst.StdVectorFst.read(name)


@contextmanager
def _memory_file() -> Iterator[tuple[BinaryIO, str]]:
    """Give a file in memory, and its name: nothing is left of it, come what may."""
    with os.fdopen(os.memfd_create("fst"), "w+b") as file:
        yield file, f"/proc/self/fd/{file.fileno()}"
