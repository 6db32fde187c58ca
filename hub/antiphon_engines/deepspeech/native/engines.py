"""The engines `libdeepspeech` and `libstt`: for whoever has the libraries and models for them.

They hear open text only; what they print when they fail is what they have to say about it, and
a crash of theirs ends the utterance, not the worker.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

from antiphon_engines.deepspeech.native.options import NativeOptions
from antiphon_engines.errors import ContextError
from antiphon_engines.stt.frames import Candidate
from antiphon_engines.stt.host import HostedStt, Utterance
from antiphon_engines.stt.port import SttContext, SttHypothesis, SttPartial, SttResult

_MODULE: Final = "antiphon_engines.deepspeech.native.child"
_ALTERNATIVES: Final = 10


class NativeEngine(HostedStt):
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
        self.languages = (options.language,)
        super().__init__(_MODULE, options, options.model)
        self.version = self.opened.version
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
        return NativeStream(self.begin(), wake_phrase)


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

    def __init__(self, utterance: Utterance, wake_phrase: str) -> None:
        self._utterance = utterance
        self._wake_phrase = wake_phrase.lower().split()

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed."""
        self._utterance.feed(pcm)

    def partial(self) -> SttPartial:
        """See SttStream.partial."""
        text = self._command(self._utterance.text())
        return SttPartial(text=text, may_end=False, must_end=False)

    def candidates(self, alternatives: int) -> tuple[Candidate, ...]:
        """End the utterance and return what the library says of it, best first.

        Raises:
            EngineFailedError: the engine broke.
        """
        return self._utterance.finish(alternatives)

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
        self._utterance.drop()

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
