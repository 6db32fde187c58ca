"""A voice in a process of its own: the worker's side.

GPL engines are never loaded into the worker, and one that crashes takes only its own process along.
"""

import contextlib
import os
import re
import select
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final, TypeVar

from antiphon_engines.errors import EngineFailedError, EngineMissingError, ModelError
from antiphon_engines.tts.frames import (
    Answer,
    Audio,
    Broken,
    Done,
    Open,
    Opened,
    Refused,
    Request,
    Speak,
    Stop,
    encode,
    read_answer,
)
from antiphon_protocol.limits import TEXT_CHARS_MAX

T = TypeVar("T", bound=Answer)

_ANSWER_LIMIT_S: Final = 20.0
"""Longest wait for an answer: a large voice loads, or speaks a long sentence, in a few seconds."""
_STOP_LIMIT_S: Final = 1.0
"""Longest wait for the end of what is no longer wanted, before the process is ended instead."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_READ_BYTES: Final = 65_536
_NOT_FOR_CHILDREN: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""The service manager's line is the worker's alone."""


class HostedTts:
    """A TtsEngine whose work is done by `python -m <module>`; see `child.serve`.

    The process is started at once, and again by the next call when it has ended.

    Raises:
        EngineMissingError: its library is not installed.
        ModelError: its voice file cannot be used.
        EngineFailedError: it broke while it loaded.
    """

    name: str

    def __init__(self, module: str, options: Mapping[str, Any]) -> None:
        self._module = module
        self._options = dict(options)
        self._process: _Process | None = None
        opened = self._open()
        self.rate_hz = opened.rate_hz
        self.voices = opened.voices
        self.languages = opened.languages

    def synthesize(self, text: str, *, language: str, voice: str = "") -> Iterator[bytes]:
        """See TtsEngine.synthesize."""
        if len(text) > TEXT_CHARS_MAX:
            raise ModelError(
                f"{self.name} was given {len(text)} characters; {TEXT_CHARS_MAX} are the limit: "
                "split the text"
            )
        return self._speak(Speak(_plain(text), language, voice))

    def close(self) -> None:
        """See TtsEngine.close."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _speak(self, request: Speak) -> Iterator[bytes]:
        if self._process is None or self._process.ended:
            self._open()
        process = self._process
        if process is None:
            raise EngineFailedError(f"{self.name} was closed")
        finished = False
        try:
            process.send(request)
            while isinstance(answer := process.receive(_ANSWER_LIMIT_S), Audio):
                yield answer.pcm
            finished = True
            self._accept(answer, Done)
        except EngineFailedError:
            finished = True
            process.end()
            raise
        finally:
            if not finished:
                process.drop_answer()

    def _open(self) -> Opened:
        self.close()
        process = _Process(self.name, self._module)
        try:
            process.send(Open(self._options))
            opened = self._accept(process.receive(_ANSWER_LIMIT_S), Opened)
        except BaseException:
            process.end()
            raise
        self._process = process
        return opened

    def _accept(self, answer: Answer, wanted: type[T]) -> T:
        match answer:
            case Refused(kind="missing", text=text):
                raise EngineMissingError(text)
            case Refused(text=text):
                raise ModelError(text)
            case Broken(text=text):
                raise EngineFailedError(f"{self.name} broke: {text}")
        if not isinstance(answer, wanted):
            raise EngineFailedError(f"{self.name} answered {type(answer).__name__} out of turn")
        return answer


class _Process:
    """The child and its two pipes."""

    def __init__(self, name: str, module: str) -> None:
        self._name = name
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

    def send(self, request: Request) -> None:
        try:
            self._stdin.write(encode(request))
        except OSError as error:
            raise EngineFailedError(f"{self._name}'s process {self._how()}: {error}") from None

    def receive(self, limit_s: float) -> Answer:
        self._deadline_s = time.monotonic() + limit_s
        return read_answer(self._read)

    def drop_answer(self) -> None:
        """End what the child is saying, so that the next request finds it idle."""
        deadline_s = time.monotonic() + _STOP_LIMIT_S
        try:
            self.send(Stop())
            while isinstance(self.receive(deadline_s - time.monotonic()), Audio):
                pass
        except EngineFailedError:
            self.end()

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
            status = self._child.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            return "closed its pipe"
        return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def _plain(text: str) -> str:
    """Return the text without control characters (some command an engine) and half surrogates."""
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8")


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
