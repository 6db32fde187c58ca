"""An engine in a process of its own: the worker's side.

What is not to be loaded into the worker, by its licence or because it may crash, runs there; a
crash takes only its own process along.
"""

import contextlib
import os
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from typing import IO, Final, Generic, TypeVar

import msgspec

from antiphon_engines.errors import EngineFailedError
from antiphon_engines.process.frames import encode

T = TypeVar("T")

_EXIT_LIMIT_S: Final = 1.0
"""How long a child that closed its pipe may take to end."""
_READ_BYTES: Final = 65_536
_NOT_FOR_CHILDREN: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""The service manager's line is the worker's alone."""


class EngineProcess(Generic[T]):
    """The child and its two pipes; it runs `python -m <module>`, see `child.serve`."""

    def __init__(
        self, name: str, module: str, read_answer: Callable[[Callable[[int], bytes]], T]
    ) -> None:
        self._name = name
        self._read_answer = read_answer
        hidden = set(_NOT_FOR_CHILDREN)
        self._child = subprocess.Popen(
            (sys.executable, "-P", "-m", module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={key: value for key, value in os.environ.items() if key not in hidden},
        )
        self._stdin: IO[bytes] = _present(self._child.stdin)
        self._stdout: IO[bytes] = _present(self._child.stdout)
        self._buffer = bytearray()
        self._deadline_s = 0.0
        self.end = weakref.finalize(self, _end, self._child)
        """Kill the child, if it lives, and collect it; may be called again."""

    @property
    def ended(self) -> bool:
        """Whether the child is no more."""
        return self._child.poll() is not None

    def send(self, request: msgspec.Struct) -> None:
        """Send a request.

        Raises:
            EngineFailedError: the child has ended.
        """
        try:
            self._stdin.write(encode(request))
        except (OSError, ValueError) as error:  # ValueError: `end` has closed the pipe
            raise EngineFailedError(f"{self._name}'s process {self._how()}: {error}") from None

    def receive(self, limit_s: float) -> T:
        """Return the child's next answer.

        Raises:
            EngineFailedError: the child ended, or did not answer within the limit.
        """
        self._deadline_s = time.monotonic() + limit_s
        return self._read_answer(self._read)

    def _read(self, size_bytes: int) -> bytes:
        while len(self._buffer) < size_bytes:
            self._buffer += self._receive_some()
        data = bytes(self._buffer[:size_bytes])
        del self._buffer[:size_bytes]
        return data

    def _receive_some(self) -> bytes:
        left_s = max(0.0, self._deadline_s - time.monotonic())
        readable, _, _ = select.select([self._stdout], [], [], left_s)
        if not readable:
            raise EngineFailedError(f"{self._name}'s process did not answer in time")
        if not (data := os.read(self._stdout.fileno(), _READ_BYTES)):
            raise EngineFailedError(f"{self._name}'s process {self._how()}")
        return data

    def _how(self) -> str:
        try:
            status = self._child.wait(_EXIT_LIMIT_S)
        except subprocess.TimeoutExpired:
            return "closed its pipe"
        return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def _present(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise EngineFailedError("the child process has no pipe")
    return pipe


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
