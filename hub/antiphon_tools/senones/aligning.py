"""Which senone each moment of a known sentence is: forced alignment."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.errors import ContextError
from antiphon_engines.grammar import compile_grammar, odds_of
from antiphon_engines.hmm.graph import Grammar
from antiphon_engines.hmm.model import AcousticModel
from antiphon_engines.hmm.network import Network
from antiphon_engines.hmm.rating import Rater
from antiphon_engines.hmm.scorer import Scorer
from antiphon_engines.hmm.search import Search
from antiphon_engines.stt.dictation import model_path
from antiphon_engines.stt.features import FRAME_SAMPLES, WINDOW_SAMPLES, utterance
from antiphon_engines.stt.lexicon import Lexicon

FIT_MIN: Final = -4.0
"""Sentences whose words fit worse on average were not said that way."""
UNKNOWN: Final = -1
"""Label of a moment that is none of the sentence's sounds."""

Labels = npt.NDArray[np.int16]


class Aligner:
    """Aligns recordings with their sentences; for one thread."""

    def __init__(
        self, model: AcousticModel, words: Iterable[str], network: Network | None = None
    ) -> None:
        """Look up how these words sound.

        Args:
            model: The Gaussians.
            words: All that are said.
            network: What rates sounds beside the Gaussians; none: they alone do.
        """
        self._model = model
        self._rater = Rater(Scorer(self._model), network)
        lexicon = Lexicon(model_path("en-us/cmudict-en-us.dict"))
        self._ways = lexicon.pronounce(words, {})
        silence = self._model.phones.alone(self._model.phones.silence)[0]
        self.silence = self._model.phones.states(silence)[1]
        """The senone of what lies outside the sentence."""

    def labels(self, samples: Samples, text: str) -> Labels | None:
        """Return each frame's senone, UNKNOWN for other sound; None if the sentence does not fit.

        Args:
            samples: A recording in quiet surroundings.
            text: What is said, lower-case words.
        """
        sound = utterance(samples.tobytes())
        if sound is None:
            return None
        words = text.split()
        try:
            grammar = f"#JSGF V1.0; grammar g; public <s> = {text};"
            automaton = compile_grammar(grammar)
            odds = odds_of(grammar, automaton)
        except ContextError:
            return None
        ways = {word: self._ways[word] for word in words}
        search = Search(Grammar(self._model, automaton, odds, ways).graph())
        search.push(self._rater.whole(sound.cepstra, sound.bands))
        found = search.sounds()
        if found is None or found[0].words != tuple(words) or found[0].fit < FIT_MIN:
            return None
        frames = max(0, (len(samples) - WINDOW_SAMPLES) // FRAME_SAMPLES + 1)
        labels = np.full(frames, self.silence, np.int16)
        inside = np.where(found[1] < self._model.phones.senones, found[1], UNKNOWN)
        labels[sound.begin : sound.begin + len(inside)] = inside
        return labels
