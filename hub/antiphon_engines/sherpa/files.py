"""Which sort of model lies in a folder: by its files' names, and by what the networks say.

sherpa-onnx must be told the sort, and ends its process when it is told a wrong one.
Source: sherpa-onnx 2.0.1, `sherpa-onnx/csrc/*-model.cc`, and its pages on pre-trained models.
"""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from antiphon_engines.deepspeech.importers.wire import Message
from antiphon_engines.errors import ModelError

Kind = Literal[
    "streaming-ctc",
    "streaming-transducer",
    "nemo-ctc",
    "whisper",
    "transducer",
    "nemo-transducer",
    "moonshine",
    "moonshine-merged",
    "sense-voice",
    "wenet-ctc",
]
STREAMING: Final = ("streaming-ctc", "streaming-transducer")
BIASED: Final = ("streaming-transducer", "transducer", "nemo-transducer")
"""They take hot words, where `bpe.vocab` is there too."""

_METADATA: Final = 14
"""The field `metadata_props` of ONNX's ModelProto; its entries have a key and a value."""
_NETWORKS: Final = (".onnx", ".ort")
_PARTS: Final[Mapping[Kind, Mapping[str, str]]] = {
    "moonshine": {
        "preprocessor": "preprocess",
        "encoder": "encode",
        "uncached_decoder": "uncached_decode",
        "cached_decoder": "cached_decode",
    },
    "moonshine-merged": {"decoder": "decoder_model_merged", "encoder": "encoder_model"},
}
"""Sorts that their files' names tell, the first of each alone."""
_SINGLE: Final[Mapping[str, Kind]] = {
    "zipformer2": "streaming-ctc",
    "EncDecCTCModel": "nemo-ctc",
    "EncDecCTCModelBPE": "nemo-ctc",
    "EncDecHybridRNNTCTCBPEModel": "nemo-ctc",
    "sense_voice_ctc": "sense-voice",
    "wenet_ctc": "wenet-ctc",
}
_KNOWN: Final = (
    "it knows streaming Zipformers (CTC, transducer), NeMo's CTC and transducers (Parakeet), "
    "Whisper, Moonshine, SenseVoice and WeNet's CTC"
)


class Model(msgspec.Struct, frozen=True):
    """A folder's model."""

    kind: Kind
    files: dict[str, str]
    """Paths, by what sherpa-onnx calls them."""
    bpe_vocab: str = ""

    @property
    def biased(self) -> bool:
        """Whether it takes hot words."""
        return self.kind in BIASED and bool(self.bpe_vocab)


def find(folder: Path, *, int8: bool) -> Model:
    """Return the model in a folder.

    Raises:
        ModelError: it is none that is known, or a file of it is missing; the message names it.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder; unpack the model and name its folder")
    files = {"tokens": str(_tokens(folder))}
    for kind, names in _PARTS.items():
        if _named(folder, next(iter(names.values())), int8=int8):
            parts = {part: _needed(folder, name, int8=int8) for part, name in names.items()}
            return Model(kind, {**files, **parts})
    if encoder := _named(folder, "encoder", int8=int8):
        return _with_encoder(folder, encoder, files, int8=int8)
    return _single(folder, files, int8=int8)


def about(path: Path) -> dict[str, str]:
    """Return what a network says of itself.

    Raises:
        ModelError: the file is no ONNX.
    """
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        entries = Message(data).messages(_METADATA)
        return {entry.text(1): entry.text(2) for entry in entries}
    except (OSError, ValueError, ModelError) as error:
        raise ModelError(f"{path}: damaged, or no ONNX file ({error}); load it anew") from None


def _with_encoder(folder: Path, encoder: Path, files: dict[str, str], *, int8: bool) -> Model:
    said = about(encoder)
    sort = said.get("model_type", "")
    files = {
        **files,
        "encoder": str(encoder),
        "decoder": _needed(folder, "decoder", int8=int8),
    }
    if sort.startswith("whisper") or "n_text_state" in said:
        return Model("whisper", files)
    files["joiner"] = _needed(folder, "joiner", int8=int8)
    vocabulary = folder / "bpe.vocab"
    bpe_vocab = str(vocabulary) if vocabulary.is_file() else ""
    if "decode_chunk_len" in said or "cache_last_channel_dim1" in said:
        return Model("streaming-transducer", files, bpe_vocab)
    if sort.startswith("EncDec"):
        return Model("nemo-transducer", files, bpe_vocab)
    return Model("transducer", files, bpe_vocab)


def _single(folder: Path, files: dict[str, str], *, int8: bool) -> Model:
    networks = sorted(folder.glob("*.onnx"))
    path = _named(folder, "model", int8=int8) or (networks[0] if len(networks) == 1 else None)
    if path is None:
        raise ModelError(f"{folder}: neither an encoder nor a model, both .onnx; {_KNOWN}")
    said = about(path)
    sort = said.get("model_type", "")
    kind = _SINGLE.get(sort)
    if kind is None or (kind == "streaming-ctc") != ("decode_chunk_len" in said):
        raise ModelError(f"{path}: a model of the sort {sort!r}; {_KNOWN}")
    return Model(kind, {**files, "model": str(path)})


def _tokens(folder: Path) -> Path:
    found = sorted(folder.glob("*tokens.txt"))
    if not found:
        raise ModelError(f"{folder}: tokens.txt is missing; it belongs to every model")
    return found[0]


def _needed(folder: Path, part: str, *, int8: bool) -> str:
    path = _named(folder, part, int8=int8)
    if path is None:
        raise ModelError(f"{folder}: {part}*.onnx is missing; load the whole model anew")
    return str(path)


def _named(folder: Path, part: str, *, int8: bool) -> Path | None:
    """Return the network `part….onnx` or `NAME-part….onnx`, in the wanted size if it can."""
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix in _NETWORKS and (path.name.startswith(part) or f"-{part}" in path.name)
    ]
    wanted = [path for path in found if (".int8." in path.name) == int8]
    return next(iter(wanted or found), None)
