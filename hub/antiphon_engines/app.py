"""The worker: builds its parts, greets the house, works until it is told to stop."""

import asyncio
import hashlib
import logging
import socket
from collections import Counter
from collections.abc import Callable
from typing import Final

from antiphon_engines import rack
from antiphon_engines.errors import EngineFailedError
from antiphon_engines.identity import identity
from antiphon_engines.jobs import Jobs
from antiphon_engines.link import SOFTWARE, OpenLink, WorkerLink
from antiphon_engines.settings import WorkerSettings
from antiphon_engines.streams import Streams
from antiphon_engines.threads import CALL_LIMIT_S
from antiphon_link import membership
from antiphon_link.joining import Newcomer, ensure_member, show_on_terminal
from antiphon_link.link import Link
from antiphon_link.program import ServiceManager, settle
from antiphon_link.resolve import resolver
from antiphon_protocol.messages.pairing import Membership

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 5.0
STUCK_S: Final = 2 * CALL_LIMIT_S
"""An engine at one call for longer hangs for good, and only a new process gets rid of it."""


class Worker:
    """One worker with its engines built; `run` lives until it is cancelled."""

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        worker: str,
        engines: rack.Rack,
        open_link: OpenLink,
        service: ServiceManager,
        warmed: Callable[[], None],
    ) -> None:
        """Put its parts together.

        Args:
            settings: The worker's settings.
            worker: Its id.
            engines: What it works with.
            open_link: Opens its way to the house.
            service: Who is told how it is.
            warmed: Called once when the engines are warm, before the first job.
        """
        self._rack = engines
        self._warmed = warmed
        self._service = service
        self.streams = Streams(settings.streams)
        self._edge = WorkerLink(
            open_link,
            worker=worker,
            capacity=settings.worker.capacity,
            engines=engines.offers(),
            streams=self.streams,
        )
        self.jobs = Jobs(
            settings, worker=worker, rack=engines, streams=self.streams, outlet=self._edge
        )
        self._edge.on_command(self.jobs.take)
        self._worker = worker

    @property
    def counts(self) -> Counter[str]:
        """What happened so far, by name."""
        return self._edge.link.counts + self.streams.counts + self.jobs.counts

    async def run(self) -> None:
        """Warm the engines, join the house, work.

        Raises:
            EngineError: an engine does not start, or hangs.
            LinkRefusedError: the broker refuses this worker.
        """
        try:
            await self._rack.warm_up()
            self._warmed()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._edge.link.run(), name="link")
                group.create_task(self._watch(), name="watch")
        finally:
            self._service.stopping()
            await self.jobs.close()
            self._rack.close()

    async def _watch(self) -> None:
        await self._edge.link.wait_connected()
        self._service.ready(f"worker {self._worker}")
        log.info("worker %s is ready", self._worker)
        interval_s = min(HEARTBEAT_S, self._service.watchdog_s or HEARTBEAT_S)
        while True:
            self._look_after_engines()
            self.streams.expire(asyncio.get_running_loop().time())
            await asyncio.sleep(interval_s)

    def _look_after_engines(self) -> None:
        """Feed the watchdog while calls into engines come back.

        Raises:
            EngineFailedError: one has not come back for so long that it never will.
        """
        now_s = asyncio.get_running_loop().time()
        stuck_s = max(self.jobs.busy_s(now_s), self._rack.busy_s(now_s))
        if stuck_s > STUCK_S:
            raise EngineFailedError(f"an engine has hung for {stuck_s:.0f} s; start it anew")
        if stuck_s < CALL_LIMIT_S:
            self._service.alive()


async def main(settings: WorkerSettings, pair: str = "") -> None:
    """Run a worker with these settings until it is cancelled; pair it first if it must be.

    Raises:
        SettingsError: the broker's or the worker's settings cannot be used.
        EngineError: an engine is not installed, cannot be built, or hangs.
        EarsError: the same for a wake or voice-activity engine.
        LinkRefusedError: the broker refuses this worker.
        PairingError: the house does not let it in.
    """
    state_dir = settings.worker.folder()
    with identity(settings.worker.id, state_dir) as worker:
        newcomer = Newcomer(
            kind="worker", device=worker, host=socket.gethostname(), software=SOFTWARE
        )
        await ensure_member(settings.broker, state_dir, newcomer, pair, show_on_terminal)
        member = membership.load(state_dir, "worker", worker)
        resolve, name = resolver(settings.broker, member), client_id(worker, member)
        engines = await asyncio.to_thread(rack.build, settings)
        app = Worker(
            settings,
            worker=worker,
            engines=engines,
            open_link=lambda will: Link(resolve, client_id=name, will=will, name="worker"),
            service=ServiceManager(),
            warmed=settle,
        )
        await app.run()


def client_id(worker: str, member: Membership | None) -> str:
    """Return the client id of a worker: of a paired one, what nobody else can guess.

    Who connects under another's client id throws that one out. Made of its password, it stays the
    same for two programs of one account: they take the connection from each other, as they should,
    instead of both doing each job.
    """
    if member is None:
        return f"worker-{worker}"
    secret = hashlib.sha256(f"client id\n{member.password}".encode()).hexdigest()
    return f"worker-{worker}-{secret[:24]}"
