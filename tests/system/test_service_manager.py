"""What systemd hears from each program: ready once it serves, alive while it works, stopping."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from antiphon_hub.mosquitto import Mosquitto
from antiphon_hub.mosquitto_conf import MosquittoSettings

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(120)]

START_S = 90.0
STOP_S = 5.0
"""TimeoutStopSec of the units."""
WATCHDOG_US = 400_000


class Manager:
    """The service manager's end of sd_notify(3)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.heard: list[str] = []

    async def until(self, word: str, process: asyncio.subprocess.Process, times: int = 1) -> None:
        """Return once the program has said that word so many times; fail if it ends before."""
        loop = asyncio.get_running_loop()
        ended = asyncio.create_task(process.wait())
        async with asyncio.timeout(START_S):
            while sum(word in told.splitlines() for told in self.heard) < times:
                hears = asyncio.create_task(loop.sock_recv(self._socket, 4096))
                await asyncio.wait((hears, ended), return_when=asyncio.FIRST_COMPLETED)
                if not hears.done():
                    hears.cancel()
                    pytest.fail(f"it ended with {ended.result()} before {word}")
                self.heard.append(hears.result().decode())
        ended.cancel()

    def close(self) -> None:
        self._socket.close()


@asynccontextmanager
async def service(
    folder: Path, name: str, settings: Mapping[str, Any]
) -> AsyncIterator[tuple[Manager, asyncio.subprocess.Process]]:
    config, manager = folder / f"{name}.toml", Manager(folder / "notify")
    config.write_text(tomli_w.dumps(settings))
    process = await asyncio.create_subprocess_exec(
        *_argv(name, config),
        env={
            **os.environ,
            "NOTIFY_SOCKET": str(manager.path),
            "WATCHDOG_USEC": str(WATCHDOG_US),
            "STATE_DIRECTORY": str(folder / "state"),
        },
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        yield manager, process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        manager.close()


def _argv(name: str, config: Path) -> Sequence[str]:
    # setpriv: the program must not outlive tests that are killed.
    python = (sys.executable, "-m", "antiphon_link")
    return ("setpriv", "--pdeathsig", "KILL", "--", *python, name, "--config", str(config))


async def lives_as_a_service(folder: Path, name: str, settings: Mapping[str, Any]) -> None:
    async with service(folder, name, settings) as (manager, process):
        await manager.until("READY=1", process)
        await manager.until("WATCHDOG=1", process, times=3)
        process.send_signal(signal.SIGTERM)
        await manager.until("STOPPING=1", process)
        async with asyncio.timeout(STOP_S):
            assert await process.wait() == 0


async def test_the_hub_lives_as_a_service(tmp_path: Path) -> None:
    await lives_as_a_service(
        tmp_path, "hub", {"hub": {"id": "test"}, "discovery": {"announce": False}}
    )


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("worker", {"worker": {"id": "cellar"}}),
        (
            "satellite",
            {
                "satellite": {"id": "shelf", "room": "kitchen"},
                "microphone": {"source": "none"},
                "speaker": {"sink": "null"},
                "wake": {"mode": "none"},
                "indicator": {"light": "none", "button": "none"},
            },
        ),
    ],
)
async def test_the_others_live_as_a_service_beside_any_broker(
    name: str, settings: Mapping[str, Any], tmp_path: Path
) -> None:
    broker = Mosquitto(MosquittoSettings(), tmp_path / "broker")
    address = str(await broker.start())
    try:
        await lives_as_a_service(tmp_path, name, {"broker": {"address": address}, **settings})
    finally:
        await broker.stop()
