"""Engines that hear open text and write it: what they wrote, against the home's grammar.

A transcript that is a sentence of the grammar counts as one; any other is handed on as dictation,
which natural wording understands. Nothing is bent to the nearest sentence here.
"""

import threading
from collections import OrderedDict

import msgspec

from antiphon_engines.deepspeech.verdict import without_phrase
from antiphon_engines.errors import ContextError
from antiphon_engines.grammar import compile_grammar
from antiphon_engines.grammar.automaton import WordAutomaton
from antiphon_engines.stt.port import SttContext, SttHypothesis, SttPartial, SttResult
from antiphon_engines.stt.wording import spoken_words
from antiphon_protocol.limits import LIST_ITEMS_MAX, TEXT_CHARS_MAX


class Confidences(msgspec.Struct, frozen=True):
    """Settings that stand where the engine has no measure of how sure it is."""

    sentence: float
    """For a sentence of the grammar."""
    open_text: float
    """For any other text."""


class WrittenContext(msgspec.Struct, frozen=True):
    """A home's grammar, as far as a transcript is compared with it."""

    automaton: WordAutomaton
    names: tuple[str, ...]
    """The home's odd words, which an engine may be told to expect."""


class WrittenContexts:
    """Contexts by their ids, a bounded number of them; for any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._contexts: OrderedDict[str, WrittenContext] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, context: SttContext) -> None:
        """See SttEngine.load_context."""
        names = tuple(sorted(context.pronunciations))[:LIST_ITEMS_MAX]
        compiled = WrittenContext(compile_grammar(context.grammar), names)
        with self._lock:
            self._contexts.pop(context.id, None)
            self._contexts[context.id] = compiled
            while len(self._contexts) > self._limit:
                self._contexts.popitem(last=False)

    def get(self, name: str | None) -> WrittenContext | None:
        """Return the context of that id; None for none.

        Raises:
            ContextError: it was not loaded.
        """
        if name is None:
            return None
        with self._lock:
            if name not in self._contexts:
                raise ContextError(f"context {name} was not loaded")
            return self._contexts[name]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._contexts.clear()


class Reading(msgspec.Struct, frozen=True):
    """How one utterance's transcripts are read."""

    context: WrittenContext | None
    language: str
    wake_phrase: str
    confidences: Confidences

    def words(self, text: str) -> str:
        """Return a transcript as the port wants it."""
        spoken = spoken_words(text[:TEXT_CHARS_MAX], self.language)
        return without_phrase(spoken, self.wake_phrase)

    def partial(self, text: str) -> SttPartial:
        """Return what a transcript so far amounts to."""
        words = self.words(text)
        state = self.context.automaton.follow(words.split()) if self.context else None
        if self.context is None or state is None:
            return SttPartial(text=words, may_end=False, must_end=False)
        automaton = self.context.automaton
        ends = automaton.may_end(state)
        return SttPartial(text=words, may_end=ends, must_end=ends and automaton.must_end(state))

    def result(self, text: str) -> SttResult:
        """Return what a whole transcript amounts to."""
        words = self.words(text)
        if not words:
            return SttResult(best=None)
        if self.context is not None and self.context.automaton.accepts(words.split()):
            sure = self.confidences.sentence
            best = SttHypothesis(text=words, source="grammar", confidence=sure)
        else:
            unsure = self.confidences.open_text
            best = SttHypothesis(text=words, source="dictation", confidence=unsure)
        return SttResult(best=best, alternatives=(best,))
