"""The engine `wyoming`: any Wyoming recogniser, faster-whisper and whisper.cpp among them.

Audio goes to it while the person speaks. It hears open text; a transcript that is a sentence of the
home's grammar is given as such, any other as dictation, which natural wording understands.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec

from antiphon_engines.deepspeech.verdict import without_phrase
from antiphon_engines.errors import ContextError, EngineFailedError, ServiceError
from antiphon_engines.grammar import compile_grammar
from antiphon_engines.grammar.automaton import WordAutomaton
from antiphon_engines.stt.port import SttContext, SttHypothesis, SttPartial, SttResult
from antiphon_engines.stt.wording import spoken_words
from antiphon_engines.wyoming.codec import Event
from antiphon_engines.wyoming.connection import Connection
from antiphon_engines.wyoming.options import WyomingOptions, read_options
from antiphon_engines.wyoming.service import Service, fitting, languages_of
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.limits import LIST_ITEMS_MAX, TEXT_CHARS_MAX

PIECE_BYTES: Final = 1024
"""Audio goes out in pieces of 32 ms or more."""
_FORMAT: Final = {"rate": SAMPLE_RATE_HZ, "width": SAMPLE_BYTES, "channels": 1}
_SECOND_BYTES: Final = SAMPLE_RATE_HZ * SAMPLE_BYTES
_MS: Final = 1000


class WyomingContext(msgspec.Struct, frozen=True):
    """A home's grammar, as far as a transcript is compared with it."""

    automaton: WordAutomaton
    names: tuple[str, ...]
    """Words that the service may be told to expect."""


class WyomingStt:
    """See SttEngine."""

    name = "wyoming"
    grammar = True
    dictation = True

    def __init__(self, options: WyomingOptions) -> None:
        self.options = options
        self._service = Service(options.uri, options.connect_s)
        self._contexts: OrderedDict[str, WyomingContext] = OrderedDict()
        self._lock = threading.Lock()
        info = self._service.greet()
        self.streaming = any(one.supports_transcript_streaming for one in info.asr)
        self.languages = options.languages or languages_of(info.models()) or ("en",)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See SttEngine.from_options; a service that is not there yet is no error."""
        return cls(read_options(options))

    def load_context(self, context: SttContext) -> None:
        """See SttEngine.load_context."""
        names = tuple(sorted(context.pronunciations))[:LIST_ITEMS_MAX]
        compiled = WyomingContext(compile_grammar(context.grammar), names)
        with self._lock:
            self._contexts.pop(context.id, None)
            self._contexts[context.id] = compiled
            while len(self._contexts) > self.options.contexts:
                self._contexts.popitem(last=False)

    def open(self, *, language: str, context: str | None, wake_phrase: str = "") -> "WyomingStream":
        """See SttEngine.open."""
        compiled = None
        if context is not None:
            with self._lock:
                if context not in self._contexts:
                    raise ContextError(f"context {context} was not loaded")
                compiled = self._contexts[context]
        known = languages_of(self._service.info().models())
        request: dict[str, Any] = {"language": fitting(language, known)}
        if self.options.model:
            request["name"] = self.options.model
        if compiled is not None and compiled.names:
            request["transcript_names"] = compiled.names
        stream = WyomingStream(self._service.connect(), self.options, compiled)
        stream.begin(request, language, wake_phrase)
        return stream

    def close(self) -> None:
        """See SttEngine.close."""
        with self._lock:
            self._contexts.clear()


class WyomingStream:
    """See SttStream."""

    def __init__(
        self, connection: Connection, options: WyomingOptions, context: WyomingContext | None
    ) -> None:
        self._connection: Connection | None = connection
        self._options = options
        self._context = context
        self._language = "en"
        self._wake_phrase = ""
        self._waiting = bytearray()
        self._fed_bytes = 0
        self._sent_samples = 0
        self._pieces = ""
        self._transcript: str | None = None

    def begin(self, request: Mapping[str, Any], language: str, wake_phrase: str) -> None:
        """Announce the audio.

        Raises:
            EngineFailedError: the service does not take it.
        """
        self._language, self._wake_phrase = language, wake_phrase
        try:
            self._send("transcribe", dict(request))
            self._send("audio-start", {**_FORMAT, "timestamp": 0})
        except EngineFailedError:
            self.close()
            raise

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed."""
        self._fed_bytes += len(pcm)
        if self._fed_bytes > self._options.longest_s * SAMPLE_RATE_HZ * SAMPLE_BYTES:
            raise EngineFailedError(
                f"an utterance of more than {self._options.longest_s:g} s; split it"
            )
        self._waiting += pcm
        if len(self._waiting) >= PIECE_BYTES:
            self._send_audio()

    def partial(self) -> SttPartial | None:
        """See SttStream.partial; None until the service tells of one."""
        for event in self._open().come():
            self._take(event)
        if not self._pieces:
            return None
        text = self._words(self._pieces)
        state = self._context.automaton.follow(text.split()) if self._context else None
        if self._context is None or state is None:
            return SttPartial(text=text, may_end=False, must_end=False)
        automaton = self._context.automaton
        ends = automaton.may_end(state)
        return SttPartial(text=text, may_end=ends, must_end=ends and automaton.must_end(state))

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        try:
            self._send_audio()
            self._send("audio-stop", {"timestamp": self._now_ms()})
            if self._transcript is None:
                self._take(self._open().receive(("transcript",), self._options.answer_s))
        finally:
            self.close()
        text = self._words(self._transcript or "")
        if not text:
            return SttResult(best=None)
        if self._context is not None and self._context.automaton.accepts(text.split()):
            sure = self._options.confidence_sentence
            best = SttHypothesis(text=text, source="grammar", confidence=sure)
        else:
            unsure = self._options.confidence_open
            best = SttHypothesis(text=text, source="dictation", confidence=unsure)
        return SttResult(best=best, alternatives=(best,))

    def close(self) -> None:
        """See SttStream.close."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self, event: Event) -> None:
        text = event.data.get("text")
        if event.type == "transcript-start":
            self._pieces = ""
        elif event.type == "transcript-chunk" and isinstance(text, str):
            self._pieces = (self._pieces + text)[:TEXT_CHARS_MAX]
        elif event.type == "transcript":
            if not isinstance(text, str):
                raise ServiceError(
                    f"wyoming: {self._options.uri} sends a transcript without a text; "
                    "is it a Wyoming service?"
                )
            self._transcript = text[:TEXT_CHARS_MAX]

    def _words(self, text: str) -> str:
        return without_phrase(spoken_words(text, self._language), self._wake_phrase)

    def _send_audio(self) -> None:
        whole = len(self._waiting) - len(self._waiting) % SAMPLE_BYTES
        for at in range(0, whole, _SECOND_BYTES):
            pcm = bytes(self._waiting[at : min(whole, at + _SECOND_BYTES)])
            self._send("audio-chunk", {**_FORMAT, "timestamp": self._now_ms()}, pcm)
            self._sent_samples += len(pcm) // SAMPLE_BYTES
        del self._waiting[:whole]

    def _now_ms(self) -> int:
        return self._sent_samples * _MS // SAMPLE_RATE_HZ

    def _send(self, kind: str, data: dict[str, Any], payload: bytes = b"") -> None:
        self._open().send(Event(kind, data, payload), self._options.answer_s)

    def _open(self) -> Connection:
        if self._connection is None:
            raise EngineFailedError("the stream is closed; open another")
        return self._connection
