"""pocketsphinx: closed grammars heard while the person speaks, and open English for dictation.

Two passes over each utterance: the first goes along with the audio, for partials; the second hears
the whole again at its end, with the mean and variance of all of it, from where speech begins to
where it ends. How far the second is trusted, `rejection` says.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Self

import msgspec

from antiphon_engines.errors import ContextError, EngineFailedError, ModelError
from antiphon_engines.grammar import WordAutomaton, compile_grammar
from antiphon_engines.stt import rejection
from antiphon_engines.stt.lexicon import Lexicon, phrase_endings
from antiphon_engines.stt.port import SttContext
from antiphon_engines.stt.sphinx import WAKE_WORD, Sphinx, model_path
from antiphon_engines.stt.streams import Pool, Stream, Task

WAKE_PHRASES_MAX: Final = 8
"""Wake phrases that a context keeps decoders for; a house has one or two."""


class PocketsphinxOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.pocketsphinx]` may hold."""

    accept: float = 0.6
    """Confidence from which on a command is taken; below it is rejected."""
    sure: float = 0.85
    """Confidence from which on no second opinion is asked for: each is one more pass."""
    hopeless: float = 0.1
    """Confidence below which none is asked for either: noise, or speech not meant for us."""
    contexts: int = 8
    """Grammars that are kept; the one unused for longest goes."""
    dictation: bool = True
    """Hear open text where no grammar is given: slow, and often wrong."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.accept <= 1.0:
            raise ValueError(f"accept is {self.accept}; it must be from 0 to 1")
        if self.contexts < 1:
            raise ValueError(f"contexts is {self.contexts}; it must be at least 1")


class PocketsphinxEngine:
    """See SttEngine."""

    name = "pocketsphinx"
    languages = ("en",)
    streaming = True
    grammar = True

    def __init__(self, options: PocketsphinxOptions | None = None) -> None:
        self._options = options or PocketsphinxOptions()
        self._lexicon = Lexicon(model_path("en-us/cmudict-en-us.dict"))
        self._contexts: OrderedDict[str, _Context] = OrderedDict()
        self._lock = threading.Lock()
        self._english = Pool(Sphinx.of_english)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See SttEngine.from_options."""
        try:
            return cls(msgspec.convert(options, PocketsphinxOptions))
        except msgspec.ValidationError as error:
            raise ModelError(f"[options.pocketsphinx]: {error}") from None

    @property
    def dictation(self) -> bool:
        """See SttEngine.dictation."""
        return self._options.dictation

    def load_context(self, context: SttContext) -> None:
        """See SttEngine.load_context."""
        _require_english(context.language)
        compiled = _Context(context, self._lexicon)
        with self._lock:
            self._contexts[context.id] = compiled
            self._contexts.move_to_end(context.id)
            while len(self._contexts) > self._options.contexts:
                self._contexts.popitem(last=False)

    def open(self, *, language: str, context: str | None, wake_phrase: str = "") -> Stream:
        """See SttEngine.open."""
        _require_english(language)
        if context is None:
            return self._open_dictation()
        with self._lock:
            if context not in self._contexts:
                raise ContextError(f"context {context} was not loaded")
            self._contexts.move_to_end(context)
            compiled = self._contexts[context]
        task = Task(
            source="grammar",
            automaton=compiled.automaton,
            weights=rejection.ONE_PASS,
            opinions=rejection.OPINIONS,
            hopeless=self._options.hopeless,
            sure=self._options.sure,
            accept=self._options.accept,
        )
        return Stream(compiled.pool(wake_phrase), task)

    def close(self) -> None:
        """See SttEngine.close."""
        with self._lock:
            self._contexts.clear()
            self._english = Pool(Sphinx.of_english)

    def _open_dictation(self) -> Stream:
        if not self.dictation:
            raise EngineFailedError("pocketsphinx: dictation is switched off in its options")
        task = Task(
            source="dictation",
            automaton=None,
            weights=rejection.DICTATION,
            opinions=rejection.DICTATION,
            hopeless=0.0,
            sure=0.0,
            accept=0.0,
        )
        return Stream(self._english, task)


class _Context:
    """A compiled grammar with its decoders, one pool for each wake phrase; for any thread."""

    def __init__(self, context: SttContext, lexicon: Lexicon) -> None:
        self.automaton: WordAutomaton = compile_grammar(context.grammar)
        self._own = context.pronunciations
        self._lexicon = lexicon
        self._words = lexicon.pronounce(self.automaton.vocabulary, self._own)
        self._pools: OrderedDict[str, Pool] = OrderedDict()
        self._lock = threading.Lock()
        pool = self.pool("")
        pool.give(pool.take())

    def pool(self, wake_phrase: str) -> Pool:
        """Return the decoders that expect that phrase in front."""
        phrase = wake_phrase.lower().split()
        with self._lock:
            pool = self._pools.get(" ".join(phrase)) or self._new_pool(phrase)
            self._pools[" ".join(phrase)] = pool
            self._pools.move_to_end(" ".join(phrase))
            while len(self._pools) > WAKE_PHRASES_MAX:
                self._pools.popitem(last=False)
        return pool

    def _new_pool(self, phrase: list[str]) -> Pool:
        words = dict(self._words)
        if phrase:
            sounds = self._lexicon.pronounce(phrase, self._own)
            words[WAKE_WORD] = phrase_endings(sounds[word] for word in phrase)
        return Pool(partial(Sphinx.of_grammar, words, self.automaton))


def _require_english(language: str) -> None:
    if language.partition("-")[0].lower() != "en":
        raise ContextError(f"pocketsphinx hears English, not {language!r}")
