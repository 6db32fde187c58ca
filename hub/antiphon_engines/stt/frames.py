"""What a worker and a recogniser's process say to each other; see `process.frames`.

The worker says Open once. Then each request names a stream by a number of the worker's choice and
gets exactly one answer: Done, or Text for Read, or Heard for Finish; or Refused, which closes the
stream.
"""

from collections.abc import Callable

import msgspec

from antiphon_engines.process.frames import Broken, Open, Refused, read_frame


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Open a stream."""

    stream: int
    hot_words: tuple[str, ...] = ()
    """Words that are likelier in this one, for a library that can."""


class Feed(msgspec.Struct, frozen=True, tag="feed"):
    """Take signed 16-bit samples at the model's rate."""

    stream: int
    pcm: bytes


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Say what was understood so far."""

    stream: int


class Finish(msgspec.Struct, frozen=True, tag="finish"):
    """End the stream, and say what was understood, in this many ways at most."""

    stream: int
    alternatives: int


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """End the stream; nobody asks what was understood."""

    stream: int


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The library and its model are loaded."""

    version: str
    rate_hz: int
    kind: str = ""
    """What sort of model it is, where there are several."""
    streaming: bool = True


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It is done."""


class Text(msgspec.Struct, frozen=True, tag="text"):
    """What was understood so far."""

    text: str


class Candidate(msgspec.Struct, frozen=True):
    """One way to hear the stream."""

    text: str
    score: float
    """Natural logarithm of its probability, with the scorer's part if there is one."""
    times_s: tuple[float, ...]
    """Where each of its labels begins, seconds."""


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    """What was understood in the end, best first."""

    candidates: tuple[Candidate, ...]


Request = Open | Begin | Feed | Read | Finish | Drop
Answer = Opened | Done | Text | Heard | Refused | Broken

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
