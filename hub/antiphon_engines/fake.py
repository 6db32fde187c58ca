"""Speech engines that ship for tests, trials and benches.

They say what they are told to, at a stated cost, and break when told to.
"""

import math
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

import msgspec

from antiphon_engines.errors import ContextError, EngineFailedError, ModelError
from antiphon_engines.stt.port import SttContext, SttHypothesis, SttPartial, SttResult
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

WORD_S: Final = 0.25
"""The script's words appear in the partials at this pace, from the first sample on."""
CHAR_S: Final = 0.06
"""How long a character of text sounds."""
CONTEXTS_MAX: Final = 16
TONE_HZ: Final = 440.0
PIECE_S: Final = 0.1


class FakeSttOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.fake]` may hold for the recogniser; it shares the section with the voice."""

    text: str = "turn on the light"
    """What it hears."""
    confidence: float = 0.95
    rejected: bool = False
    """It hears the text and does not stand by it."""
    cost_ms: float = 0.0
    """How long `finish` takes; `feed` costs nothing."""
    fails: str = ""
    """`open`, `feed` or `finish` break."""


class FakeTtsOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.fake]` may hold for the voice; it shares the section with the recogniser."""

    rate_hz: int = 22_050
    cost_ms: float = 0.0
    """How long each sentence takes before its first samples."""
    fails: str = ""
    """`synthesize` breaks."""


class FakeSttEngine:
    """See SttEngine: hears its script in whatever was said."""

    name = "fake"
    languages = ("en",)
    streaming = True
    grammar = True
    dictation = True

    def __init__(self, options: FakeSttOptions | None = None) -> None:
        self.options = options or FakeSttOptions()
        self._contexts: OrderedDict[str, SttContext] = OrderedDict()

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See SttEngine.from_options."""
        return cls(_of(options, FakeSttOptions))

    def load_context(self, context: SttContext) -> None:
        """See SttEngine.load_context; it only looks for a public rule."""
        if "public" not in context.grammar:
            raise ContextError(f"context {context.id}: the grammar has no public rule")
        self._contexts[context.id] = context
        while len(self._contexts) > CONTEXTS_MAX:
            self._contexts.popitem(last=False)

    def open(self, *, language: str, context: str | None, wake_phrase: str = "") -> "FakeSttStream":
        """See SttEngine.open."""
        del language, wake_phrase
        if context is not None and context not in self._contexts:
            raise ContextError(f"context {context} was not loaded")
        if self.options.fails == "open":
            raise EngineFailedError("fake: told to fail at open")
        return FakeSttStream(self.options, "dictation" if context is None else "grammar")

    def close(self) -> None:
        """See SttEngine.close."""
        self._contexts.clear()


class FakeSttStream:
    """See SttStream."""

    def __init__(self, options: FakeSttOptions, source: str) -> None:
        self._options = options
        self._source = source
        self._bytes = 0
        self.pcm = bytearray()
        """What it was fed."""

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed."""
        if self._options.fails == "feed":
            raise EngineFailedError("fake: told to fail at feed")
        self.pcm += pcm

    def partial(self) -> SttPartial:
        """See SttStream.partial."""
        words = self._options.text.split()
        count = int(len(self.pcm) / SAMPLE_BYTES / SAMPLE_RATE_HZ / WORD_S)
        whole = self._source == "grammar" and 0 < len(words) <= count
        return SttPartial(text=" ".join(words[:count]), may_end=whole, must_end=whole)

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        time.sleep(self._options.cost_ms / 1e3)
        if self._options.fails == "finish":
            raise EngineFailedError("fake: told to fail at finish")
        if not self._options.text:
            return SttResult(best=None)
        hypothesis = SttHypothesis(
            text=self._options.text,
            source="grammar" if self._source == "grammar" else "dictation",
            confidence=self._options.confidence,
        )
        if self._options.rejected:
            return SttResult(best=None, rejected=True, alternatives=(hypothesis,))
        return SttResult(best=hypothesis, alternatives=(hypothesis,))

    def close(self) -> None:
        """See SttStream.close."""


class FakeTtsEngine:
    """See TtsEngine: a tone as long as the text."""

    name = "fake"
    voices = ("tone", "low")
    languages = ("en", "de", "fr")

    def __init__(self, options: FakeTtsOptions | None = None) -> None:
        self.options = options or FakeTtsOptions()
        self.rate_hz = self.options.rate_hz

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See TtsEngine.from_options."""
        return cls(_of(options, FakeTtsOptions))

    def synthesize(self, text: str, *, language: str, voice: str = "") -> Iterator[bytes]:
        """See TtsEngine.synthesize."""
        del language
        if voice and voice not in self.voices:
            raise ModelError(f"fake has no voice {voice!r}; it has {', '.join(self.voices)}")
        return self._tone(len(text) * CHAR_S, TONE_HZ / (2 if voice == "low" else 1))

    def close(self) -> None:
        """See TtsEngine.close."""

    def _tone(self, seconds: float, tone_hz: float) -> Iterator[bytes]:
        if self.options.fails == "synthesize":
            raise EngineFailedError("fake: told to fail at synthesize")
        time.sleep(self.options.cost_ms / 1e3)
        step = 2 * math.pi * tone_hz / self.rate_hz
        count, piece = round(seconds * self.rate_hz), round(PIECE_S * self.rate_hz)
        for begin in range(0, count, piece):
            at = range(begin, min(begin + piece, count))
            yield array("h", (int(8000 * math.sin(step * n)) for n in at)).tobytes()


def _of(options: Mapping[str, Any], kind: type[Any]) -> Any:
    """Read one engine's part of the shared section."""
    known = {*FakeSttOptions.__struct_fields__, *FakeTtsOptions.__struct_fields__}
    if unknown := sorted(set(options) - known):
        raise ModelError(f"[options.fake] knows {', '.join(sorted(known))}; not {unknown[0]!r}")
    mine = {name: value for name, value in options.items() if name in kind.__struct_fields__}
    try:
        return msgspec.convert(mine, kind)
    except msgspec.ValidationError as error:
        raise ModelError(f"[options.fake]: {error}") from None
