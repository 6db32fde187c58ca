"""A small network that rates senones beside the Gaussians; it has heard rooms and noise.

Time-delay layers with a bottleneck and a way past each (Povey et al., "Semi-orthogonal low-rank
matrix factorization for deep neural networks", 2018), one class for each of a model's more frequent
senones, posterior over prior (Bourlard & Morgan, "Connectionist speech recognition", 1994). What a
frame has in common for all senones is left out: a search looks at differences alone.

The file holds 16-bit floats and says how many of which; nothing in it is run.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.errors import ModelError
from antiphon_engines.hmm.model import Floats

MAGIC: Final = b"antiphon senones 1\n"
FIRST_TAPS: Final = 5
"""Frames that the first layer sees."""
TAPS: Final = 3
"""Frames that each other layer sees, a dilation apart."""
_FILE_BYTES_MAX: Final = 32 * 1024**2
_WIDTH_MAX: Final = 4096
_LAYERS_MAX: Final = 32
_VALUE_MAX: Final = 1e4


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file says of itself."""

    bands: int
    """Mel bands of a frame."""
    width: int
    """Of the layers."""
    bottleneck: int
    dilations: tuple[int, ...]
    """Of the layers behind the first."""
    classes: int
    senones: int
    """Of the model that it goes with."""
    scale: float
    """Of the bands, before the first layer."""
    made_of: dict[str, Any] = {}
    """How it was made, for whoever makes the next one."""

    @property
    def reach(self) -> int:
        """Frames that it sees to either side."""
        return FIRST_TAPS // 2 + sum(self.dilations)

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the arrays' names and shapes, in the file's order."""
        yield "first", (FIRST_TAPS * self.bands, self.width)
        yield "first_bias", (self.width,)
        yield "first_gain", (self.width,)
        yield "first_shift", (self.width,)
        for number in range(len(self.dilations)):
            yield f"down{number}", (TAPS * self.width, self.bottleneck)
            yield f"up{number}", (self.bottleneck, self.width)
            yield f"bias{number}", (self.width,)
            yield f"gain{number}", (self.width,)
            yield f"shift{number}", (self.width,)
        yield "out", (self.width, self.classes)
        yield "out_bias", (self.classes,)


Arrays = dict[str, Floats]


class Network:
    """Rates all senones of a model; immutable, for any thread."""

    def __init__(self, header: Header, arrays: Arrays, classes: npt.NDArray[np.int64]) -> None:
        """Take the arrays that `header.shapes` names.

        Args:
            header: Their sizes.
            arrays: float32.
            classes: The class of each senone, (senones,).
        """
        self.header = header
        self.arrays = arrays
        self.classes = classes

    @property
    def margins(self) -> tuple[int, ...]:
        """How many frames fewer each layer gives than it takes."""
        return FIRST_TAPS - 1, *((TAPS - 1) * one for one in self.header.dilations)

    def layer(self, number: int, frames: Floats) -> Floats:
        """Return what a layer makes of frames, fewer by its margin.

        Args:
            number: 0 is the first.
            frames: For the first (frames, bands), see `stt.features.Sound`; else (frames, width).
        """
        arrays = self.arrays
        if not number:
            inputs = (frames * np.float32(self.header.scale)).astype(np.float32)
            wide = np.concatenate(_taps(inputs, FIRST_TAPS, 1), axis=1) @ arrays["first"]
            return _ended(wide, arrays, "first_bias", "first_gain", "first_shift")
        number -= 1
        dilation = self.header.dilations[number]
        down = arrays[f"down{number}"].reshape(TAPS, self.header.width, -1)
        narrow = sum(tap @ down[place] for place, tap in enumerate(_taps(frames, TAPS, dilation)))
        wide = narrow @ arrays[f"up{number}"]
        names = (f"bias{number}", f"gain{number}", f"shift{number}")
        return _ended(wide, arrays, *names) + frames[dilation : len(frames) - dilation]

    def likelihoods(self, hidden: Floats) -> Floats:
        """Return log likelihoods up to what each frame has in common, (frames, senones).

        Args:
            hidden: What the last layer gave, (frames, width).
        """
        rated = hidden @ self.arrays["out"] + self.arrays["out_bias"]
        found: Floats = rated[:, self.classes]
        return found


class Along:
    """What a network makes of frames as they come; nothing is computed twice."""

    def __init__(self, network: Network) -> None:
        self._network = network
        widths = (network.header.bands, *(network.header.width for _ in network.header.dilations))
        self._kept = [np.zeros((0, width), np.float32) for width in widths]

    def push(self, bands: Floats) -> Floats:
        """Take more frames, (n, bands); return the likelihoods of those seen far enough around.

        The first and the last `reach` frames only surround the others.
        """
        at = bands
        for number, margin in enumerate(self._network.margins):
            joined = np.concatenate((self._kept[number], at))
            if len(joined) <= margin:
                self._kept[number] = joined
                return np.zeros((0, self._network.header.senones), np.float32)
            self._kept[number] = joined[len(joined) - margin :]
            at = self._network.layer(number, joined)
        return self._network.likelihoods(at)


def _taps(frames: Floats, count: int, dilation: int) -> list[Floats]:
    """Return the frames seen from each place, views."""
    length = len(frames) - (count - 1) * dilation
    return [frames[place * dilation : place * dilation + length] for place in range(count)]


def _ended(wide: Floats, arrays: Arrays, bias: str, gain: str, shift: str) -> Floats:
    ended: Floats = np.maximum(wide + arrays[bias], 0.0) * arrays[gain] + arrays[shift]
    return ended


def write_network(
    path: Path, header: Header, arrays: Arrays, classes: npt.NDArray[np.int64]
) -> None:
    """Write the file."""
    head = msgspec.json.encode(header)
    body = [struct.pack("<I", len(head)), head, classes.astype("<i2").tobytes()]
    body += [arrays[name].astype("<f2").tobytes() for name, _ in header.shapes()]
    path.write_bytes(MAGIC + zlib.compress(b"".join(body), 9))


def read_network(path: Path, senones: int) -> Network:
    """Return the network in the file.

    Args:
        path: What `write_network` wrote.
        senones: How many the model has that it shall go with.

    Raises:
        ModelError: it is absent, damaged, or of another model.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None
    if not raw.startswith(MAGIC):
        raise ModelError(f"{path} is no network of senones: make it anew")
    try:
        network = _parted(_unpacked(raw[len(MAGIC) :]))
    except (zlib.error, struct.error, ValueError, msgspec.DecodeError) as error:
        raise ModelError(f"{path} is damaged: {error}") from None
    if network.header.senones != senones:
        raise ModelError(f"{path} is of another model: {network.header.senones} senones")
    return network


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    body = unpacking.decompress(packed, _FILE_BYTES_MAX)
    if not unpacking.eof:
        raise ValueError("it is cut short, or too long")
    return body


def _parted(body: bytes) -> Network:
    (length,) = struct.unpack_from("<I", body)
    header = msgspec.json.decode(body[4 : 4 + length], type=Header)
    sizes = (header.bands, header.width, header.bottleneck, header.classes)
    if not all(0 < one <= _WIDTH_MAX for one in sizes) or len(header.dilations) > _LAYERS_MAX:
        raise ValueError("its sizes are none")
    if not header.dilations or not all(0 < one <= _LAYERS_MAX for one in header.dilations):
        raise ValueError("its layers are none")
    at = 4 + length
    if not 0 < header.senones <= (len(body) - at) // 2:
        raise ValueError("it is cut short")
    classes = np.frombuffer(body, "<i2", header.senones, at).astype(np.int64)
    at += 2 * header.senones
    arrays = {}
    for name, shape in header.shapes():
        count = int(np.prod(shape))
        values = np.frombuffer(body, "<f2", count, at).astype(np.float32).reshape(shape)
        if not bool((np.abs(values) < _VALUE_MAX).all()):
            raise ValueError(f"{name} holds what is no number")
        arrays[name] = values
        at += 2 * count
    if at != len(body) or classes.min() < 0 or classes.max() >= header.classes:
        raise ValueError("its parts are not as long as it says")
    return Network(header, arrays, classes)
