"""How a worker and an engine's own process speak, over the child's stdin and stdout.

A frame is four bytes of length, little-endian, and as many of MessagePack. The worker says Open
first; what follows is each kind of engine's own. The child may answer anything with Refused, and
ends after Broken.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import msgspec

from antiphon_engines.errors import EngineFailedError, EngineMissingError, ModelError

T = TypeVar("T")

FRAME_BYTES_MAX: Final = 1024 * 1024
"""One frame: half a minute of samples, far more than a piece should hold."""
_LENGTH_BYTES: Final = 4


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Load the engine with these options."""

    options: dict[str, Any]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """It cannot be done, and nothing broke."""

    kind: Literal["missing", "model"]
    """`missing`: a library is not installed. `model`: a file of the engine cannot be used."""
    text: str


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """The engine broke; the process ends."""

    text: str


_encoder = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """Return the message's frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "little") + body


def read_frame(read: Callable[[int], bytes], decoder: msgspec.msgpack.Decoder[T]) -> T:
    """Return the next message; `read` gives exactly as many bytes as asked.

    Raises:
        EngineFailedError: the bytes are none.
    """
    size_bytes = int.from_bytes(read(_LENGTH_BYTES), "little")
    if size_bytes > FRAME_BYTES_MAX:
        raise EngineFailedError(f"a frame of {size_bytes} bytes; {FRAME_BYTES_MAX} are the limit")
    try:
        return decoder.decode(read(size_bytes))
    except msgspec.MsgspecError as error:
        raise EngineFailedError(f"a frame that is none of ours: {error}") from None


def accept(name: str, answer: object, wanted: type[T]) -> T:
    """Return the answer of engine `name`, if it is the wanted one.

    Raises:
        EngineMissingError: its library is not installed.
        ModelError: it refused.
        EngineFailedError: it broke, or answered something else.
    """
    match answer:
        case Refused(kind="missing", text=text):
            raise EngineMissingError(text)
        case Refused(text=text):
            raise ModelError(text)
        case Broken(text=text):
            raise EngineFailedError(f"{name} broke: {text}")
    if not isinstance(answer, wanted):
        raise EngineFailedError(f"{name} answered {type(answer).__name__} out of turn")
    return answer
