"""The workers that are here; jobs go to one, facts come back to the job's own inbox."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final

from antiphon_hub.errors import JobTimeoutError, WorkerLostError
from antiphon_hub.publisher import Publisher
from antiphon_hub.workers.placement import Chosen, Kind, Need, engine_on, ranked
from antiphon_protocol.epochs import ends
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.event import WorkerJoined, WorkerLeft
from antiphon_protocol.messages.presence import EngineOffer, WorkerGoodbye, WorkerHello
from antiphon_protocol.messages.work import Cancel, LoadContext, WorkerCommand, WorkFact

log = logging.getLogger(__name__)

WORKERS_MAX: Final = 256
INBOX_MAX: Final = 256
"""Facts of one job that wait; policy: reject and count (nearly all are partials)."""

Send = Callable[[str, WorkerCommand], None]
"""Sends a command to a worker; returns at once."""
Prefer = Callable[[Kind, str], Chosen]
"""Tells which engine the owner wants for jobs of this kind in this language."""


def no_preference(kind: Kind, language: str) -> Chosen:
    """Leave it to each worker."""
    del kind, language
    return Chosen()


class Worker:
    """A worker that is here."""

    def __init__(
        self,
        hello: WorkerHello,
        *,
        near: bool,
        send: Send,
        running: dict[str, "Job"],
        prefer: Prefer = no_preference,
    ) -> None:
        self._send = send
        self._running = running
        self._prefer = prefer
        self._free = asyncio.Event()
        self.id = hello.worker
        self.hello = hello
        self.near = near
        self.jobs: set[str] = set()
        self.lost = asyncio.Event()
        self.retiring = False
        """It ends what it has, and gets nothing new."""

    @property
    def offers(self) -> tuple[EngineOffer, ...]:
        """Its engines."""
        return self.hello.engines

    def takes(self, codec: str) -> bool:
        """Tell whether it can take frames of that codec."""
        return codec in self.hello.codecs

    @property
    def load(self) -> float:
        """Jobs it has, as a share of its capacity."""
        return len(self.jobs) / self.hello.capacity

    @property
    def incarnation(self) -> tuple[str, int]:
        """Tells a restarted worker from its earlier life."""
        return self.id, self.hello.epoch

    def engine(self, kind: Kind, language: str, *, open_text: bool = False) -> Chosen:
        """Return which of its engines the owner wants for this; empty names: its own choice."""
        wanted = self._prefer(kind, language)
        need = Need(kind=kind, language=language, engine=wanted.engine)
        return engine_on(self, need, wanted.voice, open_text=open_text)

    def go(self) -> None:
        """It is gone."""
        self.lost.set()
        self._free.set()

    async def free(self) -> None:
        """Return once it has no job, or is gone."""
        while self.jobs and not self.lost.is_set():
            self._free.clear()
            await self._free.wait()

    @contextmanager
    def job(self) -> Iterator["Job"]:
        """Hold a job on this worker inside the block; one that is not done is cancelled."""
        job = Job(new_id("job"), self, self._send)
        self._running[job.id] = job
        self.jobs.add(job.id)
        try:
            yield job
        finally:
            del self._running[job.id]
            self.jobs.discard(job.id)
            self._free.set()
            if not job.done and not self.lost.is_set():
                self._send(self.id, Cancel(job=job.id))


class Job:
    """A job that one worker has."""

    def __init__(self, job_id: str, worker: Worker, send: Send) -> None:
        self.id = job_id
        self.worker = worker
        self.done = False
        """Set by the owner when the last fact came; else leaving the block cancels the job."""
        self._send = send
        self._inbox: asyncio.Queue[WorkFact] = asyncio.Queue(maxsize=INBOX_MAX)

    def tell(self, command: WorkerCommand) -> None:
        """Send the worker a command about this job."""
        self._send(self.worker.id, command)

    def put(self, fact: WorkFact) -> bool:
        """Take in a fact; False when the inbox is full."""
        if self._inbox.full():
            return False
        self._inbox.put_nowait(fact)
        return True

    async def next(self, timeout_s: float) -> WorkFact:
        """Return the job's next fact.

        Raises:
            WorkerLostError: the worker is gone, and everything it said was taken.
            JobTimeoutError: nothing came in time.
        """
        if not self._inbox.empty():
            return self._inbox.get_nowait()
        fact = asyncio.ensure_future(self._inbox.get())
        lost = asyncio.ensure_future(self.worker.lost.wait())
        try:
            await asyncio.wait((fact, lost), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if fact.done():
                return fact.result()
            if lost.done():
                raise WorkerLostError(f"worker {self.worker.id} is gone")
            raise JobTimeoutError(f"worker {self.worker.id} said nothing for {timeout_s:g} s")
        finally:
            fact.cancel()
            lost.cancel()


class WorkerPool:
    """The workers that are here, by id, and the jobs that run."""

    def __init__(
        self, send: Send, publisher: Publisher, host: str, prefer: Prefer = no_preference
    ) -> None:
        """Gather workers.

        Args:
            send: Sends a command to a worker.
            publisher: Who is told who came and went.
            host: This machine's name: workers here are near.
            prefer: Which engines the owner wants; asked anew for each job.
        """
        self._send = send
        self._publisher = publisher
        self._host = host
        self._workers: dict[str, Worker] = {}
        self._jobs: dict[str, Job] = {}
        self._context: LoadContext | None = None
        self._changed = asyncio.Event()
        self._prefer = prefer
        self.counts: Counter[str] = Counter()
        """stray_facts (of no running job), dropped_facts."""

    def __len__(self) -> int:
        return len(self._workers)

    def __iter__(self) -> Iterator[Worker]:
        return iter(tuple(self._workers.values()))

    def use_context(self, context: LoadContext) -> None:
        """Give this grammar to every worker that hears, now and when one joins."""
        self._context = context
        for worker in self._workers.values():
            self._load(worker)

    @property
    def context(self) -> str | None:
        """Id of the grammar that all workers have."""
        return None if self._context is None else self._context.context

    def joined(self, worker_id: str, hello: WorkerHello) -> None:
        """A worker said hello."""
        if hello.worker != worker_id:
            log.warning("worker %s: presence names %s; ignored", worker_id, hello.worker)
            return
        known = self._workers.get(worker_id)
        # The broker keeps their order: another epoch is a newer one, though a clock was set back.
        if known is not None and known.hello.epoch == hello.epoch:
            return
        if known is None and len(self._workers) >= WORKERS_MAX:
            log.error("worker %s: over %d workers; refused", worker_id, WORKERS_MAX)
            return
        if known is not None:
            known.go()
        worker = Worker(
            hello,
            near=hello.host == self._host,
            send=self._send,
            running=self._jobs,
            prefer=self._prefer,
        )
        self._workers[worker_id] = worker
        self._load(worker)
        names = tuple(f"{offer.kind}:{offer.name}" for offer in hello.engines)
        log.info("worker %s is here, on %s: %s", worker_id, hello.device, ", ".join(names))
        self._publisher.publish(WorkerJoined(worker=worker_id, device=hello.device, engines=names))
        self._changed.set()

    def left(self, worker_id: str, goodbye: WorkerGoodbye, *, retained: bool = False) -> None:
        """A worker said goodbye, or the broker did for it; retained: while we did not listen."""
        known = self._workers.get(worker_id)
        if known is None or not ends(known.hello.epoch, goodbye.epoch, retained=retained):
            return
        del self._workers[worker_id]
        known.go()
        log.info("worker %s: %s", worker_id, goodbye.reason)
        self._publisher.publish(WorkerLeft(worker=worker_id, reason=goodbye.reason))

    def fact(self, fact: WorkFact) -> None:
        """Something came of a job; facts of jobs that nobody waits for are counted."""
        job = self._jobs.get(fact.job)
        if job is None:
            self.counts["stray_facts"] += 1
        elif not job.put(fact):
            self.counts["dropped_facts"] += 1

    async def wait_for_one(self, within_s: float) -> bool:
        """Return once a worker is here; False when none came in time."""
        deadline = asyncio.get_running_loop().time() + within_s
        while not self._workers:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                return False
        return True

    async def here(self, worker_id: str) -> Worker:
        """Return the worker of that id once it has joined."""
        while (worker := self._workers.get(worker_id)) is None:
            self._changed.clear()
            await self._changed.wait()
        return worker

    def get(self, worker_id: str) -> Worker | None:
        """Return the worker of that id, if it is here."""
        return self._workers.get(worker_id)

    async def find(
        self, kind: Kind, language: str, *, tried: Collection[tuple[str, int]], within_s: float
    ) -> Worker | None:
        """Return the best worker for a job that was not tried yet, waiting for one to join."""
        need = Need(kind=kind, language=language, engine=self._prefer(kind, language).engine)
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            self._changed.clear()
            fresh = [
                one
                for one in self._workers.values()
                if one.incarnation not in tried and not one.retiring
            ]
            if best := ranked(fresh, need):
                return best[0]
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                return None

    def _load(self, worker: Worker) -> None:
        hears = any(offer.kind == "stt" and offer.grammar for offer in worker.offers)
        if self._context is not None and hears:
            self._send(worker.id, self._context)
