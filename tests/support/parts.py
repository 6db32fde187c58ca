"""A house whose every part is a process of its own, and can be killed, cut off or starved."""

import asyncio
import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import tomli_w

from antiphon_link.broker import BrokerAddress
from antiphon_link.link import Link
from antiphon_protocol.messages.event import DeviceChanged, Event
from antiphon_protocol.messages.presence import (
    HubPresence,
    Welcome,
    WorkerHello,
    WorkerPresence,
)
from antiphon_protocol.topics import EVENT, HUB_PRESENCE, WORKER_PRESENCE
from tests.support.house import Program, as_installed
from tests.support.mosquitto import Broker
from tests.support.proxy import Proxy
from tests.support.waiting import eventually

START_S = 30.0
TURN_S = 45.0
"""Whatever befalls a turn, it is over by then."""
_HERE = frozenset({"idle", "calling", "listening", "thinking", "playing"})
_SLOW = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04slow", b"\x82\x0b\x00\x01\x00\x06antiphon/1/#"


class Room:
    """The satellite's process, spoken to line by line."""

    def __init__(self, address: BrokerAddress, clock: Path, log: Path) -> None:
        self._argv = [
            *("setpriv", "--pdeathsig", "KILL", "--", sys.executable),
            *("-m", "tests.support.room_process", address.host, str(address.port)),
            *("kitchen-1", "kitchen", str(clock)),
        ]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.state = "away"
        self.start_count = 0
        self.results: asyncio.Queue[dict[str, Any]] = asyncio.Queue(8)

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=as_installed(),
            )
        self.state = "away"
        self.start_count += 1
        self._reader = asyncio.create_task(self._read(self._process))

    def speak(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")

    async def kill(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._reader is not None:
            self._reader.cancel()
        self.state = "dead"

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            told = json.loads(line)
            if "state" in told:
                self.state = told["state"]
            else:
                self.results.put_nowait(told)


class Parts:
    """Broker, hub, worker and a satellite behind a proxy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = folder / "clock"
        self.clock.write_text("0", encoding="utf-8")
        self.state_dir = folder / "state"
        self.broker = Broker(folder)
        self.proxy = Proxy(self.broker.address)
        self.hub = self._program("hub", {"hub": {"id": "hub", "state_dir": str(self.state_dir)}})
        self.worker = self._program("worker", {})
        self.room: Room
        self.welcomed = False
        self.worker_pids: set[int] = set()
        self.changes = 0
        """How often a device was switched."""
        self._link = Link(self._resolve, client_id="witness")
        self._link.on(HUB_PRESENCE, lambda said, _: self._hub_said(said))
        self._link.on(WORKER_PRESENCE, lambda said, _: self._worker_said(said))
        self._link.on(EVENT, lambda said, _: self._happened(said), kind="device-changed")

    def _program(self, name: str, own: dict[str, Any]) -> Callable[[], Program]:
        settings: dict[str, Any] = {"broker": {"address": str(self.broker.address)}}
        if name == "hub":
            settings |= {"discovery": {"announce": False}, "workers": {"local": 0}}
        else:
            fakes = {"stt": ["fake"], "tts": ["fake"], "wake": ["fake"], "vad": "fake"}
            text = {"fake": {"text": "turn on the kitchen light"}}
            where = {"id": "worker-1", "state_dir": str(self.folder / "worker")}
            settings |= {"worker": where, "engines": fakes, "options": text}
        config = self.folder / f"{name}.toml"
        config.write_text(tomli_w.dumps(settings | own), encoding="utf-8")
        runner = ("tests.support.shifted", str(self.clock))
        log = self.folder / f"{name}.log"
        return lambda: Program(name, ("--config", str(config)), log, runner=runner)

    async def _resolve(self) -> BrokerAddress:
        return self.broker.address

    def _hub_said(self, said: HubPresence) -> None:
        self.welcomed = isinstance(said, Welcome)

    def _worker_said(self, said: WorkerPresence) -> None:
        self.worker_pids = {said.process} if isinstance(said, WorkerHello) else set()

    def _happened(self, event: Event) -> None:
        self.changes += isinstance(event, DeviceChanged)

    # -- the parts' lives -------------------------------------------------------------------------

    @asynccontextmanager
    async def living(self) -> AsyncIterator[Self]:
        """Have everything up and ready inside the block."""
        await self.broker.start()
        link = asyncio.create_task(self._link.run())
        try:
            async with self.proxy.serving():
                self.room = Room(self.proxy.address, self.clock, self.folder / "room.log")
                self._hub = await self.hub().start()
                self._worker = await self.worker().start()
                await self.room.start()
                await eventually(self.whole, START_S)
                yield self
                await self.room.kill()
        finally:
            link.cancel()
            await asyncio.wait([link])
            for program in (self._worker, self._hub):
                program.process.kill() if not program.ended else None
                await program.process.wait()
            self.broker.stop()

    def whole(self) -> bool:
        """Tell whether every part is there and knows of the others."""
        return not self.missing()

    def missing(self) -> tuple[str, ...]:
        """Return which parts are not there."""
        there = {
            "broker": self._link.connected,
            "hub": self.welcomed,
            "worker": self.worker_pids == {self._worker.process.pid},
            f"satellite ({self.room.state})": self.room.state in _HERE,
        }
        return tuple(name for name, here in there.items() if not here)

    async def kill_broker(self) -> None:
        self.welcomed, self.worker_pids = False, set()
        self.broker.stop(kill=True)
        await self._link.wait_disconnected()

    async def kill_hub(self) -> None:
        await self._hub.end(signal.SIGKILL)
        self.welcomed = False

    async def kill_worker(self) -> None:
        await self._worker.end(signal.SIGKILL)

    async def restart_hub(self) -> None:
        self._hub = await self.hub().start()

    async def restart_worker(self) -> None:
        self._worker = await self.worker().start()

    def set_clock(self, seconds: float) -> None:
        """Set every program's wall clock off by so much."""
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(str(seconds), encoding="utf-8")
        fresh.replace(self.clock)

    @contextlib.contextmanager
    def slow_consumer(self) -> Any:
        """Have somebody subscribed to everything who reads nothing, inside the block."""
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect((self.broker.address.host, self.broker.address.port))
            connect, subscribe = _SLOW
            slow.sendall(connect)
            slow.recv(4)
            slow.sendall(subscribe[:1] + bytes([len(subscribe) - 1]) + subscribe[2:] + b"\x00")
            yield

    # -- what was done ----------------------------------------------------------------------------

    def acted(self) -> dict[str, str]:
        """Return the turns that were acted on, with their outcome, as the journal has them."""
        file = self.state_dir / "turns.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as journal:
            rows = journal.execute(
                "SELECT turn, outcome FROM turns WHERE intent != '' AND (state = 'acting'"
                " OR code = 'hub-restarted' OR marks LIKE '%journaled%')"
            )
            return dict(rows.fetchall())

    async def result(self) -> dict[str, Any] | None:
        """Return what came of the command that was spoken; None when that was never told."""
        try:
            async with asyncio.timeout(TURN_S):
                return await self.room.results.get()
        except TimeoutError:
            return None

    async def recovered_s(self, since_s: float, within_s: float = 30.0) -> float:
        """Return how long after that moment (monotonic clock) everything is there again."""
        try:
            await eventually(self.whole, within_s)
        except AssertionError:
            return within_s  # it never was; whoever measures says what is missing
        return max(0.0, time.monotonic() - since_s)


@contextlib.contextmanager
def small_disk(folder: Path) -> Any:
    """Mount a disk of 4 MiB there inside the block; needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)  # noqa: S607
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S607


def fill_up(folder: Path) -> Path:
    """Fill the disk that the folder is on; return the file to remove."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast
