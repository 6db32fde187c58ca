"""Writes language models as KenLM binaries (probing hash tables), as its `build_binary` does.

So a scorer package of the home's own sentences can be made here, and read by anything that reads
DeepSpeech's. Source: KenLM, `lm/binary_format.cc`, `lm/search_hashed.hh`, `lm/vocab.cc`,
`util/probing_hash_table.hh`; the hash is MurmurHash64A. Pure.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.kenlm import SANITY
from antiphon_engines.deepspeech.lm import UNKNOWN, LanguageModel, NGram, Words

_MULTIPLIER: Final = 1.5
_FIXED: Final = struct.Struct("<B3xfIB3xI")
_PROBING: Final = 0
_U64: Final = 0xFFFF_FFFF_FFFF_FFFF
_MURMUR: Final = 0xC6A4_A793_5BD1_E995
_SHIFT: Final = 47
_CONTEXT_FACTOR: Final = 8_978_948_897_894_561_157
_WORD_FACTOR: Final = 17_894_857_484_156_487_943
_WORD: Final = np.dtype([("key", "<u8"), ("id", "<u4")])
_UNIGRAM: Final = np.dtype([("probability", "<f4"), ("backoff", "<f4")])
_MIDDLE: Final = np.dtype([("key", "<u8"), ("probability", "<f4"), ("backoff", "<f4")])
_LONGEST: Final = np.dtype([("key", "<u8"), ("probability", "<f4")])


def pack_kenlm(model: LanguageModel) -> bytes:
    """Return the model as a KenLM binary, without the words' own text (`build_binary -v`)."""
    ids = {UNKNOWN: 0}
    for (word,) in model.orders[0]:
        ids.setdefault(word, len(ids))
    orders = len(model.orders)
    counts = [len(these) for these in model.orders]
    header = SANITY + _FIXED.pack(orders, _MULTIPLIER, _PROBING, 0, 0)
    header += struct.pack(f"<{orders}Q", *counts)
    header += bytes(-len(header) % 8)
    tables = (_table(model, ids, n).tobytes() for n in range(2, orders + 1))
    return b"".join((header, _vocabulary(ids), _unigrams(model, ids), *tables))


def murmur_hash(data: bytes) -> int:
    """Return MurmurHash64A with seed 0."""
    value = len(data) * _MURMUR & _U64
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        block = int.from_bytes(data[at : at + 8], "little") * _MURMUR & _U64
        block = (block ^ block >> _SHIFT) * _MURMUR & _U64
        value = (value ^ block) * _MURMUR & _U64
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MURMUR & _U64
    value = (value ^ value >> _SHIFT) * _MURMUR & _U64
    return value ^ value >> _SHIFT


def _vocabulary(ids: Mapping[str, int]) -> bytes:
    table = np.zeros(_buckets(len(ids)), _WORD)
    named = [(murmur_hash(word.encode()), word_id) for word, word_id in ids.items() if word_id]
    places = _places([key for key, _ in named], len(table))
    table["key"][places] = np.array([key for key, _ in named], np.uint64)
    table["id"][places] = [word_id for _, word_id in named]
    return struct.pack("<II", 0, len(ids)) + table.tobytes()


def _unigrams(model: LanguageModel, ids: Mapping[str, int]) -> bytes:
    """Return the words' own numbers; a place for a missing <unk> comes last."""
    table = np.zeros(len(ids) + 1, _UNIGRAM)
    these = model.orders[0]
    at = [ids[word] for (word,) in these]
    table["probability"][at], table["backoff"][at] = _numbers(model, 1)
    return table.tobytes()


def _table(model: LanguageModel, ids: Mapping[str, int], n: int) -> npt.NDArray[Any]:
    these = model.orders[n - 1]
    longest = n == len(model.orders)
    table = np.zeros(_buckets(len(these)), _LONGEST if longest else _MIDDLE)
    keys = [_key([ids[word] for word in words]) for words in these]
    places = _places(keys, len(table))
    table["key"][places] = np.array(keys, np.uint64)
    probability, backoff = _numbers(model, n)
    table["probability"][places] = probability
    if not longest:
        table["backoff"][places] = backoff
    return table


def _numbers(
    model: LanguageModel, n: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return probabilities and back-offs; their signs tell what longer n-grams there are.

    A probability without its minus: the words are the end of a longer n-gram. A back-off of -0: no
    longer n-gram begins with them.
    """
    these: Mapping[Words, NGram] = model.orders[n - 1]
    longer: Iterable[Words] = model.orders[n] if n < len(model.orders) else ()
    ends, begins = set[Words](), set[Words]()
    for words in longer:
        ends.add(words[1:])
        begins.add(words[:-1])
    probability = np.array([-abs(one.log10_probability) for one in these.values()], np.float32)
    probability[[words in ends for words in these]] *= -1
    backoff = np.array([one.log10_backoff for one in these.values()], np.float32)
    last = np.array([words not in begins for words in these]) & (backoff == 0.0)
    backoff[last] = -0.0
    return probability, backoff


def _key(ids: list[int]) -> int:
    """Return an n-gram's key: from its last word back."""
    key = ids[-1]
    for word in ids[-2::-1]:
        key = (key * _CONTEXT_FACTOR & _U64) ^ ((1 + word) * _WORD_FACTOR & _U64)
    return key


def _buckets(entries: int) -> int:
    return max(entries + 1, int(np.float32(_MULTIPLIER) * np.float32(entries)))


def _places(keys: Iterable[int], buckets: int) -> list[int]:
    """Return where linear probing puts each key."""
    taken = bytearray(buckets)
    places: list[int] = []
    for key in keys:
        place = key % buckets
        while taken[place]:
            place = (place + 1) % buckets
        taken[place] = 1
        places.append(place)
    return places
