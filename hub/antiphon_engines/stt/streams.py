"""Utterances in pocketsphinx: two passes over a closed grammar, or one over open English."""

import threading
from collections.abc import Callable
from typing import Final, Literal

import msgspec
import numpy as np

from antiphon_engines.errors import EngineFailedError
from antiphon_engines.grammar import WordAutomaton
from antiphon_engines.stt.features import (
    FRAMES_PER_S,
    LIVE_FLOOR,
    Floats,
    FrontEnd,
    Normalizer,
    cepstra,
    log_energies,
    loud_floor,
    speech_span,
)
from antiphon_engines.stt.port import SttHypothesis, SttPartial, SttResult
from antiphon_engines.stt.rejection import Evidence, Weights, confidence, evidence
from antiphon_engines.stt.sphinx import Sphinx
from antiphon_protocol.limits import WAV_SECONDS_MAX

IDLE_DECODERS_MAX: Final = 4
"""Decoders that wait for the next utterance, about 6 MB each; more are dropped."""
LIVE_PRIOR_FRAMES: Final = 100.0
"""How much the typical voice weighs in the first pass until more is known, 10 ms each."""
_FRAMES_MAX: Final = int(WAV_SECONDS_MAX * FRAMES_PER_S)
_NOTHING: Final = SttResult(best=None)


class Pool:
    """Idle decoders of one kind, each taken by one stream at a time."""

    def __init__(self, build: Callable[[], Sphinx]) -> None:
        self._build = build
        self._idle: list[Sphinx] = []
        self._lock = threading.Lock()

    def take(self) -> Sphinx:
        """Return an idle decoder, or a new one.

        Raises:
            EngineFailedError: the library refuses.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._build()

    def give(self, decoder: Sphinx) -> None:
        """Give back a decoder whose utterance has ended."""
        with self._lock:
            if len(self._idle) < IDLE_DECODERS_MAX:
                self._idle.append(decoder)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream hears for, and how."""

    source: Literal["grammar", "dictation"]
    automaton: WordAutomaton | None
    """The grammar; None for open text."""
    weights: Weights
    """How confidence follows from evidence."""
    accept: float
    """Confidence from which on a hypothesis is taken."""


class Stream:
    """See SttStream."""

    def __init__(self, pool: Pool, task: Task) -> None:
        self._pool = pool
        self._task = task
        self._front = FrontEnd()
        self._live = Normalizer(LIVE_PRIOR_FRAMES)
        self._mel: list[Floats] = []
        self._frames = 0
        self._decoder: Sphinx | None = pool.take()
        self._decoder.start()
        self.evidence: Evidence | None = None
        """What `finish` judged its hypothesis by."""

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed; at most WAV_SECONDS_MAX in all."""
        decoder = self._open_decoder()
        mel = self._front.feed(pcm)
        self._frames += len(mel)
        if self._frames > _FRAMES_MAX:
            raise EngineFailedError(f"pocketsphinx: more than {WAV_SECONDS_MAX:g} s of audio")
        self._mel.append(mel)
        frames = cepstra(log_energies(mel, LIVE_FLOOR))
        self._live.learn(frames)
        decoder.push(self._live.apply(frames))

    def partial(self) -> SttPartial:
        """See SttStream.partial."""
        words = self._open_decoder().words()
        may_end, must_end = _endings(self._task.automaton, words)
        return SttPartial(text=" ".join(words), may_end=may_end, must_end=must_end)

    def finish(self) -> SttResult:
        """See SttStream.finish."""
        decoder = self._open_decoder()
        self._decoder = None
        live_words = decoder.words()
        decoder.end()
        result = self._judge(decoder, live_words)
        self._pool.give(decoder)
        return result

    def close(self) -> None:
        """See SttStream.close."""
        if self._decoder is not None:
            self._decoder.end()
            self._pool.give(self._decoder)
            self._decoder = None

    def _judge(self, decoder: Sphinx, live_words: tuple[str, ...]) -> SttResult:
        frames = self._whole()
        if frames is None:
            return _NOTHING
        words = _decode(decoder, frames)
        complete = self._task.automaton is None or self._task.automaton.accepts(words)
        self.evidence = evidence(decoder.segments(), live_words, complete=complete)
        if self.evidence is None:
            return SttResult(best=None, rejected=bool(live_words))
        hypothesis = SttHypothesis(
            text=" ".join(words),
            source=self._task.source,
            confidence=confidence(self.evidence, self._task.weights),
        )
        if hypothesis.confidence < self._task.accept:
            return SttResult(best=None, rejected=True, alternatives=(hypothesis,))
        return SttResult(best=hypothesis, alternatives=(hypothesis,))

    def _whole(self) -> Floats | None:
        """Return the normalised cepstra of where speech may be; None if nothing stands out."""
        if not self._frames:
            return None
        mel = np.concatenate(self._mel)
        energies = log_energies(mel, loud_floor(mel))
        span = speech_span(energies)
        if span is None:
            return None
        frames = cepstra(energies)
        whole = Normalizer()
        whole.learn(frames)
        return whole.apply(frames[span[0] : span[1]])

    def _open_decoder(self) -> Sphinx:
        if self._decoder is None:
            raise EngineFailedError("pocketsphinx: the stream is closed; open another")
        return self._decoder


def _decode(decoder: Sphinx, frames: Floats) -> tuple[str, ...]:
    decoder.start()
    decoder.push(frames, whole=True)
    decoder.end()
    return decoder.words()


def _endings(automaton: WordAutomaton | None, words: tuple[str, ...]) -> tuple[bool, bool]:
    """Return whether a sentence may end after these words, and whether it must."""
    state = automaton.follow(words) if automaton is not None and words else None
    if automaton is None or state is None or not automaton.may_end(state):
        return False, False
    return True, automaton.must_end(state)
