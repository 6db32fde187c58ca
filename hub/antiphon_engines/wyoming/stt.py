"""The engine `wyoming`: any Wyoming recogniser, faster-whisper and whisper.cpp among them.

Audio goes to it while the person speaks. It hears open text; a transcript that is a sentence of the
home's grammar is given as such, any other as dictation, which natural wording understands.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

from antiphon_engines.errors import EngineFailedError, ServiceError
from antiphon_engines.stt.port import SttContext, SttPartial, SttResult
from antiphon_engines.stt.written import Confidences, Reading, WrittenContexts
from antiphon_engines.wyoming.codec import Event
from antiphon_engines.wyoming.connection import Connection
from antiphon_engines.wyoming.options import WyomingOptions, read_options
from antiphon_engines.wyoming.service import Service, fitting, languages_of
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.limits import TEXT_CHARS_MAX

PIECE_BYTES: Final = 1024
"""Audio goes out in pieces of 32 ms or more."""
_FORMAT: Final = {"rate": SAMPLE_RATE_HZ, "width": SAMPLE_BYTES, "channels": 1}
_SECOND_BYTES: Final = SAMPLE_RATE_HZ * SAMPLE_BYTES
_MS: Final = 1000


class WyomingStt:
    """See SttEngine."""

    name = "wyoming"
    grammar = True
    dictation = True

    def __init__(self, options: WyomingOptions) -> None:
        self.options = options
        self._service = Service(options.uri, options.connect_s)
        self._contexts = WrittenContexts(options.contexts)
        info = self._service.greet()
        self.streaming = any(one.supports_transcript_streaming for one in info.asr)
        self.languages = options.languages or languages_of(info.models()) or ("en",)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See SttEngine.from_options; a service that is not there yet is no error."""
        return cls(read_options(options))

    def load_context(self, context: SttContext) -> None:
        """See SttEngine.load_context."""
        self._contexts.load(context)

    def open(self, *, language: str, context: str | None, wake_phrase: str = "") -> "WyomingStream":
        """See SttEngine.open."""
        compiled = self._contexts.get(context)
        known = languages_of(self._service.info().models())
        request: dict[str, Any] = {"language": fitting(language, known)}
        if self.options.model:
            request["name"] = self.options.model
        if compiled is not None and compiled.names:
            request["transcript_names"] = compiled.names
        sure = Confidences(self.options.confidence_sentence, self.options.confidence_open)
        reading = Reading(compiled, language, wake_phrase, sure)
        stream = WyomingStream(self._service.connect(), self.options, reading)
        stream.begin(request)
        return stream

    def close(self) -> None:
        """See SttEngine.close."""
        self._contexts.clear()


class WyomingStream:
    """See SttStream."""

    def __init__(self, connection: Connection, options: WyomingOptions, reading: Reading) -> None:
        self._connection: Connection | None = connection
        self._options = options
        self._reading = reading
        self._waiting = bytearray()
        self._fed_bytes = 0
        self._sent_samples = 0
        self._pieces = ""
        self._transcript: str | None = None

    def begin(self, request: Mapping[str, Any]) -> None:
        """Announce the audio.

        Raises:
            EngineFailedError: the service does not take it.
        """
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
        return self._reading.partial(self._pieces) if self._pieces else None

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        try:
            self._send_audio()
            self._send("audio-stop", {"timestamp": self._now_ms()})
            if self._transcript is None:
                self._take(self._open().receive(("transcript",), self._options.answer_s))
        finally:
            self.close()
        return self._reading.result(self._transcript or "")

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
