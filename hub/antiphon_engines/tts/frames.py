"""What a worker and a voice's own process say to each other; see `process.frames`.

The worker says Open once, then Speak for each text, and Stop if it no longer wants the rest. The
child answers Open with Opened or Refused, and Speak with any number of Audio, then Done, or
Refused, or Broken and its end.
"""

from collections.abc import Callable

import msgspec

from antiphon_engines.process.frames import Broken, Open, Refused, encode, read_frame

__all__ = [
    "Answer",
    "Audio",
    "Broken",
    "Done",
    "Open",
    "Opened",
    "Refused",
    "Request",
    "Speak",
    "Stop",
    "encode",
    "read_answer",
    "read_request",
]


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


Request = Open | Speak | Stop
Answer = Opened | Audio | Done | Refused | Broken

_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def read_request(read: Callable[[int], bytes]) -> Request:
    """Return the next request; `read` gives exactly as many bytes as asked.

    Raises:
        EngineFailedError: the bytes are none.
    """
    return read_frame(read, _requests)


def read_answer(read: Callable[[int], bytes]) -> Answer:
    """Return the next answer; `read` gives exactly as many bytes as asked.

    Raises:
        EngineFailedError: the bytes are none.
    """
    return read_frame(read, _answers)
