"""The engine `deepspeech`: the network, streaming, heard by a closed and an open decoder."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

import msgspec
import numpy as np

from antiphon_engines.deepspeech.batcher import Batcher
from antiphon_engines.deepspeech.closed import ClosedDecoder, ClosedStream, spell_out
from antiphon_engines.deepspeech.confidence import Calibration
from antiphon_engines.deepspeech.decoder import OpenDecoder, OpenStream
from antiphon_engines.deepspeech.free import FreeStream
from antiphon_engines.deepspeech.network import NetworkOptions, open_network
from antiphon_engines.deepspeech.schedule import Limits
from antiphon_engines.deepspeech.stream import AcousticStream
from antiphon_engines.deepspeech.verdict import ALTERNATIVES_MAX, verdict, without_phrase
from antiphon_engines.deepspeech.weights import Floats
from antiphon_engines.errors import ContextError, ModelError
from antiphon_engines.grammar.compiler import compile_grammar
from antiphon_engines.stt.port import SttContext, SttPartial, SttResult

Boost = Annotated[float, msgspec.Meta(ge=-20, le=20)]

CONTEXTS_MAX: Final = 8
"""The oldest goes."""


class DeepSpeechOptions(NetworkOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings section `[options.deepspeech]`."""

    scorer: str = ""
    """A `.scorer` package for open text; without one it is heard letter by letter."""
    beam: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 0
    """Hypotheses of the open decoding; 0: as wide as the decoder thinks right."""
    hot_words: Mapping[str, Boost] = {}
    """Words that are likelier than the scorer thinks, in nats; 2 to 10 makes sense."""
    languages: tuple[str, ...] = ()
    """What it understands; empty: what the model says, else English."""
    open_too: bool = True
    """With a context, hear open text as well (only with a scorer): what else was said."""
    confidence_min: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """What is less sure is rejected."""
    calibration: Calibration = Calibration()
    idle_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Free the network after so long without speech; it is loaded again in seconds."""
    longest_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0
    """A longer utterance is an error: it bounds a stream's memory (10 MB at this length)."""
    limits: Limits = Limits()


class DeepSpeechEngine:
    """See SttEngine.

    Raises:
        ModelError: the model, alphabet or scorer cannot be used.
        EngineMissingError: a library is not installed.
    """

    name = "deepspeech"
    streaming = True
    grammar = True
    dictation = True

    def __init__(self, options: DeepSpeechOptions) -> None:
        network = open_network(options)
        self.options = options
        self.languages = options.languages or (network.language or "en",)
        self.geometry = network.geometry
        self.alphabet = network.alphabet
        self._open: OpenDecoder | None = None
        if options.scorer:
            beam = {"beam": options.beam} if options.beam else {}
            self._open = OpenDecoder.load(Path(options.scorer), network.alphabet, **beam)
        self.batcher = Batcher(network.load, options.limits, idle_s=options.idle_s)
        self._contexts: OrderedDict[str, ClosedDecoder] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See SttEngine.from_options."""
        if "model" not in options:
            raise ModelError("[options.deepspeech] needs model = 'PATH'; see docs/deepspeech.md")
        try:
            return cls(msgspec.convert(dict(options), DeepSpeechOptions))
        except msgspec.ValidationError as error:
            raise ModelError(f"[options.deepspeech]: {error}") from None

    def load_context(self, context: SttContext) -> None:
        """See SttEngine.load_context."""
        decoder = ClosedDecoder(spell_out(compile_grammar(context.grammar), self.alphabet))
        with self._lock:
            self._contexts.pop(context.id, None)
            self._contexts[context.id] = decoder
            while len(self._contexts) > CONTEXTS_MAX:
                self._contexts.popitem(last=False)

    def open(
        self,
        *,
        language: str,
        context: str | None,
        wake_phrase: str = "",
        background: bool = False,
    ) -> "DeepSpeechStream":
        """See SttEngine.open; background streams are computed after those that somebody speaks."""
        del language  # the model has one
        closed = None
        if context is not None:
            with self._lock:
                if context not in self._contexts:
                    raise ContextError(f"context {context} was not loaded")
                closed = self._contexts[context].open(wake_phrase)
        lane = self.batcher.open(background=background)
        acoustic = AcousticStream(lane, self.geometry, longest_s=self.options.longest_s)
        return DeepSpeechStream(
            acoustic, closed, self._dictation(closed), self.options, wake_phrase
        )

    def close(self) -> None:
        """See SttEngine.close."""
        self.batcher.close()
        with self._lock:
            self._contexts.clear()

    def _dictation(self, closed: ClosedStream | None) -> OpenStream | FreeStream | None:
        if self._open is not None and (closed is None or self.options.open_too):
            return self._open.open(self.options.hot_words)
        return FreeStream(self.alphabet) if closed is None else None


class DeepSpeechStream:
    """See SttStream."""

    def __init__(
        self,
        acoustic: AcousticStream,
        closed: ClosedStream | None,
        dictated: OpenStream | FreeStream | None,
        options: DeepSpeechOptions,
        wake_phrase: str,
    ) -> None:
        self._acoustic = acoustic
        self._closed = closed
        self._dictated = dictated
        self._options = options
        self._wake_phrase = wake_phrase
        self._spoken = False

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed."""
        self._decode(self._acoustic.push(pcm))

    def partial(self) -> SttPartial:
        """See SttStream.partial."""
        self._decode(self._acoustic.push(b""))
        if self._closed is not None:
            heard = self._closed.partial()
            return SttPartial(text=heard.text, may_end=heard.may_end, must_end=heard.must_end)
        text = without_phrase(self._dictated.partial() if self._dictated else "", self._wake_phrase)
        return SttPartial(text=text, may_end=False, must_end=False)

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        self._decode(self._acoustic.finish())
        if not self._spoken:
            return SttResult(best=None)
        return verdict(
            self._closed.finish(ALTERNATIVES_MAX) if self._closed else None,
            self._dictated.finish(ALTERNATIVES_MAX) if self._dictated else None,
            wake_phrase=self._wake_phrase,
            calibration=self._options.calibration,
            confidence_min=self._options.confidence_min,
        )

    def close(self) -> None:
        """See SttStream.close."""
        self._acoustic.close()

    def _decode(self, answers: list[Floats]) -> None:
        for rows in answers:
            blank = rows.shape[1] - 1
            self._spoken = self._spoken or bool(np.any(rows.argmax(axis=1) != blank))
            for decoder in (self._closed, self._dictated):
                if decoder is not None:
                    decoder.feed(rows)
