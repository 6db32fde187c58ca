"""Light, button and heartbeat, by themselves."""

import asyncio
import io
import os
import socket
from collections import Counter
from contextlib import aclosing
from pathlib import Path

import pytest

from antiphon_link.fake import FakeBus, FakeLink
from antiphon_protocol.messages.config import ReportedSettings, SatelliteSettings
from antiphon_satellite.device.button import PRESSES_MAX, Button, ConsoleButton, PushButton
from antiphon_satellite.device.health import Health
from antiphon_satellite.device.identity import identity
from antiphon_satellite.device.indicator import ConsoleIndicator
from antiphon_satellite.link import House
from antiphon_satellite.machine import State
from tests.support import virtual_time
from tests.support.satellite_world import links


async def pressed(button: Button, count: int) -> list[str]:
    gestures: list[str] = []
    async with aclosing(button.presses()) as presses:
        async for gesture in presses:
            gestures.append(gesture)
            if len(gestures) == count:
                break
    return gestures


def test_the_console_light_is_one_line_written_over() -> None:
    out = io.StringIO()
    light = ConsoleIndicator("shelf", out)
    for state in State:
        light.show(state)
    light.identify()
    assert "\n" not in out.getvalue()
    assert out.getvalue().count("\r\x1b[K[shelf] ") == len(State) + 1
    assert out.getvalue().endswith("\a")


def test_hammering_a_button_is_bounded_and_counted() -> None:
    async def story() -> list[str]:
        button = PushButton()
        for _ in range(PRESSES_MAX + 3):
            button.press()
        assert button.dropped == 3
        return await pressed(button, PRESSES_MAX)

    assert virtual_time.run(story()) == ["single"] * PRESSES_MAX


async def test_enter_on_the_terminal_presses_and_its_end_does_not_disturb(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "wb", buffering=0) as keys:
        monkeypatch.setattr("sys.stdin", stdin)
        keys.write(b"\n")
        assert await pressed(ConsoleButton(), 1) == ["single"]
        keys.write(b"\n")
        keys.close()
        button = ConsoleButton()
        assert await pressed(button, 1) == ["single"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pressed(button, 1)


async def test_the_watchdog_is_fed_only_while_frames_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        bus = FakeBus()
        house = House(
            links(bus),
            identity("sim", "hall"),
            wake="none",
            phrases=(),
            commanded=lambda _: None,
            hub_changed=lambda _: None,
            desired=lambda _: None,
            reported=lambda: ReportedSettings(version=0, settings=SatelliteSettings()),
        )
        assert isinstance(house.link, FakeLink)
        health = Health(house, lambda: -50.0)
        health.watch("part", lambda: Counter(things=1))
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(health.run())
        assert await loop.sock_recv(manager, 99) == b"WATCHDOG=1", "it has just begun"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await loop.sock_recv(manager, 99)
        health.heard_frame()
        assert await loop.sock_recv(manager, 99) == b"WATCHDOG=1"
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
