"""The workers that the hub starts by itself: a spare one, and others that take their place."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from antiphon_hub import own_worker as own_worker_module
from antiphon_hub import settings as hub_settings
from antiphon_hub.errors import ChildError, WorkError
from antiphon_hub.own_worker import DRAIN_S, START_S, OwnWorkers
from antiphon_hub.settings import SPARE_FROM_BYTES, WorkersSection
from antiphon_hub.workers import Worker
from antiphon_link.broker import BrokerAddress
from tests.support import virtual_time
from tests.support.light_worker import LightWorker

BROKER = BrokerAddress(host="127.0.0.1", port=1883)
ONE = WorkersSection(spare=False)
OTHER = WorkersSection(spare=False, stt=("sherpa",))


async def at_once() -> None:
    """A worker is here already."""


class FakeChild:
    """A process that joins the pool when it is started, or ends with a word."""

    def __init__(self, world: "World", worker: str, config: dict[str, Any]) -> None:
        self._world, self.worker, self.config = world, worker, config
        self.alive = False
        self.last_lines: list[str] = []
        self._ended = asyncio.Event()

    async def start(self) -> None:
        self.alive = True
        self._world.started.append(self.worker)
        if self._world.trouble == "mute":
            return
        if self._world.trouble:
            self.last_lines.append(self._world.trouble)
            self.alive = False
            self._ended.set()
        else:
            self._world.epoch += 1
            self._world.light.join(self.worker, epoch=self._world.epoch)

    async def wait(self) -> int:
        await self._ended.wait()
        return 1

    async def run(self) -> None:
        if not self.alive:
            await self.start()
        try:
            await asyncio.Event().wait()
        finally:
            await self.stop()

    async def stop(self) -> None:
        self.alive = False


class World:
    """The own workers, without processes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.light = LightWorker()
        self.children: list[FakeChild] = []
        self.started: list[str] = []
        self.trouble = ""
        self.deaf = ""
        """Why new workers cannot hear; empty: they can."""
        self.epoch = 0
        self.one_is_here: Callable[[], Any] = at_once
        monkeypatch.setattr(own_worker_module, "Child", self._child)
        self.workers = OwnWorkers(folder, "hub", self.light.pool, self._one_is_here, self._settle)

    async def _settle(self, worker: Worker) -> None:
        assert worker.retiring, "it gets no command before it can hear"
        if self.deaf:
            raise WorkError(self.deaf)

    async def _one_is_here(self) -> None:
        await self.one_is_here()

    def _child(self, argv: list[str], name: str) -> FakeChild:
        config = tomllib.loads(Path(argv[-1]).read_text())
        assert name == f"worker {config['worker']['id']}"
        self.children.append(FakeChild(self, config["worker"]["id"], config))
        return self.children[-1]

    @property
    def alive(self) -> dict[str, list[str]]:
        """Those that run, with their recognisers."""
        return {one.worker: one.config["engines"]["stt"] for one in self.children if one.alive}

    @asynccontextmanager
    async def running(self, section: WorkersSection = ONE) -> AsyncIterator[None]:
        async with self.workers.running(section, BROKER):
            await asyncio.sleep(0.1)
            yield
        assert self.alive == {}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("local", "spare", "count"), [(0, True, 0), (1, False, 1), (1, True, 2), (2, True, 3)]
)
def test_there_is_one_more_than_is_needed(
    world: World, local: int, spare: bool, count: int
) -> None:
    async def story() -> None:
        async with world.running(WorkersSection(local=local, spare=spare)):
            assert sorted(world.alive) == [f"hub-{number}" for number in range(1, count + 1)]

    virtual_time.run(story())


@pytest.mark.parametrize(("memory", "spares"), [(SPARE_FROM_BYTES, 1), (SPARE_FROM_BYTES - 1, 0)])
def test_without_a_setting_memory_decides(
    monkeypatch: pytest.MonkeyPatch, memory: int, spares: int
) -> None:
    monkeypatch.setattr(hub_settings, "memory_bytes", lambda: memory)
    assert WorkersSection().spares == spares
    assert WorkersSection(local=0).spares == 0


def test_the_spare_one_starts_when_another_is_here(world: World) -> None:
    async def story() -> None:
        here = asyncio.Event()
        world.one_is_here = here.wait
        async with world.running(WorkersSection(spare=True)):
            assert world.started == ["hub-1"]
            here.set()
            await asyncio.sleep(0.1)
            assert world.started == ["hub-1", "hub-2"]

    virtual_time.run(story())


def test_others_take_their_place_when_they_are_here_and_jobs_go_on(world: World) -> None:
    async def story() -> None:
        async with world.running():
            old = world.light.pool.get("hub-1")
            assert old is not None
            with old.job():
                await world.workers.replace(OTHER)
                await asyncio.sleep(DRAIN_S / 2)
                both = {"hub-1": ["pocketsphinx"], "hub-1b": ["sherpa"]}
                assert world.alive == both, "it ends what it has"
                found = await world.light.pool.find("stt", "en", tried=(), within_s=0.1)
                assert found is not None
                assert found.id == "hub-1b", "what is new goes to the new one"
            await asyncio.sleep(0.1)
            assert world.alive == {"hub-1b": ["sherpa"]}
            await world.workers.replace(ONE)
            await asyncio.sleep(0.1)
            assert world.alive == {"hub-1": ["pocketsphinx"]}

    virtual_time.run(story())


def test_a_job_without_end_ends_with_its_worker(world: World) -> None:
    async def story() -> None:
        async with world.running():
            old = world.light.pool.get("hub-1")
            assert old is not None
            with old.job():
                await world.workers.replace(OTHER)
                began = asyncio.get_running_loop().time()
                await world.workers.replace(ONE)  # needs the name of the one that is leaving
                assert asyncio.get_running_loop().time() - began == pytest.approx(DRAIN_S)
                assert "hub-1" in world.alive

    virtual_time.run(story())


@pytest.mark.parametrize(("trouble", "takes_s"), [("no such model", 0.0), ("mute", START_S)])
def test_those_that_do_not_start_change_nothing(world: World, trouble: str, takes_s: float) -> None:
    async def story() -> None:
        async with world.running():
            world.trouble = trouble
            began = asyncio.get_running_loop().time()
            with pytest.raises(ChildError, match="no worker starts"):
                await world.workers.replace(OTHER)
            assert asyncio.get_running_loop().time() - began == pytest.approx(takes_s)
            assert world.alive == {"hub-1": ["pocketsphinx"]}
            worker = world.light.pool.get("hub-1")
            assert worker is not None
            assert not worker.retiring
            world.trouble = ""
            await world.workers.replace(OTHER)
            await asyncio.sleep(0.1)
            assert world.alive == {"hub-1b": ["sherpa"]}

    virtual_time.run(story())


def test_those_that_cannot_hear_change_nothing(world: World) -> None:
    async def story() -> None:
        async with world.running():
            world.deaf = "no such grammar"
            with pytest.raises(ChildError, match="hears nothing: no such grammar"):
                await world.workers.replace(OTHER)
            assert world.alive == {"hub-1": ["pocketsphinx"]}
            found = await world.light.pool.find("stt", "en", tried=(), within_s=0.1)
            assert found is not None
            assert found.id == "hub-1"

    virtual_time.run(story())


def test_the_hubs_end_ends_those_that_are_leaving_too(world: World) -> None:
    async def story() -> None:
        async with world.running():
            old = world.light.pool.get("hub-1")
            assert old is not None
            job = old.job()
            job.__enter__()
            await world.workers.replace(OTHER)
        assert world.alive == {}

    virtual_time.run(story())


def test_without_own_workers_there_is_nothing_to_replace(world: World) -> None:
    async def story() -> None:
        await world.workers.replace(OTHER)
        async with world.running(WorkersSection(local=0)):
            await world.workers.replace(OTHER)
            assert world.started == []

    virtual_time.run(story())
