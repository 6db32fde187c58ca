"""The engine `sherpa`: models of the kind that phones and small computers run, by sherpa-onnx.

It hears open text, some models while the person speaks; the home's odd words are made likelier
where the model can. What it hears is compared with the home's grammar, see `stt.written`.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

from antiphon_engines.errors import EngineFailedError, ModelError
from antiphon_engines.sherpa.options import SherpaOptions
from antiphon_engines.stt.host import HostedStt, Utterance
from antiphon_engines.stt.port import SttContext, SttPartial, SttResult
from antiphon_engines.stt.written import Confidences, Reading, WrittenContexts
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

_MODULE: Final = "antiphon_engines.sherpa.child"


class SherpaEngine(HostedStt):
    """See SttEngine."""

    name = "sherpa"
    grammar = True
    dictation = True

    def __init__(self, options: SherpaOptions) -> None:
        self.options = options
        self.languages = (options.language,)
        self._contexts = WrittenContexts(options.contexts)
        super().__init__(_MODULE, options, options.model)
        self.streaming = self.opened.streaming
        self.kind = self.opened.kind
        """What sort of model it is."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See SttEngine.from_options."""
        if "model" not in options:
            raise ModelError("[options.sherpa] needs model = 'FOLDER'; see docs/engines.md")
        return cls(SherpaOptions.of(options))

    def load_context(self, context: SttContext) -> None:
        """See SttEngine.load_context."""
        self._contexts.load(context)

    def open(self, *, language: str, context: str | None, wake_phrase: str = "") -> "SherpaStream":
        """See SttEngine.open."""
        compiled = self._contexts.get(context)
        sure = Confidences(self.options.confidence_sentence, self.options.confidence_open)
        reading = Reading(compiled, language, wake_phrase, sure)
        utterance = self.begin(compiled.names if compiled else ())
        return SherpaStream(utterance, reading, self.options.longest_s, streaming=self.streaming)

    def close(self) -> None:
        """See SttEngine.close."""
        super().close()
        self._contexts.clear()


class SherpaStream:
    """See SttStream."""

    def __init__(
        self, utterance: Utterance, reading: Reading, longest_s: float, *, streaming: bool
    ) -> None:
        self._utterance = utterance
        self._reading = reading
        self._longest_s = longest_s
        self._left_bytes = int(longest_s * SAMPLE_RATE_HZ) * SAMPLE_BYTES
        self._streaming = streaming

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed."""
        self._left_bytes -= len(pcm)
        if self._left_bytes < 0:
            raise EngineFailedError(f"an utterance of more than {self._longest_s:g} s; split it")
        self._utterance.feed(pcm)

    def partial(self) -> SttPartial | None:
        """See SttStream.partial; None from a model that needs the whole."""
        return self._reading.partial(self._utterance.text()) if self._streaming else None

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        (heard,) = self._utterance.finish(1)
        return self._reading.result(heard.text)

    def close(self) -> None:
        """See SttStream.close."""
        self._utterance.drop()
