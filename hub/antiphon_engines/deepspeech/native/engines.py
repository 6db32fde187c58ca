"""The engines `libdeepspeech` and `libstt`: for whoever has the libraries and models for them.

They hear open text only; what they print when they fail is what they have to say about it, and
a crash of theirs ends the utterance, not the worker.
"""

import contextlib
import itertools
import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self, TypeVar

import msgspec

from antiphon_engines.deepspeech.native.frames import (
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
from antiphon_engines.deepspeech.native.options import NativeOptions
from antiphon_engines.errors import ContextError, EngineError, EngineFailedError, ModelError
from antiphon_engines.process.frames import Open, accept
from antiphon_engines.process.host import EngineProcess
from antiphon_engines.stt.port import SttContext, SttHypothesis, SttPartial, SttResult
from antiphon_protocol.audio import SAMPLE_RATE_HZ

T = TypeVar("T")

_MODULE: Final = "antiphon_engines.deepspeech.native.child"
_ANSWER_LIMIT_S: Final = 120.0
"""Longest wait for an answer: a large model loads in 10 s, and its decoder may need a minute."""
_ALTERNATIVES: Final = 10
_FEED_BYTES: Final = 32_768
"""Largest piece of audio in a frame: a second."""


class NativeEngine:
    """An SttEngine whose work is done by a native library in a process of its own.

    Raises:
        EngineMissingError: the library cannot be loaded.
        ModelError: the model cannot be used, or made the library crash.
    """

    name: str
    prefix: Literal["DS_", "STT_"]
    streaming = True
    grammar = False
    dictation = True

    def __init__(self, options: NativeOptions) -> None:
        self._options = options
        self.languages = (options.language,)
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._process: EngineProcess[Answer] | None = None
        opened = self._start()
        self.version = opened.version
        """What the library says of itself."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See SttEngine.from_options; options: see NativeOptions."""
        return cls(NativeOptions.of(cls.name, options, cls.prefix))

    def load_context(self, context: SttContext) -> None:
        """See SttEngine.load_context: these libraries take none."""
        raise ContextError(f"{self.name} hears open text only, not context {context.id}")

    def open(self, *, language: str, context: str | None, wake_phrase: str = "") -> "NativeStream":
        """See SttEngine.open."""
        del language
        if context is not None:
            raise ContextError(f"{self.name} hears open text only, not context {context}")
        with self._lock:
            if self._process is None or self._process.ended:
                self._start()
            process = self._process
        if process is None:
            raise EngineFailedError(f"{self.name} was closed")
        stream = NativeStream(self, process, next(self._numbers), wake_phrase)
        self.ask(process, Begin(stream.number), Done)
        return stream

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
        process = EngineProcess(self.name, _MODULE, read_answer)
        try:
            process.send(Open(msgspec.to_builtins(self._options)))
            opened = accept(self.name, process.receive(_ANSWER_LIMIT_S), Opened)
            if opened.rate_hz != SAMPLE_RATE_HZ:
                raise ModelError(
                    f"model {self._options.model} hears {opened.rate_hz} Hz; audio here has "
                    f"{SAMPLE_RATE_HZ}"
                )
        except EngineFailedError as error:
            process.end()
            raise ModelError(
                f"model {self._options.model}: {error}, while it loaded the model; the file is "
                f"damaged, or not for {self.name}"
            ) from None
        except EngineError:
            process.end()
            raise
        self._process = process
        return opened


class DeepSpeechLibrary(NativeEngine):
    """Mozilla's libdeepspeech 0.9, either build."""

    name = "libdeepspeech"
    prefix = "DS_"


class CoquiLibrary(NativeEngine):
    """Coqui's libstt 1.x."""

    name = "libstt"
    prefix = "STT_"


class NativeStream:
    """See SttStream."""

    def __init__(
        self, engine: NativeEngine, process: EngineProcess[Answer], number: int, wake_phrase: str
    ) -> None:
        self._engine = engine
        self._process = process
        self._wake_phrase = wake_phrase.lower().split()
        self._open = True
        self.number = number

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed."""
        for at in range(0, len(pcm), _FEED_BYTES):
            self._ask(Feed(self.number, pcm[at : at + _FEED_BYTES]), Done)

    def partial(self) -> SttPartial:
        """See SttStream.partial."""
        text = self._ask(Read(self.number), Text).text
        return SttPartial(text=self._command(text), may_end=False, must_end=False)

    def candidates(self, alternatives: int) -> tuple[Candidate, ...]:
        """End the utterance and return what the library says of it, best first.

        Raises:
            EngineFailedError: the engine broke.
        """
        heard = self._ask(Finish(self.number, alternatives), Heard)
        self._open = False
        return heard.candidates

    def finish(self) -> SttResult:
        """See SttStream.finish; a confidence is the share among the alternatives."""
        candidates = self.candidates(_ALTERNATIVES)
        hypotheses: dict[str, SttHypothesis] = {}
        for candidate, share in zip(candidates, _shares(candidates), strict=True):
            text = self._command(candidate.text)
            hypothesis = SttHypothesis(text=text, source="dictation", confidence=share)
            hypotheses.setdefault(text, hypothesis)
        spoken = tuple(one for one in hypotheses.values() if one.text)
        heard = bool(candidates) and bool(self._command(candidates[0].text))
        return SttResult(best=spoken[0] if heard else None, alternatives=spoken)

    def close(self) -> None:
        """See SttStream.close."""
        if self._open:
            # A process that has ended has dropped it already.
            with contextlib.suppress(EngineFailedError):
                self._ask(Drop(self.number), Done)
        self._open = False

    def _ask(self, request: Request, wanted: type[T]) -> T:
        if not self._open:
            raise EngineFailedError(f"{self._engine.name}: the utterance is over")
        return self._engine.ask(self._process, request, wanted)

    def _command(self, text: str) -> str:
        """Return the text without the wake phrase, or what of its end was heard."""
        words = text.lower().split()
        for count in range(len(self._wake_phrase), 0, -1):
            if words[:count] == self._wake_phrase[-count:]:
                return " ".join(words[count:])
        return " ".join(words)


def _shares(candidates: Sequence[Candidate]) -> list[float]:
    """Return each candidate's part of their common probability."""
    best = max((candidate.score for candidate in candidates), default=0.0)
    parts = [math.exp(candidate.score - best) for candidate in candidates]
    return [part / sum(parts) for part in parts]
