"""pocketsphinx's decoder, wrapped: cepstra in, words with their scores out."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
import pocketsphinx

from antiphon_engines.errors import EngineFailedError, ModelError
from antiphon_engines.grammar import WordAutomaton
from antiphon_engines.stt.features import Floats
from antiphon_engines.stt.lexicon import Pronunciations

WAKE_WORD: Final = "<wake>"
"""Stands for the wake phrase in what is decoded; no word of a grammar can be spelt so."""
WORD_INSERTION: Final = 0.5
"""Odds of one more word."""
SILENCE_ODDS: Final = 0.3
BEAM: Final = 1e-64
"""Paths this much less likely than the best are dropped; the library's own 1e-48 loses the end of
noisy sentences."""
WORD_BEAM: Final = 1e-48
"""The same where words end."""
_SCORE_SCALE: Final = 1024
"""The library shifts the acoustic scores of a search by ten bits; those of a lattice are whole."""

T = TypeVar("T")


class Segment(msgspec.Struct, frozen=True):
    """One decoded word, or a silence."""

    word: str
    frames: int
    log_score: float
    """Log likelihood ratio of the word's states against the best state of all, frame by frame:
    0 were each frame's best-fitting sound allowed, the more negative the worse the words fit."""

    @property
    def silent(self) -> bool:
        """True for silence and noise between words."""
        return self.word.startswith(("<s", "</s", "[")) or self.word == "(NULL)"


def model_path(name: str) -> Path:
    """Return the path of a file of the bundled model.

    Raises:
        ModelError: the library came without it.
    """
    path = Path(pocketsphinx.get_model_path(name))
    if not path.exists():
        raise ModelError(f"pocketsphinx has no {path}; install it anew")
    return path


class Sphinx:
    """One decoder; one thread at a time, one utterance at a time."""

    def __init__(self, decoder: Any, score_scale: int) -> None:
        self._decoder = decoder
        self._score_scale = score_scale

    @classmethod
    def of_grammar(cls, words: Mapping[str, Pronunciations], automaton: WordAutomaton) -> "Sphinx":
        """Return a decoder for that grammar alone; takes some 10 ms and 6 MB.

        Args:
            words: How each word of the grammar sounds; with WAKE_WORD among them, the phrase that
                it stands for may be said in front.
            automaton: The grammar.

        Raises:
            EngineFailedError: the library refuses.
            ModelError: the library came without its model.
        """
        config = {
            "hmm": str(model_path("en-us/en-us")),
            "dict": None,
            # The library's second look at its lattice may end inside a sentence of the grammar.
            "bestpath": False,
            "beam": BEAM,
            "pbeam": BEAM,
            "wbeam": WORD_BEAM,
            "wip": WORD_INSERTION,
            "silprob": SILENCE_ODDS,
        }
        sphinx = cls(_decoder(config), _SCORE_SCALE)
        for word, ways in words.items():
            sphinx._add_word(word, ways)
        sphinx._use_grammar(automaton, wake=WAKE_WORD in words)
        return sphinx

    @classmethod
    def of_english(cls) -> "Sphinx":
        """Return a decoder for open English, by the bundled dictionary and trigrams.

        Raises:
            EngineFailedError: the library refuses.
            ModelError: the library came without its model.
        """
        config = {
            "hmm": str(model_path("en-us/en-us")),
            "dict": str(model_path("en-us/cmudict-en-us.dict")),
            "lm": str(model_path("en-us/en-us.lm.bin")),
        }
        return cls(_decoder(config), 1)

    def start(self) -> None:
        """Begin an utterance."""
        _guard(self._decoder.start_utt)

    def push(self, frames: Floats, *, whole: bool = False) -> None:
        """Decode more normalised cepstra; `whole`: they are the entire utterance."""
        data = np.ascontiguousarray(frames, dtype=np.float32).tobytes()
        if data:
            _guard(partial(self._decoder.process_cep, data, full_utt=whole))

    def words(self) -> tuple[str, ...]:
        """Return the best words so far, the wake phrase left out."""
        best = self._decoder.hyp()
        spoken = best.hypstr.split() if best is not None else ()
        return tuple(word for word in spoken if word != WAKE_WORD)

    def end(self) -> None:
        """End the utterance; words and segments can still be asked for."""
        _guard(self._decoder.end_utt)

    def segments(self) -> Sequence[Segment]:
        """Return the ended utterance's words and silences, in order."""
        return tuple(
            Segment(
                word=found.word.partition("(")[0] or found.word,
                frames=found.end_frame - found.start_frame + 1,
                log_score=self._score_scale * math.log(max(found.ascore, sys.float_info.min)),
            )
            for found in self._decoder.seg() or ()
        )

    def _add_word(self, word: str, ways: Pronunciations) -> None:
        for number, phones in enumerate(ways, 1):
            name = word if number == 1 else f"{word}({number})"
            _guard(partial(self._decoder.add_word, name, phones, update=False))

    def _use_grammar(self, automaton: WordAutomaton, *, wake: bool) -> None:
        end, begin = len(automaton), len(automaton) + 1
        arcs: list[tuple[Any, ...]] = [(begin, automaton.start, 1.0)]
        if wake:
            arcs.append((begin, automaton.start, 1.0, WAKE_WORD))
        for state in range(len(automaton)):
            if automaton.may_end(state):
                arcs.append((state, end, 1.0))
            words = automaton.next_words(state)
            # Every path costs the same: a grammar says what is possible, not what is likely.
            arcs.extend((state, target, 1.0, word) for word, target in words.items())
        grammar = _guard(partial(self._decoder.create_fsg, "grammar", begin, end, arcs))
        _guard(partial(self._decoder.add_fsg, "grammar", grammar))
        _guard(partial(self._decoder.activate_search, "grammar"))


def _decoder(config: Mapping[str, Any]) -> Any:
    """Return the library's decoder; cepstra come to it normalised."""
    settings = {
        "lm": None,
        "cmn": "none",
        # All states' scores, so that a path is measured against the best of all sounds.
        "compallsen": True,
        "loglevel": "FATAL",
        **config,
    }
    decoder = _guard(lambda: pocketsphinx.Decoder(pocketsphinx.Config(**settings)))
    # The model's own feat.params asks for cmn=batch and wins: each utterance would be normalised a
    # second time, by what the decoder remembers of the one before.
    decoder.config["cmn"] = "none"
    _guard(lambda: decoder.reinit_feat(decoder.config))
    return decoder


def _guard(call: Callable[[], T]) -> T:
    try:
        return call()
    except (RuntimeError, ValueError, KeyError) as error:
        raise EngineFailedError(f"pocketsphinx: {error}") from error
