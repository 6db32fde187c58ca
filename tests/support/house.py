"""A real house for system tests: hub, broker, worker and satellites as processes, logs in files."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil
import tomli_w

from antiphon_codecs.codecs import Codec
from antiphon_link.broker import BrokerAddress, parse_address
from antiphon_link.link import Envelope, Link
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.event import Event, TurnEnded
from antiphon_protocol.topics import EVENT
from antiphon_satellite.simulate import SimulatedRoom
from antiphon_tools.speech import Voice, voices
from tests.support.mosquitto import free_port
from tests.support.waiting import eventually

START_S = 90.0
WITHOUT_WORKER = {"workers": {"local": 0}}
"""Settings of a house that neither hears nor speaks; it starts in half a second."""


def satellite_settings(address: str, satellite: str, room: str = "kitchen") -> dict[str, object]:
    """Return the settings of a satellite that hears and says nothing."""
    return {
        "broker": {"address": address},
        "satellite": {"id": satellite, "room": room},
        "microphone": {"source": "none"},
        "speaker": {"sink": "null"},
        "wake": {"mode": "none"},
        "indicator": {"light": "none", "button": "none"},
    }


def as_installed() -> dict[str, str]:
    """Return the environment of a program that keeps its bytecode, as an installed one does.

    To compile everything at each start takes twice the time that a restart takes at home.
    """
    return {name: of for name, of in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Program:
    """`antiphon NAME ...` as a process; it dies with the tests, and all that it says is kept."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        log: Path,
        *,
        runner: Sequence[str] = ("antiphon_link",),
        on: Sequence[str] = (),
    ) -> None:
        """Describe it; `on` begins the command line that runs it on another machine."""
        self._argv = [
            *on,
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(sys.executable, "-m", *runner, name, *arguments),
        ]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "not started"
        return self._process

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None

    async def start(self) -> Self:
        with self._log.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=as_installed(),
            )
        return self

    def children(self) -> list[psutil.Process]:
        """Return the processes that it started, and theirs."""
        return list(psutil.Process(self.process.pid).children(recursive=True))

    async def end(self, number: signal.Signals = signal.SIGTERM, within_s: float = 10.0) -> int:
        """Send the signal and return the exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    async def make_sure(self) -> None:
        """End it in order if it runs, else by force."""
        try:
            await self.end()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


class House:
    """A hub with its own broker on a free port, in a folder of its own."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.state_dir = folder / "state"
        self._settings: dict[str, Any] = {
            "hub": {"id": "test"},
            "discovery": {"announce": False},
            **(settings or {}),
        }
        own = self._settings.get("workers", {})
        self._settings["workers"] = {"spare": False, **own}  # tests have no memory to spare
        self.programs: list[Program] = []
        self.hub: Program
        self.broker: BrokerAddress

    @property
    def address(self) -> str:
        return f"{self.broker.host}:{self.broker.port}"

    @property
    def logs(self) -> str:
        """All that all programs said."""
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))

    async def program(
        self, name: str, *arguments: str, log: str = "", on: Sequence[str] = ()
    ) -> Program:
        """Start a program; it is ended with the house."""
        path = self.folder / f"{log or name}-{len(self.programs)}.log"
        started = await Program(name, arguments, path, on=on).start()
        self.programs.append(started)
        return started

    def config(self, name: str, tree: Mapping[str, Any]) -> str:
        """Write a settings file and return its path."""
        path = self.folder / f"{name}.toml"
        path.write_text(tomli_w.dumps(tree), encoding="utf-8")
        return str(path)

    async def open(self, port: int = 0, on: Sequence[str] = ()) -> None:
        """Start the hub, and return once it serves; never on the port that others expect."""
        config = self.config("hub", self._settings)
        number = str(port or free_port())
        arguments = ("--config", config, "--state-dir", str(self.state_dir), "--port", number)
        self.hub = await self.program("hub", *arguments, on=on)
        ready = self.state_dir / "hub.json"
        await eventually(lambda: ready.exists() or self.hub.ended, START_S)
        assert not self.hub.ended, self.hub.log
        fact = msgspec.json.decode(ready.read_bytes())
        host, at = parse_address(fact["broker"], 0)
        self.broker = BrokerAddress(host=host, port=at)

    async def close(self) -> None:
        """End every program."""
        for program in reversed(self.programs):
            await program.make_sure()

    @asynccontextmanager
    async def link(self) -> AsyncIterator[Link]:
        """Have a link to the broker inside the block."""
        link = Link(self.resolve, client_id=new_id("test"))
        async with self.running(link):
            yield link

    @asynccontextmanager
    async def running(self, link: Link) -> AsyncIterator[None]:
        """Run a link that was prepared, connected from the block's begin on."""
        task = asyncio.create_task(link.run())
        try:
            async with asyncio.timeout(START_S):
                await link.wait_connected()
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @asynccontextmanager
    async def room(
        self, name: str, codec: Codec = "pcm", engines: Sequence[str] = ()
    ) -> AsyncIterator[SimulatedRoom]:
        """Have a room inside the block: with a button, or with these wake engines."""
        room = SimulatedRoom(
            self.resolve,
            satellite=name,
            room=name,
            wake="local" if engines else "none",
            engines=engines,
            codec=codec,
        )
        task = asyncio.create_task(room.run())
        try:
            await eventually(lambda: f"satellite {name} is here" in self.hub.log)
            async with asyncio.timeout(15):
                await room.wait_ready()
            yield room
        finally:
            task.cancel()
            await asyncio.wait([task])

    @asynccontextmanager
    async def facts(self) -> AsyncIterator["Facts"]:
        """Collect the house's facts inside the block."""
        link = Link(self.resolve, client_id=new_id("facts"))
        facts = Facts()
        link.on(EVENT, facts.take)
        async with self.running(link):
            yield facts

    async def resolve(self) -> BrokerAddress:
        """Find the broker."""
        return self.broker

    def worker_pids(self) -> list[int]:
        """Return the hub's own workers."""
        return [
            child.pid
            for child in self.hub.children()
            if "worker" in child.cmdline() and "antiphon_link" in child.cmdline()
        ]

    def broker_pids(self) -> list[int]:
        """Return the hub's own broker."""
        return [child.pid for child in self.hub.children() if child.name() == "mosquitto"]


class Facts:
    """Facts in the order of their coming."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def take(self, event: Event, _: Envelope) -> None:
        self.events.append(event)

    def ended(self, satellite: str) -> list[TurnEnded]:
        """Return the turns of that satellite that have ended."""
        return [
            event
            for event in self.events
            if isinstance(event, TurnEnded) and event.satellite == satellite
        ]


@asynccontextmanager
async def open_house(
    folder: Path, settings: Mapping[str, Any] | None = None
) -> AsyncIterator[House]:
    """Have a house inside the block; all of its processes are gone after it."""
    house = House(folder, settings)
    try:
        await house.open()
        yield house
    finally:
        await house.close()


def alive(pids: Sequence[int]) -> list[int]:
    """Return those processes that still run."""
    return [pid for pid in pids if psutil.pid_exists(pid) and not _is_zombie(pid)]


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def a_voice(name: str = "awb") -> Voice:
    """Return a synthetic voice that wake engine and recogniser understand well."""
    return next(voice for voice in voices() if voice.name == name)


def kill(pid: int) -> None:
    """End a process at once, as a power cut would."""
    os.kill(pid, signal.SIGKILL)
