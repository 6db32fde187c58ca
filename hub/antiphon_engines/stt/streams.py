"""Utterances in pocketsphinx: a pass along with the audio, and closer ones when all is there."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from antiphon_engines.errors import EngineFailedError
from antiphon_engines.grammar import WordAutomaton
from antiphon_engines.stt.features import (
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
from antiphon_engines.stt.sphinx import Segment, Sphinx
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.limits import WAV_SECONDS_MAX

IDLE_DECODERS_MAX: Final = 4
"""Decoders that wait for the next utterance, about 6 MB each; more are dropped."""
LIVE_PRIOR_FRAMES: Final = 100.0
"""How much the typical voice weighs in the first pass until more is known, 10 ms each."""
WARPS: Final = (0.92, 1.08)
"""Higher and lower voices than the model's that a second opinion assumes, see FrontEnd."""
_BYTES_MAX: Final = int(WAV_SECONDS_MAX * SAMPLE_RATE_HZ) * SAMPLE_BYTES
_NOTHING: Final = SttResult(best=None)

Words = tuple[str, ...]


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
    """How confidence follows from the evidence of one pass."""
    opinions: Weights
    """How it follows from the evidence of the best of several."""
    hopeless: float
    """Confidence below which no second opinion is asked for."""
    sure: float
    """Confidence from which on no second opinion is asked for."""
    accept: float
    """Confidence from which on a hypothesis is taken."""


class Look(msgspec.Struct, frozen=True):
    """What one pass over the whole utterance found."""

    words: Words
    segments: Sequence[Segment]


class Stream:
    """See SttStream."""

    def __init__(self, pool: Pool, task: Task) -> None:
        self._pool = pool
        self._task = task
        self._pcm = bytearray()
        self._front = FrontEnd()
        self._live = Normalizer(LIVE_PRIOR_FRAMES)
        self._decoder: Sphinx | None = pool.take()
        self._decoder.start()
        self.evidence: Evidence | None = None
        """What `finish` judged its hypothesis by."""

    def feed(self, pcm: bytes) -> None:
        """See SttStream.feed; at most WAV_SECONDS_MAX in all."""
        decoder = self._open_decoder()
        self._pcm += pcm
        if len(self._pcm) > _BYTES_MAX:
            raise EngineFailedError(f"pocketsphinx: more than {WAV_SECONDS_MAX:g} s of audio")
        frames = cepstra(log_energies(self._front.feed(pcm), LIVE_FLOOR))
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
        live = decoder.words()
        decoder.end()
        result = self._judge(decoder, live)
        self._pool.give(decoder)
        return result

    def close(self) -> None:
        """See SttStream.close."""
        if self._decoder is not None:
            self._decoder.end()
            self._pool.give(self._decoder)
            self._decoder = None

    def _judge(self, decoder: Sphinx, live: Words) -> SttResult:
        first = self._look(decoder)
        if first is None:
            return _NOTHING
        self.evidence = self._weigh(first, [live])
        if self.evidence is None:
            return SttResult(best=None, rejected=bool(live))
        sure = confidence(self.evidence, self._task.weights)
        if sure >= self._task.sure or sure < self._task.hopeless:
            return self._result(first, sure)
        return self._second_opinion(decoder, first, live)

    def _second_opinion(self, decoder: Sphinx, first: Look, live: Words) -> SttResult:
        """Assume other voices, and believe the one whose words fit best."""
        looks = [first, *filter(None, (self._look(decoder, warp) for warp in WARPS))]
        judged = []
        for look in looks:
            others = [live, *(one.words for one in looks if one is not look)]
            if (found := self._weigh(look, others)) is not None:
                judged.append((found, look))
        self.evidence, best = max(judged, key=lambda one: one[0].fit)
        return self._result(best, confidence(self.evidence, self._task.opinions))

    def _weigh(self, look: Look, others: Sequence[Words]) -> Evidence | None:
        automaton = self._task.automaton
        complete = automaton is None or automaton.accepts(look.words)
        return evidence(look.segments, others, complete=complete)

    def _result(self, look: Look, score: float) -> SttResult:
        hypothesis = SttHypothesis(
            text=" ".join(look.words), source=self._task.source, confidence=score
        )
        if score < self._task.accept:
            return SttResult(best=None, rejected=True, alternatives=(hypothesis,))
        return SttResult(best=hypothesis, alternatives=(hypothesis,))

    def _look(self, decoder: Sphinx, warp: float = 1.0) -> Look | None:
        """Decode the whole utterance; None if nothing in it stands out."""
        frames = _whole(bytes(self._pcm), warp)
        if frames is None:
            return None
        decoder.start()
        decoder.push(frames, whole=True)
        decoder.end()
        return Look(decoder.words(), decoder.segments())

    def _open_decoder(self) -> Sphinx:
        if self._decoder is None:
            raise EngineFailedError("pocketsphinx: the stream is closed; open another")
        return self._decoder


def _whole(pcm: bytes, warp: float) -> Floats | None:
    """Return normalised cepstra of where speech may be; None if nothing stands out."""
    mel = FrontEnd(warp).feed(pcm)
    if not len(mel):
        return None
    energies = log_energies(mel, loud_floor(mel))
    span = speech_span(energies)
    if span is None:
        return None
    frames = cepstra(energies[span[0] : span[1]])
    normalizer = Normalizer()
    normalizer.learn(frames)
    return normalizer.apply(frames)


def _endings(automaton: WordAutomaton | None, words: Words) -> tuple[bool, bool]:
    """Return whether a sentence may end after these words, and whether it must."""
    state = automaton.follow(words) if automaton is not None and words else None
    if automaton is None or state is None or not automaton.may_end(state):
        return False, False
    return True, automaton.must_end(state)
