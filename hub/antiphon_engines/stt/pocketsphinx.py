"""pocketsphinx: closed grammars heard while the person speaks, and open English for dictation.

Closed grammars are heard by its acoustic model on graphs of our own (`antiphon_engines.hmm`), open
text by its own decoder. Two passes over each utterance: the first goes along with the audio, for
partials; the second hears the whole again at its end, with the mean and variance of all of it, from
where speech begins to where it ends. How far the second is trusted, `rejection` says.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from antiphon_engines.errors import ContextError, EngineFailedError, ModelError
from antiphon_engines.grammar import compile_grammar, odds_of
from antiphon_engines.hmm.graph import Grammar, Graph
from antiphon_engines.hmm.model import AcousticModel
from antiphon_engines.hmm.network import read_network
from antiphon_engines.hmm.rating import Rater
from antiphon_engines.hmm.scorer import Scorer
from antiphon_engines.stt.closed import ClosedStream, Task
from antiphon_engines.stt.dictation import Decoders, DictationStream, model_path
from antiphon_engines.stt.lexicon import Lexicon, phrase_endings
from antiphon_engines.stt.port import SttContext

NETWORK: Final = Path(__file__).with_name("en-us.senones")
"""Made by `antiphon train-senones`."""
WAKE_PHRASES_MAX: Final = 4
"""Wake phrases that a context keeps graphs for, 13 MB each for a home; a house has one or two."""


class PocketsphinxOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.pocketsphinx]` may hold."""

    accept: float = 0.65
    """Confidence from which on a command is taken; below it is rejected."""
    sure: float = 0.85
    """Confidence from which on no closer look is taken, which is three times the work."""
    hopeless: float = 0.1
    """Confidence below which none is taken either: noise, or speech not meant for us."""
    contexts: int = 8
    """Grammars that are kept; the one unused for longest goes."""
    network: bool | str = True
    """Rate sounds by the network, too, which has learnt rooms and noise, or by another one in the
    file of that name; without it, by the Gaussians alone."""
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
        self._english = Decoders()
        self._model = AcousticModel(model_path("en-us/en-us"))
        senones, of = self._model.phones.senones, self._options.network
        file = Path(of).expanduser() if isinstance(of, str) else NETWORK
        network = read_network(file, senones) if of else None
        self._rater = Rater(Scorer(self._model), network)

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
        compiled = _Context(context, self._model, self._lexicon)
        with self._lock:
            self._contexts[context.id] = compiled
            self._contexts.move_to_end(context.id)
            while len(self._contexts) > self._options.contexts:
                self._contexts.popitem(last=False)

    def open(
        self, *, language: str, context: str | None, wake_phrase: str = ""
    ) -> ClosedStream | DictationStream:
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
            graph=compiled.graph(wake_phrase),
            rater=self._rater,
            automaton=compiled.automaton,
            hopeless=self._options.hopeless,
            sure=self._options.sure,
            accept=self._options.accept,
        )
        return ClosedStream(task)

    def close(self) -> None:
        """See SttEngine.close."""
        with self._lock:
            self._contexts.clear()
            self._english = Decoders()

    def _open_dictation(self) -> DictationStream:
        if not self.dictation:
            raise EngineFailedError("pocketsphinx: dictation is switched off in its options")
        return DictationStream(self._english)


class _Context:
    """A compiled grammar with its graphs, one for each wake phrase; for any thread."""

    def __init__(self, context: SttContext, model: AcousticModel, lexicon: Lexicon) -> None:
        self.automaton = compile_grammar(context.grammar)
        self._own = context.pronunciations
        self._lexicon = lexicon
        words = lexicon.pronounce(self.automaton.vocabulary, self._own)
        odds = odds_of(context.grammar, self.automaton)
        self._grammar = Grammar(model, self.automaton, odds, words)
        self._graphs: OrderedDict[str, Graph] = OrderedDict()
        self._lock = threading.Lock()

    def graph(self, wake_phrase: str) -> Graph:
        """Return the graph that expects that phrase in front."""
        phrase = wake_phrase.lower().split()
        name = " ".join(phrase)
        with self._lock:
            graph = self._graphs.get(name) or self._new_graph(phrase)
            self._graphs[name] = graph
            self._graphs.move_to_end(name)
            while len(self._graphs) > WAKE_PHRASES_MAX:
                self._graphs.popitem(last=False)
        return graph

    def _new_graph(self, phrase: list[str]) -> Graph:
        if not phrase:
            return self._grammar.graph()
        sounds = self._lexicon.pronounce(phrase, self._own)
        return self._grammar.graph(phrase_endings(sounds[word] for word in phrase))


def _require_english(language: str) -> None:
    if language.partition("-")[0].lower() != "en":
        raise ContextError(f"pocketsphinx hears English, not {language!r}")
