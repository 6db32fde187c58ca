"""A recogniser in a process of its own: the worker's side, the same for all such libraries."""

import contextlib
import itertools
import threading
from typing import Final, TypeVar

import msgspec

from antiphon_engines.errors import EngineError, EngineFailedError, ModelError
from antiphon_engines.process.frames import Open, accept
from antiphon_engines.process.host import EngineProcess
from antiphon_engines.stt.frames import (
    Answer,
    Begin,
    Candidate,
    Done,
    Drop,
    Feed,
    Finish,
    Heard,
    Opened,
    Read,
    Request,
    Text,
    read_answer,
)
from antiphon_protocol.audio import SAMPLE_RATE_HZ

T = TypeVar("T")

_ANSWER_LIMIT_S: Final = 120.0
"""Longest wait for an answer: a large model loads in 10 s, and its decoder may need a minute."""
_FEED_BYTES: Final = 32_768
"""Largest piece of audio in a frame: a second."""


class HostedStt:
    """The process, started anew after it ended; for any thread.

    Args:
        module: What runs there, see `process.child`.
        options: What it is opened with.
        model: How errors call the model.

    Raises:
        EngineMissingError: the library cannot be loaded.
        ModelError: the model cannot be used, or made the library crash.
    """

    name: str

    def __init__(self, module: str, options: msgspec.Struct, model: str) -> None:
        self._module = module
        self._options = msgspec.to_builtins(options)
        self._model = model
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._process: EngineProcess[Answer] | None = None
        self.opened = self._start()
        """What the process said of itself."""

    def begin(self, hot_words: tuple[str, ...] = ()) -> "Utterance":
        """Open a stream in the process.

        Raises:
            EngineFailedError: it broke.
        """
        with self._lock:
            if self._process is None or self._process.ended:
                self._start()
            process = self._process
        if process is None:
            raise EngineFailedError(f"{self.name} was closed")
        utterance = Utterance(self, process, next(self._numbers))
        self.ask(process, Begin(utterance.number, hot_words), Done)
        return utterance

    def close(self) -> None:
        """See SttEngine.close."""
        with self._lock:
            if self._process is not None:
                self._process.end()
                self._process = None

    def ask(self, process: EngineProcess[Answer], request: Request, wanted: type[T]) -> T:
        """Return the process's answer; requests of several streams wait for each other.

        Raises:
            EngineFailedError: it broke, or has ended.
        """
        with self._lock:
            try:
                process.send(request)
                return accept(self.name, process.receive(_ANSWER_LIMIT_S), wanted)
            except ModelError as error:
                raise EngineFailedError(str(error)) from None
            except EngineFailedError:
                # An answer may still come: nothing that is asked later must take it for its own.
                process.end()
                raise

    def _start(self) -> Opened:
        """Start the process; the caller holds the lock, or is the constructor."""
        process = EngineProcess(self.name, self._module, read_answer)
        try:
            process.send(Open(self._options))
            opened = accept(self.name, process.receive(_ANSWER_LIMIT_S), Opened)
            if opened.rate_hz != SAMPLE_RATE_HZ:
                raise ModelError(
                    f"model {self._model} hears {opened.rate_hz} Hz; audio here has "
                    f"{SAMPLE_RATE_HZ}"
                )
        except EngineFailedError as error:
            process.end()
            raise ModelError(
                f"model {self._model}: {error}, while it loaded the model; the file is "
                f"damaged, or not for {self.name}"
            ) from None
        except EngineError:
            process.end()
            raise
        self._process = process
        return opened


class Utterance:
    """One stream in the process."""

    def __init__(self, engine: HostedStt, process: EngineProcess[Answer], number: int) -> None:
        self._engine = engine
        self._process = process
        self._open = True
        self.number = number

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed."""
        for at in range(0, len(pcm), _FEED_BYTES):
            self._ask(Feed(self.number, pcm[at : at + _FEED_BYTES]), Done)

    def text(self) -> str:
        """Return what was understood so far.

        Raises:
            EngineFailedError: the engine broke.
        """
        return self._ask(Read(self.number), Text).text

    def finish(self, alternatives: int) -> tuple[Candidate, ...]:
        """End it and return what was understood, best first.

        Raises:
            EngineFailedError: the engine broke.
        """
        heard = self._ask(Finish(self.number, alternatives), Heard)
        self._open = False
        return heard.candidates

    def drop(self) -> None:
        """End it; harmless when it has ended."""
        if self._open:
            # A process that has ended has dropped it already.
            with contextlib.suppress(EngineFailedError):
                self._ask(Drop(self.number), Done)
        self._open = False

    def _ask(self, request: Request, wanted: type[T]) -> T:
        if not self._open:
            raise EngineFailedError(f"{self._engine.name}: the utterance is over")
        return self._engine.ask(self._process, request, wanted)
