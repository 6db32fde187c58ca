"""The speech-to-text port. Engines register under the entry point group `antiphon.stt`."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, Self

import msgspec


class SttContext(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said: a closed grammar and how its odd words sound."""

    id: str
    """A digest of the content."""
    language: str
    grammar: str
    """JSGF 1.0 with one public rule, no recursion; lower-case words, numbers in words."""
    pronunciations: Mapping[str, str] = {}
    """Word to ARPAbet phones without stress: `{"antiphon": "AE N T IH F AA N"}`."""


class SttHypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """One way to hear the audio."""

    text: str
    """Lower-case words, without the wake phrase."""
    source: Literal["grammar", "dictation"]
    confidence: float
    """0..1, calibrated: of hypotheses with 0.9, nine in ten are right."""


class SttPartial(msgspec.Struct, frozen=True, kw_only=True):
    """What was understood so far, while the person speaks."""

    text: str
    may_end: bool
    """The grammar accepts the text as a whole sentence."""
    must_end: bool
    """...and no sentence of the grammar goes on from it."""
    prompt: bool = False
    """Words are shown within a tenth of a second: what comes later is made of the silence."""


class SttResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was understood in the end."""

    best: SttHypothesis | None
    """None: nothing was said, or nothing that the engine stands by."""
    rejected: bool = False
    """There was speech, and no hypothesis was good enough."""
    alternatives: tuple[SttHypothesis, ...] = ()
    """Best first, the best one included, rejected ones too."""
    engine: str = ""
    """Which link of a chain heard it; empty: the engine that was asked."""


class SttStream(Protocol):
    """One utterance. Calls block while they compute; one thread at a time."""

    def feed(self, pcm: bytes) -> None:
        """Take signed 16-bit mono 16 kHz samples, any number.

        Raises:
            EngineFailedError: the engine broke.
        """
        ...

    def partial(self) -> SttPartial | None:
        """Return what was understood so far; None for an engine without partials."""
        ...

    def finish(self) -> SttResult:
        """End the utterance and return what was understood; the stream is closed afterwards.

        Raises:
            EngineFailedError: the engine broke.
        """
        ...

    def close(self) -> None:
        """Drop the utterance; harmless after `finish`."""
        ...


class SttEngine(Protocol):
    """A speech-to-text engine; safe for one thread per stream."""

    name: str
    languages: tuple[str, ...]
    streaming: bool
    """Computes while audio comes in, and gives partials."""
    grammar: bool
    """Takes contexts."""
    dictation: bool
    """Hears open text."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Build the engine from its settings section; models are loaded here or at first use.

        Raises:
            ModelError: a model file cannot be used.
        """
        ...

    def load_context(self, context: SttContext) -> None:
        """Compile a context and keep it by its id, among a bounded number of others.

        Raises:
            ContextError: the grammar does not compile; the message says where.
        """
        ...

    def open(self, *, language: str, context: str | None, wake_phrase: str = "") -> SttStream:
        """Begin an utterance.

        Args:
            language: BCP 47 tag.
            context: Id of a loaded context; None for open dictation.
            wake_phrase: May stand before the command in the audio, whole or cut; not part of the
                text.

        Raises:
            ContextError: that context was not loaded.
            EngineFailedError: the engine cannot start, or has no dictation.
        """
        ...

    def close(self) -> None:
        """Free models and memory."""
        ...
