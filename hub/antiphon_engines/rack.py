"""The engines of this worker: built, warmed, offered, given contexts, rebuilt when broken."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from antiphon_ears import registry as ears
from antiphon_ears.vad.port import VadEngine
from antiphon_ears.wake.port import WakeEngine, WakeStream
from antiphon_engines import registry
from antiphon_engines.errors import ContextError, EngineMissingError, ServiceError
from antiphon_engines.second_look import second_look
from antiphon_engines.settings import WorkerSettings
from antiphon_engines.stt.port import SttContext, SttEngine
from antiphon_engines.threads import EngineThread
from antiphon_engines.tts.port import TtsEngine
from antiphon_protocol.limits import LIST_ITEMS_MAX
from antiphon_protocol.messages.presence import EngineOffer
from antiphon_protocol.messages.work import LoadContext, WakeCheck

log = logging.getLogger(__name__)

CONTEXTS_MAX: Final = 8
"""Contexts that are kept to give them to an engine that is built anew; the oldest goes."""
_SECOND: Final = bytes(32_000)
_WARM = SttContext(id="warm-up", language="en", grammar="#JSGF V1.0; grammar w; public <w> = yes;")


class Closable(Protocol):
    """An engine, as far as a slot is concerned."""

    def close(self) -> None:
        """Free it."""
        ...


E = TypeVar("E", bound=Closable)


class Slot(Generic[E]):
    """A place for one engine; a broken one is replaced, and closed when its last user is gone."""

    def __init__(self, name: str, build: Callable[[], E]) -> None:
        self.name = name
        self._build = build
        self._engine = build()
        self._users: dict[int, int] = {}
        self.rebuilds = 0

    @property
    def engine(self) -> E:
        """The engine that stands here now."""
        return self._engine

    @contextlib.contextmanager
    def lease(self) -> Iterator[E]:
        """Use the engine inside the block."""
        engine = self._engine
        self._users[id(engine)] = self._users.get(id(engine), 0) + 1
        try:
            yield engine
        finally:
            self._users[id(engine)] -= 1
            if not self._users[id(engine)]:
                del self._users[id(engine)]
                if engine is not self._engine:
                    engine.close()

    def build(self) -> E:
        """Return a fresh engine; blocks."""
        return self._build()

    def replace(self, engine: E) -> None:
        """Put a fresh engine in the old one's place."""
        old, self._engine = self._engine, engine
        self.rebuilds += 1
        if id(old) not in self._users:
            old.close()


class Rack:
    """All engines of the worker."""

    def __init__(
        self,
        *,
        stt: Sequence[Slot[SttEngine]],
        tts: Sequence[Slot[TtsEngine]],
        wake: Sequence[WakeEngine],
        vad: VadEngine,
    ) -> None:
        self._stt = {slot.name: slot for slot in stt}
        self._tts = {slot.name: slot for slot in tts}
        self._voices = {slot.name: Voice(slot) for slot in tts}
        self._wake = tuple(wake)
        self.vad = vad
        self._loader = EngineThread("engine-loader")
        self._contexts: OrderedDict[str, SttContext] = OrderedDict()
        self._loading: dict[str, asyncio.Task[str]] = {}

    # -- finding ----------------------------------------------------------------------------------

    def stt(self, name: str, language: str, *, dictation: bool) -> Slot[SttEngine]:
        """Return the recogniser of that name, or the first for an empty one.

        Raises:
            EngineMissingError: there is none, or it does not know the language, or it hears only
                closed grammars and open text is wanted.
        """
        slot = _choose(self._stt, name, "speech-to-text")
        _require_language(slot.name, slot.engine.languages, language)
        if dictation and not slot.engine.dictation:
            raise EngineMissingError(f"{slot.name} hears only what a context names")
        return slot

    def voice(self, name: str, language: str) -> "Voice":
        """Return the synthesizer of that name, or for an empty one the first with the language.

        Raises:
            EngineMissingError: there is none, or it does not know the language.
        """
        able = (slot.name for slot in self._tts.values() if _knows(slot.engine.languages, language))
        slot = _choose(self._tts, name or next(able, ""), "text-to-speech")
        _require_language(slot.name, slot.engine.languages, language)
        return self._voices[slot.name]

    def wake_engine(self, check: WakeCheck) -> WakeEngine:
        """Return the wake engines that are to look for the phrases, as one.

        Raises:
            EngineMissingError: a phrase is known to none.
        """
        able = [one for one in self._wake if set(check.phrases) & set(one.phrases)]
        engine = second_look(able, check)
        if missing := set(check.phrases) - set(engine.phrases):
            raise EngineMissingError(f"no wake engine here knows {', '.join(sorted(missing))}")
        return engine

    @staticmethod
    def open_wake(engine: WakeEngine, check: WakeCheck) -> WakeStream:
        """Listen for the phrases; blocks while the model loads."""
        return engine.open(check.phrases, check.threshold)

    def offers(self) -> tuple[EngineOffer, ...]:
        """Return what the worker has, for its presence."""
        offers = [_stt_offer(slot) for slot in self._stt.values()]
        offers += [_tts_offer(slot) for slot in self._tts.values()]
        offers += [
            EngineOffer(kind="wake", name=one.name, voices=one.phrases[:LIST_ITEMS_MAX])
            for one in self._wake
        ]
        return (*offers, EngineOffer(kind="vad", name=self.vad.name))

    # -- contexts ---------------------------------------------------------------------------------

    def load_context(self, message: LoadContext) -> None:
        """Keep a context and load it into each recogniser; `context` waits for it."""
        context = SttContext(
            id=message.context,
            language=message.language,
            grammar=message.grammar,
            pronunciations=message.pronunciations,
        )
        if self._contexts.get(context.id) == context:
            return
        self._contexts.pop(context.id, None)
        self._contexts[context.id] = context
        self._loading[context.id] = asyncio.create_task(
            self._load(context), name=f"load context {context.id}"
        )
        while len(self._contexts) > CONTEXTS_MAX:
            oldest, _ = self._contexts.popitem(last=False)
            self._loading.pop(oldest).cancel()

    async def context(self, name: str) -> None:
        """Return once that context is loaded.

        Raises:
            ContextError: it never came, or does not compile.
        """
        loading = self._loading.get(name)
        if loading is None:
            raise ContextError(f"context {name} was not loaded here")
        if trouble := await asyncio.shield(loading):
            raise ContextError(trouble)

    # -- living -----------------------------------------------------------------------------------

    async def rebuild(self, slot: "Slot[SttEngine] | Slot[TtsEngine]") -> None:
        """Put a fresh engine in a broken one's place; if that fails, the broken one stays."""
        try:
            if slot.name in self._stt and self._stt[slot.name] is slot:
                stt = self._stt[slot.name]
                stt.replace(await self._loader.run(self._fresh_stt, stt))
            else:
                tts = self._tts[slot.name]
                tts.replace(await self._loader.run(tts.build))
        except Exception as error:  # noqa: BLE001 - any way in which an engine breaks
            log.error("engine %s broke and cannot be built anew: %s", slot.name, error)  # noqa: TRY400 - not ours
            return
        log.warning("engine %s broke and was built anew", slot.name)

    async def warm_up(self) -> None:
        """Have each engine do a little work, so that the first command waits for no model."""
        await self._loader.run(self._warm)

    def busy_s(self, now_s: float) -> float:
        """Return for how long the loader or a voice has been at one stretch of work."""
        threads = [self._loader, *(voice.thread for voice in self._voices.values())]
        return max(thread.busy_s(now_s) for thread in threads)

    def close(self) -> None:
        """Free the engines, after what is under way in their threads."""
        for voice in self._voices.values():
            voice.thread.leave(voice.slot.engine.close)
            voice.thread.stop()
        for slot in self._stt.values():
            self._loader.leave(slot.engine.close)
        self._loader.stop()

    async def _load(self, context: SttContext) -> str:
        """Return what is wrong with the context; empty if nothing is."""
        for slot in self._stt.values():
            if slot.engine.grammar:
                try:
                    await self._loader.run(slot.engine.load_context, context)
                except Exception as error:  # noqa: BLE001 - any way in which an engine breaks
                    log.error("context %s: %s", context.id, error)  # noqa: TRY400 - not ours
                    return f"{slot.name} cannot use context {context.id}: {error}"
        return ""

    def _fresh_stt(self, slot: Slot[SttEngine]) -> SttEngine:
        engine = slot.build()
        for context in tuple(self._contexts.values()) if engine.grammar else ():
            with contextlib.suppress(ContextError):  # said when it was first loaded
                engine.load_context(context)
        return engine

    def _warm(self) -> None:
        self.vad.open().feed(_SECOND)
        for engine in self._wake:
            engine.open(engine.phrases[:1]).feed(_SECOND)
        for stt in self._stt.values():
            with _perhaps_away():
                _warm_stt(stt.engine)
        for tts in self._tts.values():
            with _perhaps_away():
                for _ in tts.engine.synthesize("Ready.", language=tts.engine.languages[0]):
                    pass


class Voice:
    """A synthesizer with its thread, lent to one sentence at a time."""

    def __init__(self, slot: Slot[TtsEngine]) -> None:
        self.slot = slot
        self.thread = EngineThread(f"tts-{slot.name}")
        self.turn = asyncio.Lock()


def build(settings: WorkerSettings) -> Rack:
    """Build all engines that the settings name; blocks while models load.

    Raises:
        EngineError: one is not installed or cannot be built; the message says what to do.
        EarsError: the same for a wake or voice-activity engine.
    """
    options, engines = settings.options, settings.engines
    stt = _slots(registry.load_stt, engines.stt, options)
    tts = _slots(registry.load_tts, engines.tts, options)
    wake = [ears.load_wake(name) for name in engines.wake]
    return Rack(stt=stt, tts=tts, wake=wake, vad=ears.load_vad(engines.vad))


def _slots(
    load: Callable[[str, Mapping[str, Any]], E],
    names: Sequence[str],
    options: Mapping[str, Mapping[str, Any]],
) -> list[Slot[E]]:
    """Return those of the engines that are installed: a list of names is a list of wishes.

    Raises:
        EngineMissingError: names were given, and none is installed.
    """
    slots: list[Slot[E]] = []
    missing: list[EngineMissingError] = []
    for name in names:
        try:
            slots.append(Slot(name, _builder(load, name, options.get(name, {}))))
        except EngineMissingError as error:
            missing.append(error)
    if missing and not slots:
        raise missing[0]
    for one in missing:
        log.warning("%s; going on without it", one)
    return slots


def _builder(
    load: Callable[[str, Mapping[str, Any]], E], name: str, options: Mapping[str, Any]
) -> Callable[[], E]:
    return lambda: load(name, options)


def _choose(slots: dict[str, Slot[E]], name: str, kind: str) -> Slot[E]:
    slot = slots.get(name) if name else next(iter(slots.values()), None)
    if slot is None:
        raise EngineMissingError(
            f"no {kind} engine {name!r} runs here; there are: {', '.join(slots) or 'none'}"
        )
    return slot


def _require_language(name: str, languages: Sequence[str], wanted: str) -> None:
    if not _knows(languages, wanted):
        raise EngineMissingError(f"{name} does not know the language {wanted}")


def _knows(languages: Sequence[str], wanted: str) -> bool:
    """Compare primary subtags: who knows `en-US` understands a job in `en-GB`."""
    known = {_primary(one) for one in languages}
    return not known or _primary(wanted) in known


def _primary(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()


@contextlib.contextmanager
def _perhaps_away() -> Iterator[None]:
    """Let a service on another machine be away: it may start after this worker."""
    try:
        yield
    except ServiceError as error:
        log.warning("%s; going on", error)


def _warm_stt(engine: SttEngine) -> None:
    if engine.grammar:
        engine.load_context(_WARM)
    stream = engine.open(
        language=engine.languages[0], context=None if engine.dictation else _WARM.id
    )
    stream.feed(_SECOND)
    stream.finish()


def _stt_offer(slot: Slot[SttEngine]) -> EngineOffer:
    engine = slot.engine
    return EngineOffer(
        kind="stt",
        name=slot.name,
        languages=engine.languages[:LIST_ITEMS_MAX],
        streaming=engine.streaming,
        grammar=engine.grammar,
        dictation=engine.dictation,
    )


def _tts_offer(slot: Slot[TtsEngine]) -> EngineOffer:
    engine = slot.engine
    return EngineOffer(
        kind="tts",
        name=slot.name,
        languages=engine.languages[:LIST_ITEMS_MAX],
        voices=engine.voices[:LIST_ITEMS_MAX],
    )
