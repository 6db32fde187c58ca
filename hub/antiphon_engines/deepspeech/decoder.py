"""Open dictation: the lexicon's words, weighed by a language model, in one pass while they come.

As Mozilla's decoder has it: a word is scored when its space is heard, with `alpha` as the weight
of the model's logarithm and `beta` as the reward of a word; the end of a sentence is not scored.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech import ctc
from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.beam import Candidate, PrefixBeam
from antiphon_engines.deepspeech.hypotheses import Decoding, Evidence, Found, decoding, joined
from antiphon_engines.deepspeech.kenlm import KenLm, KenLmScorer
from antiphon_engines.deepspeech.kenlm_trial import try_out
from antiphon_engines.deepspeech.lexicon import with_outlook
from antiphon_engines.deepspeech.scorer import Scorer, load_scorer

BEAM: Final = 256
"""Hypotheses kept."""
THRESHOLD: Final = 20.0
"""Nats behind the best; 30 finds no more, and takes a fifth longer."""
SEGMENT_STEPS: Final = 1_000
"""After 20 s the next pause ends a segment ..."""
SEGMENT_STEPS_MAX: Final = 1_500
"""... after 30 s anything: so the memory of a search is bounded, however long the audio."""
PAUSE_STEPS: Final = 15
"""Steps with nothing but blanks: 0.3 s."""
BOOST_MAX: Final = 20.0
"""A hot word's boost, in nats: more than the rarest word lacks."""


class OpenDecoder:
    """Opens utterances; any thread may."""

    def __init__(
        self,
        scorer: Scorer,
        *,
        beam: int = BEAM,
        threshold: float = THRESHOLD,
    ) -> None:
        """Load the scorer's language model.

        Raises:
            ModelError: it is damaged.
            EngineMissingError: the library for language models is not installed.
        """
        self.scorer = scorer
        self._model = KenLm(scorer.path, scorer.lexicon.words)
        worth = self._model.worth(alpha=scorer.alpha, beta=scorer.beta)
        self._lexicon = with_outlook(scorer.lexicon, worth)
        self._beam = beam
        self._threshold = threshold

    @classmethod
    def load(cls, path: Path, alphabet: Alphabet, *, beam: int = BEAM) -> Self:
        """Load a scorer package for a model of this alphabet, once it was tried out.

        Raises:
            ModelError: it is damaged, of another version, or for another alphabet.
            EngineMissingError: the library for language models is not installed.
        """
        scorer = load_scorer(path, alphabet)
        try_out(scorer.path, scorer.lexicon.words)
        return cls(scorer, beam=beam)

    def open(self, hot_words: Mapping[str, float] | None = None) -> "OpenStream":
        """Begin an utterance.

        Args:
            hot_words: Word to what is added to its logarithm, in nats, +-`BOOST_MAX` at most;
                words that the lexicon lacks have no effect.
        """
        boosts = {
            number: min(max(boost, -BOOST_MAX), BOOST_MAX)
            for word, boost in (hot_words or {}).items()
            if (number := self._lexicon.number(word)) is not None
        }
        return OpenStream(self, boosts)

    def search(self, boosts: Mapping[int, float]) -> tuple[PrefixBeam, KenLmScorer]:
        """Return a new search and its scorer."""
        scorer = self._model.scorer(alpha=self.scorer.alpha, beta=self.scorer.beta, boosts=boosts)
        search = PrefixBeam(
            self._lexicon.graph, beam=self._beam, threshold=self._threshold, scorer=scorer
        )
        return search, scorer


class OpenStream:
    """One utterance; one thread at a time. Long ones are cut into segments at pauses."""

    def __init__(self, decoder: OpenDecoder, boosts: Mapping[int, float]) -> None:
        self._decoder = decoder
        self._lexicon = decoder.scorer.lexicon
        self._boosts = boosts
        self._done = Decoding()
        self._done_steps = 0
        self._quiet = 0
        self._begin()

    def _begin(self) -> None:
        self._search, self._words = self._decoder.search(self._boosts)
        self._heard: list[ctc.Probabilities] = []
        self._steps = 0

    def feed(self, probabilities: npt.NDArray[Any]) -> None:
        """Take the network's output.

        Args:
            probabilities: [steps, classes], any number of steps; the blank is the last class.

        Raises:
            EngineFailedError: no probabilities (NaN, another shape).
        """
        rows = ctc.checked(probabilities, self._lexicon.alphabet.classes)
        cuts, self._quiet = self._cuts(rows)
        begin = 0
        for end in cuts:
            self._go_on(rows[begin:end])
            self._done = self._result(1)
            self._done_steps += self._steps
            self._begin()
            begin = end
        self._go_on(rows[begin:])

    def partial(self) -> str:
        """Return the likeliest words so far, and the last one if it could end here."""
        best = self._search.best()
        words = self._text(best.labels).split(" ")
        if best.state != self._lexicon.graph.start and self._completing(best) is None:
            words = words[:-1]
        return " ".join([*self._done_texts(), *words]).strip()

    def finish(self, count: int = 10) -> Decoding:
        """Return the likeliest texts; none when nothing was said.

        Args:
            count: How many at most.
        """
        return self._result(count)

    def _cuts(self, rows: ctc.Probabilities) -> tuple[list[int], int]:
        """Return where segments end among these steps, and how many quiet ones come last."""
        blank = rows.argmax(axis=1) == rows.shape[1] - 1
        cuts: list[int] = []
        steps, quiet = self._steps, self._quiet
        for at, is_quiet in enumerate(blank.tolist(), 1):
            steps, quiet = steps + 1, (quiet + 1) * is_quiet
            if steps >= (SEGMENT_STEPS if quiet >= PAUSE_STEPS else SEGMENT_STEPS_MAX):
                cuts.append(at)
                steps = quiet = 0
        return cuts, quiet

    def _go_on(self, rows: ctc.Probabilities) -> None:
        if len(rows):
            self._heard.append(rows)
            self._steps += len(rows)
            self._search.feed(rows)

    def _done_texts(self) -> list[str]:
        return [one.text for one in self._done.hypotheses[:1]]

    def _result(self, count: int) -> Decoding:
        found = self._found()[:count]
        if not found or not found[0].text:
            return self._done
        now = decoding(Evidence(self._heard, self._lexicon.alphabet), found)
        return joined(self._done, now, self._done_steps)

    def _found(self) -> list[Found]:
        """Return the whole texts, the last word scored; with and without its space is one."""
        found: dict[str, Found] = {}
        for one in self._search.candidates():
            score = one.log_score + self._last_word(one)
            if score == -np.inf:
                continue
            new = Found(self._text(one.labels), one.labels, 0, score)
            known = found.get(new.text, new)
            if known is not new:
                score = float(np.logaddexp(known.score, score))
            found[new.text] = msgspec.structs.replace(known, score=score)
        return sorted(found.values(), key=lambda one: -one.score)

    def _last_word(self, one: Candidate) -> float:
        """Return what the unfinished word adds to the score; -inf when it is none."""
        if one.state == self._lexicon.graph.start:
            return 0.0
        word = self._completing(one)
        if word is None:
            return -np.inf
        factor, _ = self._words.score(np.array([one.context], np.int32), np.array([word], np.int32))
        return float(np.log(factor[0]))

    def _completing(self, one: Candidate) -> int | None:
        """Return the number of the word that a space would complete."""
        space = self._lexicon.alphabet.space
        arc = None if space is None else self._lexicon.arc(one.state, space)
        if arc is None or not self._lexicon.graph.ends_word[arc]:
            return None
        return one.word + int(self._lexicon.graph.word[arc])

    def _text(self, labels: tuple[int, ...]) -> str:
        return self._lexicon.alphabet.decode(labels).strip()
