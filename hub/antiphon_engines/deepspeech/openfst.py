"""OpenFst's `const` automata, as scorer packages hold them: bytes in, arrays out, and back. Pure.

Source: OpenFst 1.6.7: `fst.h` (header), `const-fst.h` (states of 20 bytes, arcs of 16), `fst.cc`
(alignment to 16 bytes of the file).
"""

import struct
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.errors import ModelError

MAGIC: Final = 2_125_659_606
STATES_MAX: Final = 100_000_000
"""Likewise arcs; the file's size bounds them further."""
_ALIGN: Final = 16
_NAMES: Final = struct.pack("<ii5si8s", MAGIC, 5, b"const", 8, b"standard")
_NUMBERS: Final = struct.Struct("<iiQqqq")
_SYMBOLS: Final = 1 | 2
_ALIGNED: Final = 4
_VERSION_ALIGNED: Final = 1
_VERSION: Final = 2
# kExpanded | kAcceptor | kIDeterministic | kODeterministic | kNoEpsilons | kNoIEpsilons |
# kNoOEpsilons | kILabelSorted | kOLabelSorted | kUnweighted | kAcyclic | kInitialAcyclic |
# kAccessible | kCoAccessible: what holds for a vocabulary.
_PROPERTIES: Final = (
    0x1
    | 0x1_0000
    | 0x4_0000
    | 0x10_0000
    | 0x80_0000
    | 0x200_0000
    | 0x800_0000
    | 0x1000_0000
    | 0x4000_0000
    | 0x2_0000_0000
    | 0x8_0000_0000
    | 0x20_0000_0000
    | 0x100_0000_0000
    | 0x400_0000_0000
)
_STATE: Final = np.dtype(
    [("weight", "<f4"), ("first", "<u4"), ("count", "<u4"), ("epsilons", "<u8")]
)
_ARC: Final = np.dtype([("label", "<i4"), ("output", "<i4"), ("weight", "<f4"), ("target", "<i4")])


class Automaton(msgspec.Struct, frozen=True):
    """An acceptor without weights."""

    start: int
    first: npt.NDArray[np.int64]
    """[states + 1] Where each state's arcs begin."""
    label: npt.NDArray[np.int64]
    """[arcs] From 1."""
    target: npt.NDArray[np.int64]
    """[arcs]"""
    final: npt.NDArray[np.bool_]
    """[states]"""


def unpack(data: bytes, offset: int) -> Automaton:
    """Read an automaton that goes up to the end of a file.

    Args:
        data: The automaton.
        offset: Where it begins in the file: parts may be aligned to the file's beginning.

    Raises:
        ModelError: no such automaton, or damaged.
    """
    numbers_at = len(_NAMES)
    if not data.startswith(_NAMES) or len(data) < numbers_at + _NUMBERS.size:
        raise ModelError("the vocabulary is no OpenFst automaton of the kind `const`")
    version, flags, _, start, states, arcs = _NUMBERS.unpack_from(data, numbers_at)
    if flags & _SYMBOLS or version not in (_VERSION, _VERSION_ALIGNED):
        raise ModelError(f"the vocabulary's automaton is of version {version}, unknown here")
    aligned = version == _VERSION_ALIGNED or bool(flags & _ALIGNED)
    if not (0 < states < STATES_MAX and 0 < arcs < STATES_MAX and 0 <= start < states):
        raise ModelError("the vocabulary's automaton is empty or absurdly large")
    align = _ALIGN if aligned else 1
    states_at = _next(offset + numbers_at + _NUMBERS.size, align) - offset
    arcs_at = _next(offset + states_at + states * _STATE.itemsize, align) - offset
    if arcs_at + arcs * _ARC.itemsize != len(data):
        raise ModelError("the vocabulary is cut short, or something follows it")
    return _checked(
        start,
        np.frombuffer(data, _STATE, states, states_at),
        np.frombuffer(data, _ARC, arcs, arcs_at),
    )


def _checked(start: int, states: npt.NDArray[Any], arcs: npt.NDArray[Any]) -> Automaton:
    first = np.concatenate(([0], np.cumsum(states["count"], dtype=np.int64)))
    filled = states["count"] > 0
    if first[-1] != len(arcs) or not np.array_equal(first[:-1][filled], states["first"][filled]):
        raise ModelError("the vocabulary's automaton is damaged: its states do not add up")
    label, target = arcs["label"].astype(np.int64), arcs["target"].astype(np.int64)
    rising = np.diff(label, prepend=0) > 0
    rising[first[:-1][filled]] = True
    if not rising.all() or label.min() <= 0 or target.min() < 0 or target.max() >= len(states):
        raise ModelError("the vocabulary's automaton is damaged: its arcs lead nowhere")
    return Automaton(start, first, label, target, np.isfinite(states["weight"]))


def pack(automaton: Automaton, offset: int) -> bytes:
    """Return the automaton's bytes, aligned for that position in a file."""
    states = np.zeros(len(automaton.final), _STATE)
    states["weight"] = np.where(automaton.final, 0.0, np.inf)
    states["first"] = automaton.first[:-1]
    states["count"] = np.diff(automaton.first)
    arcs = np.zeros(len(automaton.label), _ARC)
    arcs["label"] = arcs["output"] = automaton.label
    arcs["target"] = automaton.target
    counts = automaton.start, len(states), len(arcs)
    numbers = _NUMBERS.pack(_VERSION_ALIGNED, _ALIGNED, _PROPERTIES, *counts)
    data = bytearray(_NAMES + numbers)
    for part in (states, arcs):
        data += bytes(_next(offset + len(data), _ALIGN) - offset - len(data))
        data += part.tobytes()
    return bytes(data)


def _next(position: int, align: int) -> int:
    return -(-position // align) * align
