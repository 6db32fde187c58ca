"""An engine in a process of its own: the child's side.

The child's module alone imports the engine's library.
"""

import os
import select
import sys
from collections.abc import Callable

import msgspec

from antiphon_engines.errors import EngineMissingError
from antiphon_engines.process.frames import Broken, Refused, encode


def serve(work: "Callable[[Pipe], None]") -> None:
    """Do the work, which answers requests, until the worker has gone or something breaks."""
    pipe = Pipe()
    try:
        work(pipe)
    except (EOFError, BrokenPipeError):
        # The worker has gone, and wants nothing more.
        return
    except Exception as error:  # noqa: BLE001 - whatever broke, the worker is to hear of it
        pipe.send(Broken(f"{type(error).__name__}: {error}"))
        sys.exit(1)


class Pipe:
    """stdin and stdout, kept for the worker alone: what a library prints goes to stderr."""

    def __init__(self) -> None:
        self._stdin = os.dup(0)
        self._stdout = os.dup(1)
        os.dup2(2, 1)

    @property
    def has_request(self) -> bool:
        """Whether the worker has said something, or has gone."""
        return bool(select.select([self._stdin], [], [], 0)[0])

    def read(self, size_bytes: int) -> bytes:
        """Return exactly that many bytes.

        Raises:
            EOFError: the worker has gone.
        """
        data = b""
        while len(data) < size_bytes:
            if not (some := os.read(self._stdin, size_bytes - len(data))):
                raise EOFError
            data += some
        return data

    def send(self, answer: msgspec.Struct) -> None:
        """Send an answer."""
        data = memoryview(encode(answer))
        while data:
            data = data[os.write(self._stdout, data) :]


def refusal(error: Exception) -> Refused:
    """Return the answer that an error becomes which broke nothing."""
    missing = isinstance(error, EngineMissingError | ImportError)
    return Refused("missing" if missing else "model", str(error))
