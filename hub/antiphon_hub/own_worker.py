"""The workers that the hub starts by itself: the same program as on any other machine."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import tomli_w

from antiphon_hub.errors import ChildError, WorkError
from antiphon_hub.settings import WorkersSection
from antiphon_hub.supervise import Child
from antiphon_link.broker import BrokerAddress
from antiphon_link.errors import LinkError

log = logging.getLogger(__name__)

START_S: Final = 90.0
"""How long workers with other engines may take to be here; large models load slowly."""
DRAIN_S: Final = 60.0
"""How long one that is replaced may go on with what it has: longer than any command or reply."""

Run = Callable[[], Awaitable[None]]


class Worker(Protocol):
    """A worker that is here."""

    retiring: bool
    """Set: it gets nothing new."""

    async def free(self) -> None:
        """Return once it has no job, or is gone."""
        ...


class Pool(Protocol):
    """The workers that are here."""

    async def here(self, worker_id: str) -> Worker:
        """Return the worker of that id once it has joined."""
        ...

    def get(self, worker_id: str) -> Worker | None:
        """Return the worker of that id, if it is here."""
        ...


Settle = Callable[[Any], Awaitable[None]]
"""Given a worker of the pool; raises WorkError or LinkError."""


class OwnWorkers:
    """Keeps the own workers running; others take their place without a moment without any."""

    def __init__(
        self, folder: Path, hub: str, pool: Pool, one_is_here: Run, settle: Settle
    ) -> None:
        """Prepare.

        Args:
            folder: Where their files and state are.
            hub: The hub's id, which begins theirs.
            pool: Where they join.
            one_is_here: Returns once any worker is here, or after a while: then the spare starts.
            settle: Returns once one that has just come can hear.
        """
        self._folder, self._hub, self._pool = folder, hub, pool
        self._one_is_here, self._settle = one_is_here, settle
        self._broker: BrokerAddress | None = None
        self._group = asyncio.TaskGroup()
        self._changing = asyncio.Lock()
        self._life = 0
        self._own: list[_Own] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._retiring: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self, settings: WorkersSection, broker: BrokerAddress) -> AsyncIterator[None]:
        """Keep them running inside the block."""
        async with self._group:
            self._broker = broker
            self._own = self.made(settings, broker)
            for one in self._own:
                self._run(one)
            try:
                yield
            finally:
                tasks = [*self._tasks, *self._retiring]
                for task in tasks:
                    task.cancel()
                if tasks:
                    await asyncio.wait(tasks)
                # A task that was cancelled before its first step has ended nothing.
                await asyncio.gather(*(one.child.stop() for one in self._own))

    async def replace(self, settings: WorkersSection) -> None:
        """Put workers with other engines in the place of those that run.

        They start beside those, which get nothing new once the others are here, and end when
        they have done what they had.

        Raises:
            ChildError: the new ones do not start; the old ones go on as if nothing had been.
        """
        broker = self._broker
        if broker is None or not self._own:
            return
        async with self._changing:
            if self._retiring:  # those of the change before this have the names that are needed
                await asyncio.wait(self._retiring)
            self._life += 1
            fresh = self.made(settings, broker)
            try:
                await asyncio.gather(*(self._joined(one) for one in fresh if not one.spare))
            except BaseException:
                self._life -= 1
                await asyncio.gather(*(one.child.stop() for one in fresh))
                raise
            old, self._own = self._own, fresh
            for one in fresh:
                self._run(one)
            for one in old:
                self._begin(self._retire(one), f"retire {one.id}", self._retiring)

    def made(self, settings: WorkersSection, broker: BrokerAddress) -> "list[_Own]":
        """Write the settings files of new workers, and return them, not yet started."""
        count = settings.local + settings.spares
        life = "b" if self._life % 2 else ""  # the old ones still have the other names
        return [
            _Own(
                f"{self._hub}-{number}{life}",
                own_worker(
                    settings,
                    broker,
                    self._folder / f"worker-{number}{life}.toml",
                    f"{self._hub}-{number}{life}",
                ),
                spare=number > settings.local,
            )
            for number in range(1, count + 1)
        ]

    def _run(self, one: "_Own") -> None:
        one.task = self._begin(self._lived(one), f"worker {one.id}", self._tasks)

    def _begin(
        self, work: Coroutine[Any, Any, None], name: str, among: set[asyncio.Task[None]]
    ) -> asyncio.Task[None]:
        task = self._group.create_task(work, name=name)
        among.add(task)
        task.add_done_callback(among.discard)
        return task

    async def _lived(self, one: "_Own") -> None:
        if one.spare:
            await self._one_is_here()
        await one.child.run()

    async def _joined(self, one: "_Own") -> None:
        """Start a worker, and return once it is here; raises ChildError where it ends instead."""
        await one.child.start()
        here = asyncio.ensure_future(self._pool.here(one.id))
        ended = asyncio.ensure_future(one.child.wait())
        try:
            done, _ = await asyncio.wait(
                (here, ended), timeout=START_S, return_when=asyncio.FIRST_COMPLETED
            )
            if here not in done:
                lines = [line for line in one.child.last_lines if line.strip()]
                said = lines[-1] if ended in done and lines else f"no word within {START_S:.0f} s"
                raise ChildError(f"no worker starts with these engines: {said}")
            await self._try_out(here.result())
        finally:
            here.cancel()
            ended.cancel()
            await asyncio.wait((here, ended))

    async def _try_out(self, worker: Worker) -> None:
        """Keep commands from a new worker until it can hear them."""
        worker.retiring = True
        try:
            async with asyncio.timeout(START_S):
                await self._settle(worker)
        except (WorkError, LinkError, TimeoutError) as error:
            raise ChildError(f"a worker with these engines hears nothing: {error}") from None
        worker.retiring = False

    async def _retire(self, one: "_Own") -> None:
        try:
            if (worker := self._pool.get(one.id)) is not None:
                worker.retiring = True
                async with asyncio.timeout(DRAIN_S):
                    await worker.free()
        except TimeoutError:
            log.warning("worker %s is not done after %g s; ending it", one.id, DRAIN_S)
        finally:
            if one.task is not None:
                one.task.cancel()
                await asyncio.wait((one.task,))
            await one.child.stop()  # its task may have been cancelled before its first step


class _Own:
    """One of the own workers."""

    def __init__(self, worker_id: str, child: Child, *, spare: bool) -> None:
        self.id = worker_id
        self.child = child
        self.spare = spare
        self.task: asyncio.Task[None] | None = None


def own_worker(settings: WorkersSection, broker: BrokerAddress, file: Path, name: str) -> Child:
    """Write a worker's settings file and return the worker, not yet started.

    Its state lives in a folder of its name beside the file, which holds the broker's password.
    """
    config = {
        "broker": {
            "address": f"{_bracketed(broker.host)}:{broker.port}",
            "username": broker.username,
            "password": broker.password,
            "tls": broker.tls,
            "ca_file": broker.ca_file,
        },
        "worker": {"id": name, "state_dir": str(file.with_name(name))},
        "engines": {
            "stt": list(settings.stt),
            "tts": list(settings.tts),
            "wake": list(settings.wake),
            "vad": settings.vad,
        },
        "options": settings.options,
    }
    file.touch(mode=0o600)
    file.write_text(tomli_w.dumps(config), encoding="utf-8")
    argv = [sys.executable, "-m", "antiphon_link", "worker", "--config", str(file)]
    return Child(argv, name=f"worker {name}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
