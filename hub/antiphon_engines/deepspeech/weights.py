"""What a network has learned, in one layout for all its run times and files.

Source: Mozilla DeepSpeech 0.9, `training/deepspeech_training/train.py` (the network and its names).
"""

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.errors import ModelError

Floats = npt.NDArray[np.float32]

RELU_CLIP: Final = 20.0
"""The dense layers' outputs are cut to 0..20."""
_META_BYTES_MAX: Final = 16 * 1024**2
_NPY_HEADER_BYTES_MAX: Final = 4_096
_META: Final = "meta.json"

Width = Annotated[int, msgspec.Meta(ge=1, le=16_384)]


class Geometry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The network's sizes."""

    sample_rate_hz: Annotated[int, msgspec.Meta(ge=8_000, le=48_000)] = 16_000
    window_samples: Annotated[int, msgspec.Meta(ge=64, le=8_192)] = 512
    step_samples: Annotated[int, msgspec.Meta(ge=32, le=8_192)] = 320
    features: Annotated[int, msgspec.Meta(ge=1, le=40)] = 26
    context: Annotated[int, msgspec.Meta(ge=0, le=64)] = 9
    """Feature frames that the first layer sees before and after the current one."""
    hidden: Width = 2_048
    """Width of the dense layers 1, 2, 3 and 5."""
    lstm: Width = 2_048
    """Cells of the LSTM, in each direction."""
    classes: Annotated[int, msgspec.Meta(ge=2, le=32_769)] = 29
    """Labels and blank."""
    bidirectional: bool = False
    """A second LSTM reads the utterance backwards (Hannun et al. 2014): no streaming."""

    def __post_init__(self) -> None:
        if self.step_samples > self.window_samples:
            raise ModelError("the windows of a network's features must not leave gaps")

    @property
    def inputs(self) -> int:
        """Width of the first layer's input: a context of feature frames, oldest first."""
        return (2 * self.context + 1) * self.features


class Layer(msgspec.Struct, frozen=True):
    """y = x @ w + b."""

    w: Floats
    """[inputs, outputs]"""
    b: Floats
    """[outputs]"""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A whole network: float32 arrays, all finite, of the geometry's shapes.

    An LSTM's `w` is [inputs + cells, 4 * cells], its input above its own last output; its gates are
    in the order input, cell, forget, output, as TensorFlow's BlockLSTM has them, with no further
    bias for the forget gate.

    Raises:
        ModelError: shapes that do not fit together, or numbers that are none.
    """

    geometry: Geometry
    alphabet: Alphabet
    dense1: Layer
    dense2: Layer
    dense3: Layer
    lstm: Layer
    dense5: Layer
    dense6: Layer
    lstm_backward: Layer | None = None
    """Only of a bidirectional network."""
    mean: Floats | None = None
    """[features], taken from every feature frame, the zero frames around the audio included."""
    std: Floats | None = None
    """[features], which then divides it."""
    beam_width: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = 500
    """The width that the model's maker suggests for decoding."""
    language: str = ""
    """BCP 47 tag; empty if the file does not say."""

    def __post_init__(self) -> None:
        if self.alphabet.classes != self.geometry.classes:
            raise ModelError(
                f"the network has {self.geometry.classes} outputs, its alphabet of "
                f"{len(self.alphabet.labels)} labels needs {self.alphabet.classes}; "
                "give the alphabet that it was trained with"
            )
        if (self.mean is None) != (self.std is None):
            raise ModelError("a network has a mean and a deviation of its features, or neither")
        have = dict(self.arrays())
        shapes = _shapes(self.geometry)
        if self.mean is None:
            del shapes["mean"], shapes["std"]
        if set(have) != set(shapes):
            raise ModelError(f"the network lacks {', '.join(sorted(set(have) ^ set(shapes)))}")
        for name, array in have.items():
            _check(name, array, shapes[name])

    def arrays(self) -> Iterator[tuple[str, Floats]]:
        """Return the arrays by their names in a saved file."""
        for name in ("dense1", "dense2", "dense3", "lstm", "lstm_backward", "dense5", "dense6"):
            layer: Layer | None = getattr(self, name)
            if layer is not None:
                yield f"{name}.w", layer.w
                yield f"{name}.b", layer.b
        if self.mean is not None and self.std is not None:
            yield "mean", self.mean
            yield "std", self.std

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Floats], **others: Any) -> Self:
        """Build a network from what `arrays` gives, and its other fields by name.

        Raises:
            ModelError: one is missing or does not fit.
        """
        layers = {name.partition(".")[0] for name in arrays if "." in name}
        try:
            fields: dict[str, Any] = {
                name: Layer(arrays[f"{name}.w"], arrays[f"{name}.b"]) for name in layers
            }
            fields |= {name: arrays[name] for name in ("mean", "std") if name in arrays}
            return cls(**fields, **others)
        except (KeyError, TypeError) as error:
            raise ModelError(f"the network is not whole: {error}") from None

    def folded(self) -> Self:
        """Return an equal network that takes features as they are: no mean, no deviation."""
        if self.mean is None or self.std is None:
            return self
        times = 2 * self.geometry.context + 1
        w = self.dense1.w / np.tile(self.std, times)[:, None]
        b = self.dense1.b - np.tile(self.mean, times).astype(np.float64) @ w
        dense1 = Layer(w.astype(np.float32), b.astype(np.float32))
        return msgspec.structs.replace(self, dense1=dense1, mean=None, std=None)

    def save(self, path: Path) -> None:
        """Write an .npz of the arrays, and of `meta.json` for the rest."""
        meta = _Meta(
            self.geometry, self.alphabet, self.mean is not None, self.beam_width, self.language
        )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
            file.writestr(_META, msgspec.json.encode(meta))
            for name, array in self.arrays():
                with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.ascontiguousarray(array, "<f4"))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            ModelError: no such file, damaged, or not one of ours.
        """
        try:
            with zipfile.ZipFile(path) as file:
                return cls._read(file)
        except ModelError as error:
            raise ModelError(f"model {path}: {error}") from None
        except OSError as error:
            raise ModelError(f"model {path}: {error.strerror or error}") from None
        except (
            zipfile.BadZipFile,
            KeyError,
            ValueError,
            NotImplementedError,
            RuntimeError,
            EOFError,
        ) as error:
            raise ModelError(f"model {path} is damaged, or none of ours: {error}") from None

    @classmethod
    def _read(cls, file: zipfile.ZipFile) -> Self:
        try:
            meta = msgspec.json.decode(_entry(file, _META, _META_BYTES_MAX), type=_Meta)
        except msgspec.MsgspecError as error:
            raise ModelError(f"{_META}: {error}") from None
        shapes = _shapes(meta.geometry)
        if not meta.normalised:
            del shapes["mean"], shapes["std"]
        arrays = {name: _array(file, name, shape) for name, shape in shapes.items()}
        return cls.from_arrays(
            arrays,
            geometry=meta.geometry,
            alphabet=meta.alphabet,
            beam_width=meta.beam_width,
            language=meta.language,
        )


class _Meta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    geometry: Geometry
    alphabet: Alphabet
    normalised: bool
    beam_width: Annotated[int, msgspec.Meta(ge=1, le=65_536)]
    language: Annotated[str, msgspec.Meta(max_length=64)]


def random_weights(
    geometry: Geometry, seed: int, *, alphabet: Alphabet | None = None, gain: float = 1.0
) -> Weights:
    """Return a network that has learned nothing, the same one for the same seed.

    Args:
        geometry: Its sizes.
        seed: Of its numbers.
        alphabet: By default English for 29 classes, bytes for 256, invented labels for others.
        gain: Times the spread that keeps the outputs in their range (Glorot and Bengio 2010).
    """
    random = np.random.default_rng(seed)
    arrays: dict[str, Floats] = {}
    for name, shape in _shapes(geometry).items():
        if name.endswith(".w"):
            spread = gain * (6 / sum(shape)) ** 0.5
            arrays[name] = random.uniform(-spread, spread, shape).astype(np.float32)
        elif name.endswith(".b"):
            arrays[name] = random.uniform(-0.1, 0.1, shape).astype(np.float32)
    return Weights.from_arrays(
        arrays, geometry=geometry, alphabet=alphabet or _some_alphabet(geometry.classes)
    )


def _some_alphabet(classes: int) -> Alphabet:
    for known in (Alphabet.english(), Alphabet.utf8()):
        if known.classes == classes:
            return known
    return Alphabet((" ", *(chr(0x4E00 + index) for index in range(classes - 2))))


def _shapes(geometry: Geometry) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array; the last two may be absent from a network."""
    hidden, cells = geometry.hidden, geometry.lstm
    layers = {
        "dense1": (geometry.inputs, hidden),
        "dense2": (hidden, hidden),
        "dense3": (hidden, hidden),
        "lstm": (hidden + cells, 4 * cells),
        "dense5": (cells * (2 if geometry.bidirectional else 1), hidden),
        "dense6": (hidden, geometry.classes),
    }
    if geometry.bidirectional:
        layers["lstm_backward"] = layers["lstm"]
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (inputs, outputs) in layers.items():
        shapes |= {f"{name}.w": (inputs, outputs), f"{name}.b": (outputs,)}
    return shapes | {"mean": (geometry.features,), "std": (geometry.features,)}


def _check(name: str, array: Floats, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float32:
        have, wanted = (" x ".join(map(str, one)) for one in (array.shape, shape))
        raise ModelError(
            f"{name} is {have} of {array.dtype}; the network needs {wanted} of float32"
        )
    if not np.isfinite(array).all():
        raise ModelError(f"{name} holds numbers that are none (NaN or infinite)")
    if name == "std" and not (array > 0).all():
        raise ModelError("the features' deviation must be above zero")


def _array(file: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> Floats:
    """Read one array of a known shape, so that no header decides how much memory is taken."""
    size_bytes = 4 * math.prod(shape)
    data = io.BytesIO(_entry(file, f"{name}.npy", size_bytes + _NPY_HEADER_BYTES_MAX))
    if np.lib.format.read_magic(data) != (1, 0):
        raise ModelError(f"{name} is in another version of numpy's format")
    have, fortran, dtype = np.lib.format.read_array_header_1_0(data)
    body = data.read()
    if (have, fortran, dtype.str, len(body)) != (shape, False, "<f4", size_bytes):
        raise ModelError(f"{name} is not of the shape that the file's own sizes need")
    return np.frombuffer(body, "<f4").reshape(shape).astype(np.float32, copy=False)


def _entry(file: zipfile.ZipFile, name: str, bytes_max: int) -> bytes:
    """Read an entry that is no larger than it may be, and that no compression makes larger."""
    info = file.getinfo(name)
    if (
        info.compress_type != zipfile.ZIP_STORED
        or not info.file_size <= info.compress_size <= bytes_max
    ):
        raise ModelError(f"{name} is compressed or too large")
    return file.read(info)
