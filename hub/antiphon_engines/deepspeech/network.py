"""A model file made ready to run, by the run time that fits the machine."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.importers.load import load_weights
from antiphon_engines.deepspeech.runtime import graph, sums
from antiphon_engines.deepspeech.runtime.numpy_runtime import NumpyRuntime
from antiphon_engines.deepspeech.runtime.port import AcousticRuntime
from antiphon_engines.deepspeech.weights import Geometry, Weights
from antiphon_engines.errors import EngineMissingError, ModelError

Device = Literal["cpu", "cuda"]
Precision = Literal["auto", "int8", "float32", "bfloat16", "float16"]
Library = Literal["auto", "onnx", "torch", "numpy"]

_FORMAT: Final = b"antiphon onnx 2\0"
"""Changes whenever what `graph.build` makes of the same weights does."""
_FILES_MAX: Final = 64
"""A checkpoint has an index and some shards."""


class NetworkOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which network, and how it is run."""

    model: str
    """`.npz` (ours), `.pb`, `.pbmm`, `.tflite`, or a training checkpoint's folder or prefix."""
    alphabet: str = ""
    """`alphabet.txt`, for checkpoints, which do not hold one."""
    device: Device = "cpu"
    library: Library = "auto"
    """`auto`: ONNX Runtime on the CPU, torch on the GPU."""
    precision: Precision = "auto"
    """`auto`: int8 with ONNX Runtime, float16 on the GPU."""
    threads: int = 1
    """Two are slower than one wherever the machine has other work."""


class Network(msgspec.Struct, frozen=True, eq=False):
    """A model that can be loaded, again and again."""

    geometry: Geometry
    alphabet: Alphabet
    language: str
    beam_width: int
    load: Callable[[], AcousticRuntime]
    """Raises ModelError, EngineMissingError or EngineFailedError."""


def open_network(options: NetworkOptions) -> Network:
    """Read a model file; with ONNX Runtime, keep what was built of it beside the file.

    Raises:
        ModelError: the file or the alphabet cannot be used, or the options do not fit together.
        EngineMissingError: the library is not installed; the message says what to install.
    """
    model, alphabet = Path(options.model), Path(options.alphabet) if options.alphabet else None

    def read() -> Weights:
        return load_weights(model, Alphabet.read(alphabet) if alphabet else None)

    library = options.library
    if library == "auto":
        library = "onnx" if options.device == "cpu" else "torch"
    if options.device == "cuda" and library != "torch":
        raise ModelError(f"deepspeech: {library} does not run on cuda; library = 'torch' does")
    if library == "onnx":
        return _onnx(options, read, [model, alphabet])
    weights = read()
    load = _torch(options, weights) if library == "torch" else lambda: NumpyRuntime(weights)
    return Network(weights.geometry, weights.alphabet, weights.language, weights.beam_width, load)


def _onnx(
    options: NetworkOptions, weights: Callable[[], Weights], sources: list[Path | None]
) -> Network:
    precision = "int8" if options.precision == "auto" else options.precision
    if precision not in ("int8", "float32"):
        raise ModelError(f"deepspeech: ONNX Runtime runs int8 and float32 here, not {precision}")
    try:
        from antiphon_engines.deepspeech.runtime.onnx_runtime import (  # noqa: PLC0415 - optional
            OnnxRuntime,
        )
    except ImportError as error:
        raise EngineMissingError(
            f"deepspeech needs {error.name}; the extra deepspeech of antiphon-hub brings it"
        ) from None

    def load() -> OnnxRuntime:
        places = _places(sources, precision)
        for place in places:
            with contextlib.suppress(OSError, ModelError):  # absent or damaged: it is built anew
                return OnnxRuntime(place.read_bytes(), precision, threads=options.threads)
        data = graph.build(weights(), precision)
        _keep(data, places)
        return OnnxRuntime(data, precision, threads=options.threads)

    first = load()
    return Network(
        first.geometry, first.alphabet, first.language, first.beam_width, _first_then(first, load)
    )


def _first_then(
    first: AcousticRuntime, load: Callable[[], AcousticRuntime]
) -> Callable[[], AcousticRuntime]:
    """Give away what is loaded already, and load anew from then on."""
    loaded = [first]
    return lambda: loaded.pop() if loaded else load()


def _torch(options: NetworkOptions, weights: Weights) -> Callable[[], AcousticRuntime]:
    try:
        from antiphon_engines.deepspeech.runtime.torch_runtime import (  # noqa: PLC0415 - optional
            TorchRuntime,
        )
    except ImportError as error:
        raise EngineMissingError(
            f"deepspeech needs {error.name} for this; the extra torch of antiphon-hub brings it"
        ) from None
    precision = options.precision
    if precision == "auto":
        precision = "float16" if options.device == "cuda" else "float32"
    if precision == "int8":
        raise ModelError("deepspeech: torch runs no int8 here; library = 'onnx' does")

    def load() -> TorchRuntime:
        return TorchRuntime(
            weights, device=options.device, precision=precision, threads=options.threads
        )

    return _first_then(load(), load)


def _places(sources: list[Path | None], precision: str) -> list[Path]:
    """Return where the built network may lie: beside the model, or in the user's cache."""
    digest = hashlib.sha256(_FORMAT + f"{precision} {sums.integer_top()}".encode())
    for source in sources:
        for file in _files(source) if source is not None else ():
            try:
                with file.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
            except OSError as error:
                raise ModelError(f"model {file}: {error.strerror}") from None
    model = sources[0]
    name = f"{model.name if model else ''}.{digest.hexdigest()[:16]}.{precision}.onnx"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    beside = [model.with_name(name)] if model else []
    return [*beside, cache / "antiphon" / "deepspeech" / name]


def _files(source: Path) -> Iterator[Path]:
    """Yield a file, or those of a checkpoint's folder or prefix."""
    if source.is_dir():
        found = sorted(one for one in source.iterdir() if one.is_file())
    elif source.is_file():
        found = [source]
    else:
        found = sorted(source.parent.glob(f"{source.name}.*")) or [source]
    if len(found) > _FILES_MAX:
        raise ModelError(f"model {source}: {len(found)} files are no checkpoint")
    yield from (one for one in found if one.suffix != ".onnx")


def _keep(data: bytes, places: list[Path]) -> None:
    """Write the built network to the first place that takes it; without one it is built again."""
    for place in places:
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_suffix(f".{os.getpid()}")
            part.write_bytes(data)
            part.replace(place)
            return
