"""One Transcribe job: from a satellite's stream to a transcript."""

import time
from collections.abc import Awaitable, Callable

from antiphon_ears.wake.port import WakeEngine
from antiphon_engines import hearing
from antiphon_engines.endpoint import Ending
from antiphon_engines.hearing import Hearing, TextHeard, WakeAbsent, WakeFound
from antiphon_engines.intake import Hole
from antiphon_engines.rack import Rack, Slot
from antiphon_engines.streams import Streams
from antiphon_engines.stt.port import SttEngine, SttHypothesis, SttResult, SttStream
from antiphon_engines.threads import EngineThread
from antiphon_protocol.limits import LIST_ITEMS_MAX, TEXT_CHARS_MAX
from antiphon_protocol.messages.work import (
    Alternative,
    FramesMissing,
    Heard,
    Partial,
    SpeechEnded,
    Transcribe,
    WakeConfirmed,
    WorkBegan,
    WorkFact,
)

Report = Callable[[WorkFact], None]


class WakeAbsentError(Exception):
    """The wake phrase is not in the stream; caught by the jobs' table."""


class Transcription:
    """One job; `run` does it, `finish` may come meanwhile."""

    def __init__(
        self,
        job: Transcribe,
        *,
        worker: str,
        rack: Rack,
        streams: Streams,
        thread: EngineThread,
        report: Report,
        reported: Callable[[], Awaitable[None]],
    ) -> None:
        self._job = job
        self._worker = worker
        self._rack = rack
        self._thread = thread
        self._report = report
        self._reported = reported
        self._wake: WakeEngine | None = None
        self.slot: Slot[SttEngine] | None = None
        """The recogniser, once it is chosen."""
        self._reader = streams.read(job.satellite, job.stream, self._report_hole)

    def finish(self, frames: int) -> None:
        """Learn how many frames the stream has."""
        self._reader.finish(frames)

    async def run(self) -> None:
        """Do the job, up to the transcript.

        Raises:
            EngineMissingError: no engine here can do it.
            ContextError: its context was not loaded.
            StreamStalledError: the stream went silent.
            WakeAbsentError: the wake phrase was not found in time.
            Exception: what an engine broke with.
        """
        job = self._job
        self.slot = self._rack.stt(job.engine, job.language, dictation=job.context is None)
        self._wake = self._rack.wake_engine(job.wake) if job.wake else None
        self._report(WorkBegan(job=job.job, worker=self._worker, engine=self.slot.name))
        if job.context is not None:
            await self._rack.context(job.context)
        with self.slot.lease() as engine:
            await self._with(engine, self.slot.name)

    def close(self) -> None:
        """Read the stream no longer; call it when the job is over."""
        self._reader.close()

    async def _with(self, engine: SttEngine, name: str) -> None:
        ear = await self._thread.run(self._open, engine)
        try:
            await self._listen(ear)
            # SpeechEnded leaves first: an engine that holds the interpreter's lock would keep it.
            await self._reported()
            decided_s = time.perf_counter()  # the loop's clock may tick in milliseconds
            result = await self._thread.run(ear.finish)
            tail_s = time.perf_counter() - decided_s
            self._report(_heard(self._job.job, name, result, ear, tail_s))
        finally:
            # In the same thread, thus after a call that a cancelled job left there; awaited, so
            # that the engine outlives its stream.
            await self._thread.run(ear.close)

    def _open(self, engine: SttEngine) -> Hearing:
        job = self._job

        def open_stt(phrase: str) -> SttStream:
            return engine.open(language=job.language, context=job.context, wake_phrase=phrase)

        wake = None
        if self._wake is not None and job.wake is not None:
            wake = self._rack.open_wake(self._wake, job.wake)
        ear = Hearing(job, open_stt=open_stt, vad=self._rack.vad.open(), wake=wake)
        ear.open()
        return ear

    async def _listen(self, ear: Hearing) -> None:
        while not ear.ended:
            pcm = await self._reader.next()
            for event in await self._thread.run(*((ear.feed, pcm) if pcm else (ear.end,))):
                self._tell(event)

    def _tell(self, event: hearing.Event) -> None:
        job = self._job
        match event:
            case TextHeard(text=text):
                self._report(Partial(job=job.job, text=text[:TEXT_CHARS_MAX]))
            case Ending(position=position, decided_at=decided_at, why=why):
                self._report(
                    SpeechEnded(job=job.job, position=position, decided_at=decided_at, why=why)
                )
            case WakeFound(detection=found):
                self._report(
                    WakeConfirmed(
                        job=job.job,
                        phrase=found.phrase,
                        engine=self._wake.name if self._wake else "",
                        score=_score(found.score),
                        end=found.end,
                    )
                )
            case WakeAbsent():
                raise WakeAbsentError("the wake phrase is not in the stream")

    def _report_hole(self, hole: Hole) -> None:
        job = self._job
        self._report(
            FramesMissing(job=job.job, stream=job.stream, first=hole.first, last=hole.last)
        )


def _heard(job: str, engine: str, result: SttResult, ear: Hearing, tail_s: float) -> Heard:
    best = result.best
    return Heard(
        job=job,
        text=best.text[:TEXT_CHARS_MAX] if best else "",
        source=best.source if best else "nothing",
        confidence=_score(best.confidence) if best else 0.0,
        engine=result.engine or engine,
        rejected=result.rejected,
        alternatives=tuple(map(_alternative, result.alternatives[:LIST_ITEMS_MAX])),
        audio_s=ear.audio_s,
        engine_ms=ear.engine_ms,
        tail_ms=tail_s * 1e3,
    )


def _alternative(one: SttHypothesis) -> Alternative:
    return Alternative(
        text=one.text[:TEXT_CHARS_MAX], source=one.source, confidence=_score(one.confidence)
    )


def _score(score: float) -> float:
    return min(1.0, max(0.0, score))
