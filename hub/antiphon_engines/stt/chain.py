"""The engine `chain`: others in a row, best first; the next one hears what one cannot.

A link that breaks, is late or unsure hands the whole utterance on: a network on the GPU, the same
one on the CPU, a closed grammar. The result says which link heard it.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Annotated, Any, Final, Self, TypeVar

import msgspec

from antiphon_engines import registry
from antiphon_engines.errors import ContextError, EngineError, EngineFailedError, ModelError
from antiphon_engines.stt.port import (
    SttContext,
    SttEngine,
    SttHypothesis,
    SttPartial,
    SttResult,
    SttStream,
)
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ

log = logging.getLogger(__name__)

R = TypeVar("R")

ALTERNATIVES_MAX: Final = 10


class LinkOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One engine of the chain."""

    engine: str
    options: dict[str, Any] = {}
    name: str = ""
    """In traces; empty: the engine's."""


class ChainOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings section `[options.chain]`."""

    links: Annotated[tuple[LinkOptions, ...], msgspec.Meta(min_length=1, max_length=8)]
    """Best first. One whose library, device or model is missing here is left out, and logged."""
    deadline_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    """At the end of speech a link has so long; then the next one is asked."""
    confidence_min: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """A less sure link is followed by the next; the surest of them is taken."""
    rest_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """A link that broke or was late is not asked for so long."""
    longest_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 120.0
    """The audio of an utterance is kept for the next link; a longer one is an error."""


class Link:
    """An engine of the chain and how it fares."""

    def __init__(self, name: str, engine: SttEngine) -> None:
        self.name = name
        self.engine = engine
        self.rests_until_s = 0.0
        self.failures = 0


class ChainEngine:
    """See SttEngine."""

    name = "chain"
    streaming = True

    def __init__(self, links: Sequence[Link], options: ChainOptions) -> None:
        self.links = tuple(links)
        self.options = options
        engines = [link.engine for link in links]
        self.grammar = any(engine.grammar for engine in engines)
        self.dictation = any(engine.dictation for engine in engines)
        self.languages = tuple(dict.fromkeys(one for engine in engines for one in engine.languages))

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See SttEngine.from_options."""
        try:
            wanted = msgspec.convert(dict(options), ChainOptions)
        except msgspec.ValidationError as error:
            raise ModelError(f"[options.chain]: {error}") from None
        links: list[Link] = []
        troubles: list[str] = []
        for one in wanted.links:
            try:
                links.append(
                    Link(one.name or one.engine, registry.load_stt(one.engine, one.options))
                )
            except EngineError as error:
                log.warning("chain: %s is left out: %s", one.name or one.engine, error)
                troubles.append(str(error))
        if not links:
            raise ModelError(f"no link of the chain works here: {'; '.join(troubles)}")
        return cls(links, wanted)

    def load_context(self, context: SttContext) -> None:
        """See SttEngine.load_context; an error only where no link can use it."""
        errors = []
        able = [link for link in self.links if link.engine.grammar]
        for link in able:
            try:
                link.engine.load_context(context)
            except EngineError as error:
                log.warning("chain: %s cannot use context %s: %s", link.name, context.id, error)
                errors.append(error)
        if len(errors) == len(able):
            raise ContextError(str(errors[0]) if errors else "no link of the chain takes contexts")

    def open(self, *, language: str, context: str | None, wake_phrase: str = "") -> "ChainStream":
        """See SttEngine.open."""
        able = [
            link
            for link in self.links
            if (link.engine.dictation if context is None else link.engine.grammar)
        ]
        now_s = time.monotonic()
        fresh = [link for link in able if link.rests_until_s <= now_s]

        def open_link(link: Link) -> SttStream:
            return link.engine.open(language=language, context=context, wake_phrase=wake_phrase)

        # When all rest, the best that there is may as well be tried.
        return ChainStream(fresh or able, open_link, self.options)

    def close(self) -> None:
        """See SttEngine.close."""
        for link in self.links:
            link.engine.close()


class ChainStream:
    """See SttStream.

    Raises:
        ContextError: no link has the context.
        EngineFailedError: no link opens.
    """

    def __init__(
        self,
        links: Sequence[Link],
        open_link: Callable[[Link], SttStream],
        options: ChainOptions,
    ) -> None:
        self._waiting = list(links)
        self._open_link = open_link
        self._options = options
        self._bytes_max = int(options.longest_s * SAMPLE_RATE_HZ) * SAMPLE_BYTES
        self._audio = bytearray()
        self._heard: list[SttResult] = []
        self._error: EngineError = EngineFailedError("no link of the chain can hear this")
        self._link, self._stream = self._next()

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed."""
        if len(self._audio) + len(pcm) > self._bytes_max:
            raise EngineFailedError(
                f"an utterance of more than {self._options.longest_s:g} s; split it"
            )
        self._audio += pcm
        try:
            self._stream.feed(pcm)
        except Exception as error:  # noqa: BLE001 - any way in which an engine breaks
            self._give_up(error)
            self._link, self._stream = self._next()

    def partial(self) -> SttPartial | None:
        """See SttStream.partial."""
        try:
            return self._stream.partial()
        except Exception as error:  # noqa: BLE001 - as above
            self._give_up(error)
            self._link, self._stream = self._next()
            return None

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        while True:
            try:
                result = _within(self._options.deadline_s, self._stream.finish)
                self._heard.append(msgspec.structs.replace(result, engine=self._link.name))
                if self._settles(result):
                    break
            except Exception as error:  # noqa: BLE001 - as above
                self._give_up(error)
            try:
                self._link, self._stream = self._next()
            except EngineError:
                break
        if not self._heard:
            raise self._error
        return surest(self._heard)

    def close(self) -> None:
        """See SttStream.close."""
        self._audio.clear()
        self._stream.close()

    def _settles(self, result: SttResult) -> bool:
        if result.best is None:
            return not result.rejected
        return result.best.confidence >= self._options.confidence_min

    def _next(self) -> tuple[Link, SttStream]:
        """Let the next link hear what there is so far."""
        while self._waiting:
            self._link = self._waiting.pop(0)
            try:
                stream = self._open_link(self._link)
                if self._audio:
                    stream.feed(bytes(self._audio))
            except ContextError as error:
                self._error = error
            except Exception as error:  # noqa: BLE001 - as above
                self._give_up(error)
            else:
                return self._link, stream
        raise self._error

    def _give_up(self, error: Exception) -> None:
        if not isinstance(error, EngineError):
            error = EngineFailedError(f"{self._link.name}: {error!r}")
        self._error = error
        self._link.failures += 1
        self._link.rests_until_s = time.monotonic() + self._options.rest_s
        log.warning("chain: %s gives up: %s", self._link.name, self._error)


def surest(results: Sequence[SttResult]) -> SttResult:
    """Return the result of the surest link, the others' best hypotheses among its alternatives."""

    def confidence(result: SttResult) -> float:
        return result.best.confidence if result.best else -1.0

    best = max(results, key=confidence)
    others = [one.best for one in results if one.best and one is not best]
    extra: list[SttHypothesis] = [one for one in others if one not in best.alternatives]
    alternatives = (*best.alternatives, *extra)[:ALTERNATIVES_MAX]
    return msgspec.structs.replace(best, alternatives=alternatives)


def _within(seconds: float, call: Callable[[], R]) -> R:
    """Return what a blocking call returns; one that takes longer is left to end by itself.

    Raises:
        EngineFailedError: it took longer.
        Exception: what the call raised.
    """
    answer: Future[R] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            answer.set_exception(error)

    threading.Thread(target=run, name="chain-finish", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        if answer.done():
            raise  # the call's own
        raise EngineFailedError(f"no result within {seconds:g} s") from None
