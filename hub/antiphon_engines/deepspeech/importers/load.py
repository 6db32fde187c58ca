"""Reads a model file of any kind that we know."""

from pathlib import Path

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.importers.checkpoint import find_checkpoint, import_checkpoint
from antiphon_engines.deepspeech.importers.found import Found, read_file
from antiphon_engines.deepspeech.importers.graph import import_graph
from antiphon_engines.deepspeech.importers.tflite import IDENTIFIER, import_tflite
from antiphon_engines.deepspeech.weights import Weights
from antiphon_engines.errors import ModelError

_ZIP: bytes = b"PK\x03\x04"


def load_weights(path: Path, alphabet: Alphabet | None = None) -> Weights:
    """Read a network: our `.npz`, a `.pb`, `.pbmm` or `.tflite`, or a training checkpoint.

    What it is, is told by its content.

    Args:
        path: The file; of a checkpoint its prefix, its `.index` or its folder.
        alphabet: Needed by a checkpoint, which has none.

    Raises:
        ModelError: it cannot be read, is damaged or foreign, or lacks its alphabet.
    """
    try:
        prefix = find_checkpoint(path)
        if prefix is None:
            return _load_file(path)
        if alphabet is None:
            raise ModelError("a checkpoint needs the alphabet.txt that it was trained with")  # noqa: TRY301 - all errors name the file below
        return import_checkpoint(prefix, alphabet).weights()
    except OSError as error:  # such as a name that is too long
        raise ModelError(f"model {path}: {error.strerror or error}") from None
    except ModelError as error:
        text = str(error)
        raise ModelError(text if str(path) in text else f"model {path}: {text}") from None


def _load_file(path: Path) -> Weights:
    data = read_file(path)
    if bytes(data[:4]) == _ZIP:
        return Weights.load(path)
    return _import(data).weights()


def _import(data: memoryview) -> Found:
    return import_tflite(data) if bytes(data[4:8]) == IDENTIFIER else import_graph(data)
