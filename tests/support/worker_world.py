"""A worker on a bus in memory, with the hub's and the satellite's part played by a test."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from antiphon_engines import rack
from antiphon_engines.app import Worker
from antiphon_engines.settings import EnginesSection, WorkerSettings
from antiphon_link.fake import FakeBus, FakeLink
from antiphon_link.link import Envelope, Link
from antiphon_link.program import ServiceManager
from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, AudioFrame
from antiphon_protocol.messages.presence import WorkerPresence
from antiphon_protocol.messages.work import WorkerCommand, WorkFact
from antiphon_protocol.topics import (
    PLAYBACK_AUDIO,
    SATELLITE_AUDIO,
    TURN_WORK,
    WORKER_DO,
    WORKER_PRESENCE,
)

F = TypeVar("F")

FAKES = EnginesSection(stt=("fake",), tts=("fake",), wake=("fake",), vad="fake")
WITHIN_S = 10.0


def loud(seconds: float) -> bytes:
    """Return what the fake voice activity takes for speech."""
    return array("h", [6000, -6000] * int(seconds * 8000)).tobytes()


def quiet(seconds: float) -> bytes:
    return bytes(2 * int(seconds * 16_000))


def frames_of(pcm: bytes, *, last: bool = True) -> list[AudioFrame]:
    pieces = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
    return [
        AudioFrame(index, index * FRAME_SAMPLES, 0, piece, last and index == len(pieces) - 1)
        for index, piece in enumerate(pieces)
    ]


async def rebuilt(slot: rack.Slot[Any]) -> None:
    """Return once the slot has a fresh engine."""
    async with asyncio.timeout(WITHIN_S):
        while not slot.rebuilds:  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0.001)


class WorkerWorld:
    """What the hub and the satellites see and do."""

    def __init__(self, link: Link, worker: Worker, bus: FakeBus | None) -> None:
        self.link = link
        self.worker = worker
        self.bus = bus
        self.facts: list[WorkFact] = []
        self.presence: list[WorkerPresence] = []
        self.played: list[AudioFrame] = []
        self._changed = asyncio.Event()
        link.on(TURN_WORK, self._keep(self.facts))
        link.on(WORKER_PRESENCE, self._keep(self.presence))
        link.on(PLAYBACK_AUDIO, self._keep(self.played))

    def do(self, command: WorkerCommand) -> None:
        self.link.post(WORKER_DO, command, worker="w1")

    def speak(self, frames: Iterable[AudioFrame], stream: str = "stream-1") -> None:
        for frame in frames:
            self.link.post(SATELLITE_AUDIO, frame, satellite="hall", stream=stream)

    async def fact(self, kind: type[F], job: str = "job-1") -> F:
        """Return the first fact of that kind and job, waiting for it."""
        return await self.until(lambda: self._find(kind, job))

    async def until(self, found: Callable[[], F | None]) -> F:
        async with asyncio.timeout(WITHIN_S):
            while (one := found()) is None:
                self._changed.clear()
                await self._changed.wait()
            return one

    def kinds(self, job: str = "job-1") -> list[str]:
        return [type(one).__name__ for one in self.facts if one.job == job]

    def _find(self, kind: type[F], job: str) -> F | None:
        return next((one for one in self.facts if isinstance(one, kind) and one.job == job), None)

    def _keep(self, kept: list[F]) -> Callable[[F, Envelope], None]:
        def keep(message: F, _: Envelope) -> None:
            kept.append(message)
            self._changed.set()

        return keep


@asynccontextmanager
async def worker_world(
    settings: WorkerSettings | None = None, **options: object
) -> AsyncIterator[WorkerWorld]:
    """Run a worker with fake engines; `options` are theirs."""
    chosen = settings or WorkerSettings(engines=FAKES)
    chosen = msgspec.structs.replace(chosen, options={"fake": options})
    bus = FakeBus()
    engines = rack.build(chosen)
    worker = Worker(
        chosen,
        worker="w1",
        engines=engines,
        open_link=lambda will: FakeLink(bus, client_id="worker-w1", will=will),
        service=ServiceManager(""),
        warmed=lambda: None,
    )
    world = WorkerWorld(FakeLink(bus, client_id="hub"), worker, bus)
    async with running(world.link.run(), worker.run()):
        await world.until(lambda: world.presence or None)
        yield world


@asynccontextmanager
async def running(*programs: object) -> AsyncIterator[None]:
    """Run these inside the block; the last is ended first, and what one raises is raised."""
    tasks = [asyncio.ensure_future(one) for one in programs]  # type: ignore[arg-type, var-annotated]  # coroutines
    try:
        yield
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.wait([task])
    for task in tasks:
        if not task.cancelled():
            task.result()
