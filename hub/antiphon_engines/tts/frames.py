"""What a worker and a voice's own process say to each other, over the child's stdin and stdout.

A frame is four bytes of length, little-endian, and as many of MessagePack. The worker says Open
once, then Speak for each text, and Stop if it no longer wants the rest. The child answers Open with
Opened or Refused, and Speak with any number of Audio, then Done, or Refused, or Broken and its end.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import msgspec

from antiphon_engines.errors import EngineFailedError

T = TypeVar("T")

FRAME_BYTES_MAX: Final = 1024 * 1024
"""One frame: half a minute of samples, far more than a piece should hold."""
_LENGTH_BYTES: Final = 4


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Load the engine with these options."""

    options: dict[str, Any]


class Speak(msgspec.Struct, frozen=True, tag="speak"):
    """Speak this text."""

    text: str
    language: str
    voice: str


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """The rest of the text is not wanted; answered by what Speak is still owed."""


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The engine is loaded."""

    rate_hz: int
    voices: tuple[str, ...]
    languages: tuple[str, ...]


class Audio(msgspec.Struct, frozen=True, tag="audio"):
    """Signed 16-bit mono samples at the engine's rate."""

    pcm: bytes


class Done(msgspec.Struct, frozen=True, tag="done"):
    """All audio of the text was sent, or what there was of it at Stop."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """It cannot be done, and nothing broke."""

    kind: Literal["missing", "model"]
    """`missing`: a library is not installed. `model`: a voice or its file cannot be used."""
    text: str


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """The engine broke; the process ends."""

    text: str


Request = Open | Speak | Stop
Answer = Opened | Audio | Done | Refused | Broken

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def encode(message: Request | Answer) -> bytes:
    """Return the message's frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "little") + body


def read_request(read: Callable[[int], bytes]) -> Request:
    """Return the next request; `read` gives exactly as many bytes as asked.

    Raises:
        EngineFailedError: the bytes are none.
    """
    return _read(read, _requests)


def read_answer(read: Callable[[int], bytes]) -> Answer:
    """Return the next answer; `read` gives exactly as many bytes as asked.

    Raises:
        EngineFailedError: the bytes are none.
    """
    return _read(read, _answers)


def _read(read: Callable[[int], bytes], decoder: msgspec.msgpack.Decoder[T]) -> T:
    size_bytes = int.from_bytes(read(_LENGTH_BYTES), "little")
    if size_bytes > FRAME_BYTES_MAX:
        raise EngineFailedError(f"a frame of {size_bytes} bytes; {FRAME_BYTES_MAX} are the limit")
    try:
        return decoder.decode(read(size_bytes))
    except msgspec.MsgspecError as error:
        raise EngineFailedError(f"a frame that is none of ours: {error}") from None
