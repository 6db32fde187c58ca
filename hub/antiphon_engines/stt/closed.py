"""Utterances against a closed grammar: a search along with the audio, closer ones at the end."""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from antiphon_engines.errors import EngineFailedError
from antiphon_engines.grammar import WordAutomaton
from antiphon_engines.hmm.graph import Graph
from antiphon_engines.hmm.model import Floats
from antiphon_engines.hmm.rating import Rated, Rater, mean_of
from antiphon_engines.hmm.search import Path, Search
from antiphon_engines.stt.features import (
    BANDS,
    CEPSTRA,
    FLOOR_BELOW_SPEECH_DB,
    LIVE_FLOOR,
    LOUD_FLOOR_DB,
    FrontEnd,
    Levels,
    Normalizer,
    cepstra,
    log_energies,
    utterance,
)
from antiphon_engines.stt.port import SttHypothesis, SttPartial, SttResult
from antiphon_engines.stt.rejection import (
    CLOSE,
    ONE_PASS,
    Evidence,
    confidence,
    evidence,
)
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.limits import WAV_SECONDS_MAX

log = logging.getLogger(__name__)

LIVE_PRIOR_FRAMES: Final = 100.0
"""How much the typical voice weighs in the live search until more is known, 10 ms each."""
LIVE_WEIGHT: Final = 3.0
"""How much more sounds count in the live search: while a sentence is unfinished, the odds of short
ones would have it complete too early, and who looks for a word be cut off."""
LIVE_STEP_FRAMES: Final = 8
"""So many are rated at a time: fewer cost as much."""
CLOSER: Final = (
    (1.06, FLOOR_BELOW_SPEECH_DB),
    (0.94, FLOOR_BELOW_SPEECH_DB),
    (1.0, LOUD_FLOOR_DB),
)
"""What a closer look assumes beside what the first did: a higher and a lower voice than the model's
(see FrontEnd), and noise that comes and goes, in a floor of noise that covers it (decibels under
the loud frames). The mean of how all of them rate each moment is searched."""
OTHER_SPEECH_FRAMES: Final = 30
"""From so much sound on that is none of the grammar's words, somebody said something else."""
_BYTES_MAX: Final = int(WAV_SECONDS_MAX * SAMPLE_RATE_HZ) * SAMPLE_BYTES


class Task(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a stream hears for, and how."""

    graph: Graph
    rater: Rater
    automaton: WordAutomaton
    hopeless: float
    """Confidence below which no closer look is taken."""
    sure: float
    """Confidence from which on no closer look is taken."""
    accept: float
    """Confidence from which on a hypothesis is taken."""


class ClosedStream:
    """See SttStream."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._pcm = bytearray()
        self._live: _Live | None = _Live(task)
        self.evidence: Evidence | None = None
        """What `finish` judged its hypothesis by."""

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed; at most WAV_SECONDS_MAX in all."""
        live = self._open()
        self._pcm += pcm
        if len(self._pcm) > _BYTES_MAX:
            raise EngineFailedError(f"more than {WAV_SECONDS_MAX:g} s of audio")
        live.feed(pcm)

    def partial(self) -> SttPartial:
        """See SttStream.partial."""
        words = self._open().words()
        automaton = self._task.automaton
        state = automaton.follow(words) if words else None
        may_end = state is not None and automaton.may_end(state)
        must_end = may_end and state is not None and automaton.must_end(state)
        return SttPartial(text=" ".join(words), may_end=may_end, must_end=must_end, prompt=True)

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        live = self._open()
        self._live = None
        return self._judge(live.finish())

    def close(self) -> None:
        """See SttStream.close."""
        self._live = None

    def _judge(self, live: tuple[str, ...]) -> SttResult:
        rated = self._rated()
        if rated is None:
            return SttResult(best=None)
        first = self._searched(rated.scores)
        self.evidence = self._weigh(first, [live])
        if self.evidence is None:
            other = first.other_before + first.other_after
            return SttResult(best=None, rejected=other >= OTHER_SPEECH_FRAMES)
        sure = confidence(self.evidence, ONE_PASS)
        if sure >= self._task.sure or sure < self._task.hopeless:
            return self._result(first, sure)
        return self._closer(rated, first, live)

    def _closer(self, rated: Rated, first: Path, live: tuple[str, ...]) -> SttResult:
        """Assume other voices and another floor of noise as well, and search what they agree on."""
        closer = (self._rated(*assumed) for assumed in CLOSER)
        found = self._searched(mean_of(rated, (look for look in closer if look is not None)))
        if (weighed := self._weigh(found, [live, first.words])) is None:
            return SttResult(best=None, rejected=True)
        self.evidence = weighed
        return self._result(found, confidence(weighed, CLOSE))

    def _weigh(self, look: Path, others: Sequence[Sequence[str]]) -> Evidence | None:
        return evidence(look, others, complete=self._task.automaton.accepts(look.words))

    def _result(self, look: Path, score: float) -> SttResult:
        log.debug("confidence %.2f of %s", score, self.evidence)
        hypothesis = SttHypothesis(text=" ".join(look.words), source="grammar", confidence=score)
        if score < self._task.accept:
            return SttResult(best=None, rejected=True, alternatives=(hypothesis,))
        return SttResult(best=hypothesis, alternatives=(hypothesis,))

    def _rated(
        self, warp: float = 1.0, floor_below_db: float = FLOOR_BELOW_SPEECH_DB
    ) -> Rated | None:
        """Rate the whole utterance; None if nothing in it stands out."""
        sound = utterance(bytes(self._pcm), warp, floor_below_db)
        if sound is None:
            return None
        return Rated(sound.begin, self._task.rater.whole(sound.cepstra, sound.bands))

    def _searched(self, scores: Floats) -> Path:
        search = Search(self._task.graph)
        search.push(scores)
        return search.finish()

    def _open(self) -> "_Live":
        if self._live is None:
            raise EngineFailedError("the stream is closed; open another")
        return self._live


class _Live:
    """The search along with the audio, normalised by what is known of the voice so far."""

    def __init__(self, task: Task) -> None:
        self._rating = task.rater.along()
        self._search = Search(task.graph, LIVE_WEIGHT)
        self._front = FrontEnd()
        self._normalizer = Normalizer(LIVE_PRIOR_FRAMES)
        self._levels = Levels(LIVE_PRIOR_FRAMES)
        self._heard = np.zeros((0, CEPSTRA + BANDS), np.float32)
        """Cepstra and bands, side by side, that wait to be rated."""

    def feed(self, pcm: bytes) -> None:
        energies = log_energies(self._front.feed(pcm), LIVE_FLOOR)
        if not len(energies):
            return
        raw = cepstra(energies)
        self._normalizer.learn(raw)
        self._levels.learn(energies)
        new = (self._normalizer.apply(raw), self._levels.apply(energies))
        frames = np.concatenate(new, axis=1).astype(np.float32)
        self._heard = np.concatenate((self._heard, frames))
        if len(self._heard) >= LIVE_STEP_FRAMES:
            self._rate()

    def words(self) -> tuple[str, ...]:
        return self._search.words()

    def finish(self) -> tuple[str, ...]:
        """Return the words of all that was fed."""
        if len(self._heard):
            self._rate()
        self._search.push(self._rating.finish())
        return self._search.words()

    def _rate(self) -> None:
        heard, bands = np.split(self._heard, (CEPSTRA,), axis=1)
        self._search.push(self._rating.push(heard, bands))
        self._heard = self._heard[:0]
