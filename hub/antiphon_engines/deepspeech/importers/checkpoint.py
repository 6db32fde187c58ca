"""Reads training checkpoints of DeepSpeech 0.9 and Coqui STT 1.x: TensorFlow's tensor bundles.

A `.index` file, which is a LevelDB table from names to where the data lies, and files of data.
Source: TensorFlow 2.3, `core/protobuf/tensor_bundle.proto`,
`core/util/tensor_bundle/tensor_bundle.cc`; LevelDB, `doc/table_format.md`.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.importers.crc32c import crc32c, masked
from antiphon_engines.deepspeech.importers.found import LAYER_NORM, NAMES, Found, read_file
from antiphon_engines.deepspeech.importers.graph import FLOAT
from antiphon_engines.deepspeech.importers.wire import Message, varint
from antiphon_engines.deepspeech.weights import Floats
from antiphon_engines.errors import ModelError

_MAGIC: Final = 0xDB47_7524_8B80_FB57
_FOOTER_BYTES: Final = 48
_TRAILER_BYTES: Final = 5
"""After each block: the kind of its compression, and its checksum."""
_ENTRIES_MAX: Final = 20_000
_INDEX_BYTES_MAX: Final = 16 * 1024**2
_SHARDS_MAX: Final = 64
_STATE_BYTES_MAX: Final = 64 * 1024


def import_checkpoint(prefix: Path, alphabet: Alphabet) -> Found:
    """Read a model from the checkpoint of that prefix; it has no alphabet and no rate of its own.

    Raises:
        ModelError: damaged, or not such a model.
    """
    bundle = _Bundle(prefix)
    if LAYER_NORM in bundle.entries:
        raise ModelError("the network has layer normalisation, which is not computed here")
    arrays = {ours: bundle.tensor(theirs) for ours, theirs in NAMES.items()}
    return Found(arrays=arrays, alphabet=alphabet)


def find_checkpoint(path: Path) -> Path | None:
    """Return the prefix of the checkpoint that is meant: itself, its index, or its folder's newest.

    Raises:
        ModelError: a folder that names none.
    """
    if path.suffix == ".index":
        return path.with_suffix("")
    if path.is_dir():
        return _newest(path)
    return path if path.with_name(f"{path.name}.index").is_file() else None


def _newest(folder: Path) -> Path:
    for name in ("best_dev_checkpoint", "checkpoint"):
        state = folder / name
        if state.is_file():
            with state.open("rb") as file:
                text = file.read(_STATE_BYTES_MAX)
            if found := re.search(
                rb'^model_checkpoint_path: "([^"\x00-\x1f]+)"', text, re.MULTILINE
            ):
                # Trained elsewhere: only the name still holds.
                return folder / Path(found[1].decode("utf-8", "replace")).name
    raise ModelError(f"{folder} is a folder without a checkpoint; name the model's file")


class _Bundle:
    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        data = read_file(prefix.with_name(f"{prefix.name}.index"))
        if len(data) > _INDEX_BYTES_MAX:
            raise ModelError(f"an index of {len(data)} bytes; {_INDEX_BYTES_MAX} are the limit")
        self.entries = dict(_table(data))
        header = Message(self.entries.pop("", memoryview(b"")))
        self._shards = header.integer(1)
        if not 0 < self._shards <= _SHARDS_MAX or header.integer(2):
            raise ModelError("the checkpoint is damaged, or of a big-endian machine")

    def tensor(self, name: str) -> Floats:
        if name not in self.entries:
            raise ModelError(
                f"the checkpoint has no {name}; it is no DeepSpeech 0.9 or Coqui STT 1.x model"
            )
        entry = Message(self.entries[name])
        shape = tuple(size.integer(1) for size in entry.message(2).messages(2))
        offset, size_bytes = entry.integer(4), entry.integer(5)
        if entry.integer(1) != FLOAT or 7 in entry or min(shape, default=0) < 0:  # noqa: PLR2004 - 7: slices of a partitioned variable
            raise ModelError(f"{name} is not a whole array of floats")
        data = self._shard(entry.integer(3))
        if size_bytes != 4 * math.prod(shape) or not 0 <= offset <= len(data) - size_bytes:
            raise ModelError(f"{name} is not where the index says; the checkpoint is damaged")
        content = data[offset : offset + size_bytes]
        if masked(crc32c(content)) != entry.fixed(6):
            raise ModelError(f"{name} has another checksum than the index says; it is damaged")
        return np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)

    def _shard(self, number: int) -> memoryview:
        if not 0 <= number < self._shards:
            raise ModelError("the checkpoint is damaged: it names a file that it has not")
        name = f"{self._prefix.name}.data-{number:05}-of-{self._shards:05}"
        return read_file(self._prefix.with_name(name))


def _table(data: memoryview) -> Iterator[tuple[str, memoryview]]:
    """Return the entries of a LevelDB table."""
    footer = data[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise ModelError("the index is no TensorFlow checkpoint's")
    at = 0
    for _ in range(2):  # the index of meta blocks, then that of the blocks
        offset, at = varint(footer, at)
        size_bytes, at = varint(footer, at)
    count = 0
    for _, handle in _block(data, offset, size_bytes):
        begin, after = varint(handle, 0)
        for key, value in _block(data, begin, varint(handle, after)[0]):
            count += 1
            if count > _ENTRIES_MAX:
                raise ModelError(f"a checkpoint of more than {_ENTRIES_MAX} arrays")
            yield key.decode("utf-8", "replace"), value


def _block(data: memoryview, offset: int, size_bytes: int) -> Iterator[tuple[bytes, memoryview]]:
    """Return the entries of a block, whose keys leave out what they share with the one before."""
    whole = data[offset : offset + size_bytes + _TRAILER_BYTES]
    if size_bytes < 4 or len(whole) != size_bytes + _TRAILER_BYTES:  # noqa: PLR2004 - a 32-bit count ends each block
        raise ModelError("the index is cut short")
    checksum = int.from_bytes(whole[-4:], "little")
    if masked(crc32c(whole[:-4])) != checksum or whole[size_bytes]:
        raise ModelError("the index is damaged, or compressed")
    block = whole[:size_bytes]
    restarts = int.from_bytes(block[-4:], "little")
    entries = block[: max(0, size_bytes - 4 - 4 * restarts)]
    key, at = b"", 0
    while at < len(entries):
        shared, at = varint(entries, at)
        fresh_bytes, at = varint(entries, at)
        value_bytes, at = varint(entries, at)
        end = at + fresh_bytes + value_bytes
        if shared > len(key) or end > len(entries):
            raise ModelError("the index is damaged: an entry goes on after its block")
        key = key[:shared] + bytes(entries[at : at + fresh_bytes])
        yield key, entries[at + fresh_bytes : end]
        at = end
