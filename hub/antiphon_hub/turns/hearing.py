"""Hearing a command: the job of one worker, or of the next when that one is lost."""

import logging
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from antiphon_hub.errors import JobTimeoutError, WorkerLostError
from antiphon_hub.turns.ending import FailureCode, TurnCancelledError, TurnFailedError
from antiphon_hub.turns.ports import Command, Job, Pool, Worker
from antiphon_hub.turns.record import Spoken, TurnRecord
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.satellite import (
    ListenEnded,
    Release,
    Resend,
    StopListening,
)
from antiphon_protocol.messages.work import (
    Endpointing,
    Expectation,
    Finish,
    FramesMissing,
    Heard,
    LoadContext,
    Partial,
    SpeechEnded,
    Transcribe,
    WakeCheck,
    WakeConfirmed,
    WorkBegan,
    WorkFact,
    WorkFailed,
)

log = logging.getLogger(__name__)

FIRST_WORKER_S: Final = 2.0
"""How long a call waits for any worker at all."""
NEXT_WORKER_S: Final = 2.2
"""How long it waits for another when its worker is lost: a restarted one takes about 1.5 s, and
after 3 s a person wants to know that it did not work."""
BEGIN_S: Final = 1.0
"""A worker that does not take a job in this time is as good as lost."""
QUIET_S: Final = 4.0
"""A worker may say nothing for this long beyond the command's own limit."""
UNKNOWN_DBFS: Final = -200.0
ALL_FRAMES: Final = 2**32 - 1
MESSAGE_SILENCE_S: Final = 1.3
"""Ends a message for others: people think between its sentences."""
MESSAGE_S: Final = 30.0
"""The longest message."""
SPOKEN_TAIL: Final = SAMPLE_RATE_HZ // 5
"""The last sound dies away behind the last voiced sample: who hears a recording wants it, too."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A stream in which somebody may be calling."""

    turn: str
    satellite: str
    stream: str
    begin: int
    """Position in the stream from which to hear, samples."""
    wake_end: int = 0
    """Position at which the satellite's wake engine fired, samples; 0: not known."""
    wake_phrase: str = ""
    wake: WakeCheck | None = None
    """The phrases to look for first, when the satellite could not."""
    level_dbfs: float = UNKNOWN_DBFS
    """How loud the person was when calling."""
    expect: Expectation = "command"
    """What kind of sentence is awaited."""
    grammar: LoadContext | None = None
    """How to hear it, when it is no command."""
    open: bool = False
    """Any words may come: hear without a grammar."""
    patient: bool = False
    """A message is awaited: whole sentences, with pauses to think."""


class Watcher(msgspec.Struct, frozen=True):
    """Who is told while the person speaks."""

    woken: Callable[[WakeConfirmed], None]
    partial: Callable[[str], None]
    ended: Callable[[], None]


class Ear:
    """Hears commands through the workers."""

    def __init__(
        self,
        pool: Pool,
        command: Command,
        endpointing: Callable[[str], Endpointing],
        language: str,
    ) -> None:
        """Hear with these workers; `endpointing` has the numbers of a room, by its name."""
        self._pool = pool
        self._command = command
        self._endpointing = endpointing
        self._language = language
        self._jobs: dict[str, Job] = {}

    def listen_ended(self, fact: ListenEnded) -> None:
        """A satellite has ended a stream: whoever hears it need not wait for more."""
        if job := self._jobs.get(fact.stream):
            job.tell(Finish(job=job.id, frames=fact.frames))

    async def hear(self, call: Call, record: TurnRecord, watcher: Watcher) -> Heard:
        """Return what was said in the stream.

        Raises:
            TurnFailedError: no worker could hear it.
            TurnCancelledError: the wake phrase is not in it.
        """
        record.note_stream(call.stream, call.begin, call.wake_end)
        tried: set[tuple[str, int]] = set()
        failure = TurnFailedError("no-worker", detail="no worker that hears is connected")
        while True:
            wait_s = NEXT_WORKER_S if tried else FIRST_WORKER_S
            worker = await self._pool.find("stt", self._language, tried=tried, within_s=wait_s)
            if worker is None:
                raise failure
            try:
                return await self._hear_on(worker, call, record, watcher, again=bool(tried))
            except (WorkerLostError, JobTimeoutError) as error:
                failure = TurnFailedError("worker-lost", detail=str(error))
            except _RefusedError as error:
                failure = TurnFailedError("engine-failed", detail=str(error))
            log.warning("turn %s: %s; trying another worker", call.turn, failure.detail)
            tried.add(worker.incarnation)
            record.trace.setdefault("lost_workers", []).append(worker.id)

    async def _hear_on(
        self, worker: Worker, call: Call, record: TurnRecord, watcher: Watcher, *, again: bool
    ) -> Heard:
        with worker.job() as job:
            self._jobs[call.stream] = job
            try:
                if call.grammar is not None:
                    job.tell(call.grammar)
                job.tell(self._request(job, call, record.room))
                if again:
                    self._command(
                        call.satellite, Resend(stream=call.stream, first=0, last=ALL_FRAMES)
                    )
                return await self._follow(job, call, record, watcher)
            finally:
                del self._jobs[call.stream]

    def _request(self, job: Job, call: Call, room: str) -> Transcribe:
        context = call.grammar.context if call.grammar else self._pool.context
        return Transcribe(
            job=job.id,
            turn=call.turn,
            satellite=call.satellite,
            stream=call.stream,
            language=self._language,
            engine=job.worker.engine("stt", self._language, open_text=call.open).engine,
            context=None if call.open else context,
            begin=call.begin,
            wake_end=call.wake_end,
            wake_phrase=call.wake_phrase,
            level_dbfs=call.level_dbfs,
            wake=call.wake,
            endpointing=self._numbers(call, room),
        )

    def _numbers(self, call: Call, room: str) -> Endpointing:
        numbers = replace(self._endpointing(room), expect=call.expect)
        if not call.patient:
            return numbers
        silence_s = max(numbers.silence_s, MESSAGE_SILENCE_S)
        return replace(numbers, silence_s=silence_s, limit_s=MESSAGE_S)

    async def _follow(self, job: Job, call: Call, record: TurnRecord, watcher: Watcher) -> Heard:
        wait_s = BEGIN_S
        while True:
            fact = await job.next(wait_s)
            wait_s = self._numbers(call, record.room).limit_s + QUIET_S
            if isinstance(fact, Heard):
                job.done = True
                self._note_heard(job, fact, record)
                self._command(call.satellite, Release(stream=call.stream))
                return fact
            if isinstance(fact, WorkFailed):
                job.done = True
                _give_up(fact)
            self._on_the_way(fact, call, record, watcher)

    def _on_the_way(self, fact: WorkFact, call: Call, record: TurnRecord, watcher: Watcher) -> None:
        match fact:
            case WorkBegan():
                record.trace["worker"] = fact.worker
            case FramesMissing():
                self._command(
                    call.satellite, Resend(stream=fact.stream, first=fact.first, last=fact.last)
                )
                record.trace["resent"] = record.trace.get("resent", 0) + 1
            case WakeConfirmed():
                record.trace["streams"][-1]["woken"] = fact.end
                watcher.woken(fact)
            case Partial():
                watcher.partial(fact.text)
            case SpeechEnded():
                self._command(
                    call.satellite, StopListening(stream=call.stream, reason="speech-ended")
                )
                record.mark("speech-ended")
                record.endpoint_ms = max(0, fact.decided_at - fact.position) / 16.0
                record.trace["ended_by"] = fact.why
                record.spoken = _spoken(fact, call, record)
                watcher.ended()

    def _note_heard(self, job: Job, fact: Heard, record: TurnRecord) -> None:
        record.mark("heard")
        record.engine_ms["recognise"] = fact.tail_ms
        record.trace |= {
            "worker": job.worker.id,
            "engine": fact.engine,
            "confidence": round(fact.confidence, 4),
            "source": fact.source,
            "rejected": fact.rejected,
            "audio_s": round(fact.audio_s, 3),
            "engine_ms": round(fact.engine_ms, 1),
            "alternatives": [msgspec.to_builtins(one) for one in fact.alternatives[:5]],
        }


def _spoken(fact: SpeechEnded, call: Call, record: TurnRecord) -> Spoken | None:
    """Return where the command is in its stream, behind the wake phrase."""
    begin = max(call.begin, call.wake_end, record.trace["streams"][-1].get("woken", 0))
    end = min(fact.position + SPOKEN_TAIL, fact.decided_at)
    if fact.why == "no-speech" or end <= begin:
        return None
    return Spoken(satellite=call.satellite, stream=call.stream, begin=begin, end=end)


class _RefusedError(Exception):
    """The worker cannot do the job; another may."""


def _give_up(fact: WorkFailed) -> None:
    if fact.code == "no-wake":
        raise TurnCancelledError("no-wake")
    if fact.retryable:
        raise _RefusedError(f"{fact.code}: {fact.text}")
    code: FailureCode = "no-audio" if fact.code == "no-audio" else "engine-failed"
    raise TurnFailedError(code, detail=fact.text)
