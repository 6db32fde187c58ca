"""The table of jobs: takes commands, runs each job by itself, says what became of it.

One job's error never ends the worker: it becomes a WorkFailed, and the engine that broke is built
anew.
"""

import asyncio
import logging
from collections import Counter
from typing import Final, Literal

import msgspec

from antiphon_codecs.errors import CodecMissingError
from antiphon_ears.errors import EarsError
from antiphon_engines.errors import ContextError, EngineMissingError, ModelError
from antiphon_engines.outlet import Outlet
from antiphon_engines.rack import Rack
from antiphon_engines.relaying import Relaying
from antiphon_engines.settings import WorkerSettings
from antiphon_engines.speech_cache import SpeechCache
from antiphon_engines.streams import Streams, StreamStalledError
from antiphon_engines.synthesis import Synthesis, TextEmptyError
from antiphon_engines.threads import EngineThread, ThreadPool
from antiphon_engines.transcription import Transcription, WakeAbsentError
from antiphon_link.errors import LinkDownError
from antiphon_protocol.limits import PLAYBACK_SECONDS_MAX, STREAM_SECONDS_MAX, TEXT_CHARS_MAX
from antiphon_protocol.messages.work import (
    Cancel,
    Finish,
    Heard,
    LoadContext,
    Relay,
    SpeechSynthesized,
    Synthesize,
    Transcribe,
    WorkerCommand,
    WorkFact,
    WorkFailed,
)

log = logging.getLogger(__name__)

Code = Literal[
    "no-wake", "no-engine", "no-context", "no-audio", "engine-failed", "busy", "bad-request"
]

Job = Transcribe | Synthesize | Relay
Work = Transcription | Synthesis | Relaying

_LAST_WORDS: Final = (Heard, SpeechSynthesized, WorkFailed)

_TRANSCRIBE_LIMIT_S: Final = STREAM_SECONDS_MAX + 30.0
_SYNTHESIZE_LIMIT_S: Final = PLAYBACK_SECONDS_MAX + 60.0

# What an error of a job means to the hub, and whether another worker may do better.
_MEANINGS: Final[tuple[tuple[type[Exception], Code, bool], ...]] = (
    (WakeAbsentError, "no-wake", False),
    (StreamStalledError, "no-audio", False),
    (ContextError, "no-context", True),
    (EngineMissingError, "no-engine", True),
    (CodecMissingError, "no-engine", True),
    (EarsError, "no-engine", True),
    (ModelError, "bad-request", False),
    (TextEmptyError, "bad-request", False),
)


class _Running(msgspec.Struct, eq=False):
    work: Work
    task: asyncio.Task[None]
    thread: EngineThread | None
    """Lent to a transcription."""
    leaving: bool = False
    """It has said its last word or was cancelled: its place is free for the hub's next job."""


class Jobs:
    """All jobs of the worker. Policy over its capacity: reject with `busy`."""

    def __init__(
        self, settings: WorkerSettings, *, worker: str, rack: Rack, streams: Streams, outlet: Outlet
    ) -> None:
        self._capacity = settings.worker.capacity
        self._lead_s = settings.speech.lead_s
        self._worker = worker
        self._rack = rack
        self._streams = streams
        self._outlet = outlet
        self._running: dict[str, _Running] = {}
        # More than jobs, for a cancelled one may leave its thread at work on a last call.
        self._threads = ThreadPool("stt", 4 * settings.worker.capacity)
        self.cache = SpeechCache(settings.speech.cache_bytes)
        self.counts: Counter[str] = Counter()
        """taken, done, failed, cancelled, lost (the house was not reachable), repeated; and each
        failure by its code."""

    def take(self, command: WorkerCommand) -> None:
        """Do a command; returns at once."""
        match command:
            case LoadContext():
                self._rack.load_context(command)
            case Transcribe():
                self._transcribe(command)
            case Synthesize():
                self._synthesize(command)
            case Relay():
                self._relay(command)
            case Finish(job=job, frames=frames):
                running = self._running.get(job)
                if running is not None and isinstance(running.work, Transcription):
                    running.work.finish(frames)
            case Cancel(job=job):
                if running := self._running.get(job):
                    running.leaving = True
                    running.task.cancel()

    def __len__(self) -> int:
        return sum(not running.leaving for running in self._running.values())

    def busy_s(self, now_s: float) -> float:
        """Return for how long the busiest recogniser has been at one stretch of work."""
        return self._threads.longest_s(now_s)

    async def close(self) -> None:
        """Drop all jobs."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.stop()

    # -- the three kinds ---------------------------------------------------------------------------

    def _transcribe(self, job: Transcribe) -> None:
        if not self._admit(job):
            return
        thread = self._threads.borrow()
        if thread is None:
            self._fail(job, "busy", "each of its threads is at work", retryable=True)
            return
        work = Transcription(
            job,
            worker=self._worker,
            rack=self._rack,
            streams=self._streams,
            thread=thread,
            report=lambda fact: self._report(job, fact),
            reported=self._outlet.reported,
        )
        self._start(job, work, thread)

    def _synthesize(self, job: Synthesize) -> None:
        if not self._admit(job):
            return
        work = Synthesis(
            job,
            worker=self._worker,
            rack=self._rack,
            cache=self.cache,
            lead_s=self._lead_s,
            report=lambda fact: self._report(job, fact),
            play=self._outlet.play,
        )
        self._start(job, work, None)

    def _relay(self, job: Relay) -> None:
        if not self._admit(job):
            return
        work = Relaying(
            job,
            worker=self._worker,
            streams=self._streams,
            lead_s=self._lead_s,
            report=lambda fact: self._report(job, fact),
            play=self._outlet.play,
        )
        self._start(job, work, None)

    # -- what all jobs share ----------------------------------------------------------------------

    def _admit(self, job: Job) -> bool:
        if job.job in self._running:  # the broker may deliver twice (QoS 1)
            self.counts["repeated"] += 1
            return False
        if len(self) >= self._capacity:
            self._fail(job, "busy", f"{self._capacity} jobs run already", retryable=True)
            return False
        self.counts["taken"] += 1
        return True

    def _start(self, job: Job, work: Work, thread: EngineThread | None) -> None:
        task = asyncio.create_task(self._account(job, work), name=f"job {job.job}")
        self._running[job.job] = _Running(work, task, thread)
        # A callback, for a task that is cancelled before its first step runs none of its own code.
        task.add_done_callback(lambda _: self._ended(job.job))

    def _ended(self, job: str) -> None:
        ended = self._running.pop(job)
        if not isinstance(ended.work, Synthesis):
            ended.work.close()
        if ended.thread is not None:
            self._threads.give_back(ended.thread)
        if ended.task.cancelled():
            self.counts["cancelled"] += 1

    async def _account(self, job: Job, work: Work) -> None:
        limit_s = _TRANSCRIBE_LIMIT_S if isinstance(job, Transcribe) else _SYNTHESIZE_LIMIT_S
        try:
            async with asyncio.timeout(limit_s):
                await work.run()
            self.counts["done"] += 1
        except LinkDownError as error:
            self.counts["lost"] += 1
            log.debug("%s: %s", job.job, error)
        except Exception as error:  # noqa: BLE001 - an engine may break in any way
            await self._failed(job, work, error)

    async def _failed(self, job: Job, work: Work, error: Exception) -> None:
        for kind, code, retryable in _MEANINGS:
            if isinstance(error, kind):
                self._fail(job, code, str(error), retryable=retryable)
                return
        log.error("%s: %r", job.job, error, exc_info=log.isEnabledFor(logging.DEBUG))
        self._fail(job, "engine-failed", str(error) or repr(error), retryable=True)
        if work.slot is not None:
            await self._rack.rebuild(work.slot)

    def _fail(self, job: Job, code: Code, text: str, *, retryable: bool) -> None:
        self.counts["failed"] += 1
        self.counts[code] += 1
        log.info("%s: %s: %s", job.job, code, text)
        text = text[:TEXT_CHARS_MAX]
        self._report(job, WorkFailed(job=job.job, code=code, text=text, retryable=retryable))

    def _report(self, job: Job, fact: WorkFact) -> None:
        if isinstance(fact, _LAST_WORDS) and (running := self._running.get(job.job)):
            running.leaving = True
        self._outlet.report(job.turn, fact)
