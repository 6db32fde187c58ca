"""The worker's life: presence, reconnecting, the service manager, engines that hang."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from antiphon_engines import app, rack
from antiphon_engines.app import Worker
from antiphon_engines.errors import EngineFailedError
from antiphon_engines.settings import SpeechSection, WorkerSettings
from antiphon_link.connection import Publication
from antiphon_link.fake import FakeBus, FakeLink
from antiphon_link.program import ServiceManager
from antiphon_protocol.messages.pairing import Membership
from antiphon_protocol.messages.presence import WorkerGoodbye, WorkerHello
from antiphon_protocol.messages.work import (
    Heard,
    SpeechBegan,
    SpeechSynthesized,
    Synthesize,
    Transcribe,
    WorkBegan,
)
from tests.support.worker_world import FAKES, frames_of, loud, worker_world

JOB = Transcribe(job="job-1", turn="turn-1", satellite="hall", stream="stream-1")


def worker_on(
    bus: FakeBus, service: ServiceManager, warmed: Callable[[], None] = lambda: None
) -> Worker:
    settings = WorkerSettings(engines=FAKES)
    return Worker(
        settings,
        worker="w1",
        engines=rack.build(settings),
        open_link=lambda will: FakeLink(bus, client_id="worker-w1", will=will),
        service=service,
        warmed=warmed,
    )


async def test_a_worker_says_hello_and_goodbye_and_comes_back_after_a_cut() -> None:
    async with worker_world() as world:
        assert world.bus is not None
        hello = world.presence[0]
        assert isinstance(hello, WorkerHello)
        assert (hello.worker, hello.capacity, hello.device) == ("w1", 4, "cpu")
        world.bus.cut("worker-w1")
        await world.until(lambda: world.presence[2:] or None)
        lost, again = world.presence[1:3]
        assert isinstance(lost, WorkerGoodbye)
        assert (lost.reason, lost.epoch) == ("lost", hello.epoch)
        assert isinstance(again, WorkerHello)
        assert again.epoch > hello.epoch
        world.speak(frames_of(loud(1.0)))
        world.do(JOB)
        assert (await world.fact(Heard)).text


async def test_a_reply_that_cannot_be_sent_ends_its_job_alone() -> None:
    settings = WorkerSettings(engines=FAKES, speech=SpeechSection(lead_s=0.1))
    async with worker_world(settings) as world:
        assert world.bus is not None
        job = Synthesize(
            job="job-1", turn="t", playback="p", text="A sentence that takes its time."
        )
        world.do(job)
        await world.fact(SpeechBegan)
        world.bus.cut("worker-w1")
        await world.until(lambda: world.presence[2:] or None)
        world.do(Synthesize(job="job-2", turn="t", playback="p", text="Short."))
        await world.fact(SpeechSynthesized, "job-2")
        assert world.worker.counts["lost"] + world.worker.counts["done"] == 2


async def test_garbage_on_its_topics_ends_nothing() -> None:
    async with worker_world() as world:
        assert world.bus is not None
        for path in ("worker/w1/do", "sat/hall/up/stream-1"):
            for payload in (
                b"",
                b"\xff" * 40,
                b"\x81\xa4type\xa6absurd",
                b"\x95\x00\x00\x00\xc4\x00\xc2",
            ):
                world.bus.publish(Publication(path=f"antiphon/1/{path}", payload=payload, qos=0))
        world.do(JOB)
        await world.fact(WorkBegan)
        world.speak(frames_of(loud(1.0)))
        assert (await world.fact(Heard)).text


async def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.setblocking(False)
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        warm = list[str]()
        worker = worker_on(FakeBus(), ServiceManager(str(path)), lambda: warm.append("warm"))
        run = asyncio.ensure_future(worker.run())
        loop, said = asyncio.get_running_loop(), list[str]()
        while said.count("WATCHDOG=1") < 2:
            said.append((await asyncio.wait_for(loop.sock_recv(manager, 1000), 5)).decode())
        assert said[0].startswith("READY=1\nSTATUS=worker w1")
        assert warm == ["warm"]
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
        while "STOPPING=1" not in said:
            said.append((await asyncio.wait_for(loop.sock_recv(manager, 1000), 5)).decode())


async def test_a_worker_whose_engine_hangs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "STUCK_S", 0.05)
    monkeypatch.setattr(app, "HEARTBEAT_S", 0.01)
    release = threading.Event()
    worker = worker_on(FakeBus(), ServiceManager(""))
    hung = asyncio.ensure_future(worker._rack._loader.run(release.wait))
    monkeypatch.setattr(worker._rack, "warm_up", _nothing)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(worker.run(), 5)
    assert caught.group_contains(EngineFailedError, match="hung")
    release.set()
    await hung


async def _nothing() -> None:
    """Stand for a warm-up that is over."""


def test_nobody_else_can_guess_a_paired_workers_client_id() -> None:
    member = Membership(hub="h", site="s", username="worker-box", password="one", authority="")  # noqa: S106 - of a test
    other = msgspec.structs.replace(member, password="two")  # noqa: S106 - of a test
    ours = app.client_id("box", member)
    assert ours == app.client_id("box", member), "two programs of one account must still collide"
    assert len({ours, app.client_id("box", other), app.client_id("box", None)}) == 3
    assert member.password not in ours
