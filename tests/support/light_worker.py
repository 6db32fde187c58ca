"""A worker without engines: hears how long a recording is, and speaks a ramp as long as the text.

Its pool and the trials are the hub's own; only the bus between them is left out.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from antiphon_hub.publisher import RecordingPublisher
from antiphon_hub.workers import Trials, WorkerPool
from antiphon_hub.workers.pool import Prefer, no_preference
from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.ids import is_slug
from antiphon_protocol.messages.presence import EngineOffer, WorkerHello
from antiphon_protocol.messages.work import (
    Cancel,
    Finish,
    FramesMissing,
    Heard,
    SpeechBegan,
    SpeechSynthesized,
    Synthesize,
    Transcribe,
    WorkBegan,
    WorkerCommand,
    WorkFact,
    WorkFailed,
)
from antiphon_protocol.version import OURS

SAMPLES_PER_LETTER = 160
EARS = ("ear", "other")
OFFERS = (
    *(EngineOffer(kind="stt", name=one, languages=("en",), dictation=True) for one in EARS),
    EngineOffer(kind="tts", name="mouth", languages=("en",), voices=("low", "high")),
)


class LightWorker:
    """The worker, the air between it and the hub, and the hub's side of both."""

    def __init__(self, prefer: Prefer = no_preference) -> None:
        self.pool = WorkerPool(self._take, RecordingPublisher(), "here", prefer)
        self.trials = Trials(self.pool, self)
        self.taken: list[WorkerCommand] = []
        self.loses: set[int] = set()
        """Numbers of frames that get lost on their way once."""
        self.fails = ""
        """What goes wrong with each job; empty: nothing."""
        self.hears = ""
        """What it hears in everything; empty: how many samples there are."""
        self.silent = False
        """It says nothing to anything."""
        self._frames: dict[str, dict[int, AudioFrame]] = defaultdict(dict)
        self._jobs: dict[str, Transcribe] = {}
        self._counts: dict[str, int] = {}
        self._followed: dict[tuple[str, str], Callable[[AudioFrame], None]] = {}

    def join(self, name: str = "light", *, epoch: int = 1) -> None:
        """Be here."""
        hello = WorkerHello(
            worker=name,
            epoch=epoch,
            protocol=OURS,
            software="0",
            host="here",
            process=1,
            device="cpu",
            capacity=2,
            engines=OFFERS,
        )
        self.pool.joined(name, hello)

    # -- the air ----------------------------------------------------------------------------------

    async def send(self, satellite: str, stream: str, frame: AudioFrame) -> None:
        """Take a frame, or lose it."""
        assert is_slug(satellite)
        if frame.sequence in self.loses:
            self.loses.discard(frame.sequence)
            return
        self._frames[stream][frame.sequence] = frame
        for job in [one for one in self._jobs.values() if one.stream == stream]:
            self._hear(job)

    @asynccontextmanager
    async def following(
        self, group: str, playback: str, take: Callable[[AudioFrame], None]
    ) -> AsyncIterator[None]:
        """Let a playback be heard."""
        self._followed[group, playback] = take
        yield
        del self._followed[group, playback]

    # -- the jobs ---------------------------------------------------------------------------------

    def _take(self, worker: str, command: WorkerCommand) -> None:
        self.taken.append(command)
        if self.silent:
            return
        match command:
            case Transcribe() | Synthesize() if self.fails:
                self._say(
                    WorkFailed(
                        job=command.job, code="engine-failed", text=self.fails, retryable=True
                    )
                )
            case Transcribe():
                self._jobs[command.job] = command
            case Finish(job=job, frames=frames) if job in self._jobs:
                self._counts[job] = frames
                self._hear(self._jobs[job])
            case Synthesize():
                self._speak(worker, command)
            case Cancel(job=job):
                self._jobs.pop(job, None)
            case _:
                pass

    def _hear(self, job: Transcribe) -> None:
        count, there = self._counts.get(job.job, -1), self._frames[job.stream]
        missing = [number for number in range(count) if number not in there]
        if missing:
            self._say(
                FramesMissing(job=job.job, stream=job.stream, first=missing[0], last=missing[-1])
            )
        elif count >= 0:
            del self._jobs[job.job]
            samples = sum(one.samples for one in there.values())
            self._say(
                Heard(
                    job=job.job,
                    text=self.hears or f"{samples} samples",
                    source="dictation",
                    confidence=0.75,
                    engine=job.engine or EARS[0],
                    tail_ms=12.5,
                    engine_ms=40.0,
                )
            )

    def _speak(self, worker: str, job: Synthesize) -> None:
        self._say(WorkBegan(job=job.job, worker=worker, engine="mouth"))
        pcm = b"\x01\x02" * (SAMPLES_PER_LETTER * len(job.text))
        half = len(pcm) // 4 * 2
        frames = [
            AudioFrame(0, 0, 0, pcm[:half]),
            AudioFrame(1, half // 2, 0, pcm[half:], last=True),
        ]
        take = self._followed[job.group, job.playback]
        self._say(SpeechBegan(job=job.job, engine="mouth", engine_ms=7.0))
        for frame in reversed(frames):  # the air keeps no order
            if frame.sequence not in self.loses:
                take(frame)
        self._say(SpeechSynthesized(job=job.job, samples=len(pcm) // 2, frames=2))

    def _say(self, fact: WorkFact) -> None:
        asyncio.get_running_loop().call_soon(self.pool.fact, fact)
