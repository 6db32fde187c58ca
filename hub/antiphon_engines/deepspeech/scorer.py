"""Scorer packages: a KenLM model, then its vocabulary as an automaton, and two weights.

Source: Mozilla DeepSpeech 0.9, `native_client/ctcdecode/scorer.cpp`: `TRIE`, version 6, a byte for
bytes mode, alpha and beta as doubles, an OpenFst automaton whose labels are the alphabet's + 1.
"""

import mmap
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from antiphon_engines.deepspeech import openfst
from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.beam import LabelGraph
from antiphon_engines.deepspeech.lexicon import Lexicon, lexicon_of, lexicon_of_graph
from antiphon_engines.errors import ModelError

VERSION: Final = 6
MAGIC: Final = b"EIRT"
"""`TRIE` as a little-endian number."""
VOCABULARY_BYTES_MAX: Final = 1024**3
"""The released English one has 20 MB."""
WEIGHT_MAX: Final = 100.0
"""Released scorers have 0.9 and 1.2."""
_HEADER: Final = struct.Struct("<4sI?dd")
_AUTOMATON: Final = openfst.MAGIC.to_bytes(4, "little")
_CANDIDATES_MAX: Final = 64
"""`TRIE` may stand in the language model's numbers by chance, once in 4 GB."""


class Scorer(msgspec.Struct, frozen=True):
    """What open dictation weighs words with."""

    path: Path
    """The language model: KenLM reads it from there, and stops where it ends."""
    lexicon: Lexicon
    alpha: float
    """Weight of the language model's logarithm."""
    beta: float
    """Reward of each word, in nats."""


def load_scorer(path: Path, alphabet: Alphabet) -> Scorer:
    """Read a scorer package; the language model itself is not looked at.

    Args:
        path: The package.
        alphabet: The acoustic model's.

    Raises:
        ModelError: no such package, damaged, of another version, or for another alphabet.
    """
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return _unpack(path, data, alphabet)
    except OSError as error:
        raise ModelError(f"scorer {path}: {error.strerror}") from error
    except (ModelError, ValueError) as error:  # mmap calls an empty file a wrong value
        raise ModelError(f"scorer {path}: {error}") from error


def own_scorer(
    model: Path, words: Iterable[str], alphabet: Alphabet, *, alpha: float, beta: float
) -> Scorer:
    """Return a scorer of a language model and its words, without a package.

    Raises:
        ModelError: no words that the alphabet can write, or weights that are none.
    """
    _check_weights(alpha, beta)
    return Scorer(model, lexicon_of(words, alphabet), alpha, beta)


def save_scorer(model: bytes, lexicon: Lexicon, path: Path, *, alpha: float, beta: float) -> None:
    """Write a package that DeepSpeech and Coqui STT read, too.

    Args:
        model: A KenLM binary.
        lexicon: Its words.
        path: The package.
        alpha: Weight of the language model.
        beta: Reward of a word.
    """
    _check_weights(alpha, beta)
    header = _HEADER.pack(MAGIC, VERSION, lexicon.alphabet.kind == "bytes", alpha, beta)
    before = model + header
    path.write_bytes(before + openfst.pack(_automaton(lexicon.graph), len(before)))


def _check_weights(alpha: float, beta: float) -> None:
    # NaN compares as false.
    if not (abs(alpha) <= WEIGHT_MAX and abs(beta) <= WEIGHT_MAX):
        raise ModelError(f"weights of alpha {alpha} and beta {beta}; up to {WEIGHT_MAX} can be")


def _unpack(path: Path, data: mmap.mmap, alphabet: Alphabet) -> Scorer:
    at = _find(data)
    if len(data) - at > VOCABULARY_BYTES_MAX:
        raise ModelError(f"its vocabulary takes more than {VOCABULARY_BYTES_MAX} bytes")
    header, vocabulary = data[at : at + _HEADER.size], data[at + _HEADER.size :]
    _, version, bytes_mode, alpha, beta = _HEADER.unpack(header)
    if version != VERSION:
        raise ModelError(f"it is of version {version}; {VERSION} is read here, so make it anew")
    if bytes_mode != (alphabet.kind == "bytes"):
        raise ModelError("one of scorer and acoustic model is for bytes mode, the other is not")
    _check_weights(alpha, beta)
    graph = _graph(openfst.unpack(vocabulary, at + _HEADER.size))
    return Scorer(path, lexicon_of_graph(graph, alphabet), alpha, beta)


def _find(data: mmap.mmap) -> int:
    """Return where the vocabulary's header is: the last `TRIE` with an automaton behind it."""
    at = len(data) - _HEADER.size
    for _ in range(_CANDIDATES_MAX):
        at = data.rfind(MAGIC, 0, max(at, 0))
        if at < 0:
            break
        version = int.from_bytes(data[at + 4 : at + 8], "little")
        follows = data[at + _HEADER.size : at + _HEADER.size + 4] == _AUTOMATON
        if follows or 0 < version < VERSION:
            return at
    raise ModelError("it has no vocabulary: it is no scorer package, or cut short")


def _graph(automaton: openfst.Automaton) -> LabelGraph:
    """Return the automaton with its final states, words being complete, led back to the start."""
    counts = np.diff(automaton.first)
    if automaton.final[automaton.start] or np.any((counts == 0) != automaton.final):
        raise ModelError("the vocabulary has words that begin others, or dead ends")
    inner = ~automaton.final
    numbers = np.cumsum(inner) - 1
    start = int(numbers[automaton.start])
    ends_word = automaton.final[automaton.target]
    return LabelGraph(
        start=start,
        first=np.concatenate(([0], np.cumsum(counts[inner]))).astype(np.int32),
        label=(automaton.label - 1).astype(np.int32),
        target=np.where(ends_word, start, numbers[automaton.target]).astype(np.int32),
        may_end=np.arange(inner.sum()) == start,
        word=np.zeros(len(ends_word), np.int32),
        ends_word=ends_word,
        outlook=np.ones(inner.sum()),
        hope=np.ones(len(ends_word)),
    )


def _automaton(graph: LabelGraph) -> openfst.Automaton:
    """Return the graph with a state of its own for all complete words."""
    return openfst.Automaton(
        start=graph.start,
        first=np.append(graph.first, graph.first[-1]).astype(np.int64),
        label=graph.label.astype(np.int64) + 1,
        target=np.where(graph.ends_word, graph.states, graph.target).astype(np.int64),
        final=np.arange(graph.states + 1) == graph.states,
    )
