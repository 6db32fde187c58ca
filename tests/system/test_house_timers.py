"""Timers in a real house: the satellite rings alone, and nothing is forgotten over restarts."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon_protocol.messages.event import SatelliteJoined
from antiphon_protocol.messages.timer import TimerEnded, TimerRinging
from tests.support.house import WITHOUT_WORKER, Facts, House, open_house, satellite_settings
from tests.support.waiting import eventually
from tests.system.test_house_requests import request

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

SECONDS = 20
"""Long enough to stop the hub and to restart the satellite before it is due."""


def settings(house: House, folder: Path) -> str:
    tree: dict[str, Any] = satellite_settings(house.address, "sat")
    tree["satellite"]["state_dir"] = str(folder / "satellite")
    tree["speaker"]["sink"] = f"wav:{folder / 'sounds'}"
    return house.config("satellite", tree)


def has(facts: Facts, kind: type) -> bool:
    return any(isinstance(one, kind) for one in facts.events)


def kept(folder: Path) -> list[Any]:
    file = folder / "satellite" / "alarms-sat.json"
    return msgspec.json.decode(file.read_bytes()) if file.exists() else []


async def test_the_satellite_rings_alone_and_the_hub_learns_of_it(tmp_path: Path) -> None:
    ring = tmp_path / "sounds" / "ring-timer.wav"
    async with open_house(tmp_path, WITHOUT_WORKER) as house:
        config = settings(house, tmp_path)
        async with house.facts() as facts:
            satellite = await house.program("satellite", "--config", config)
            await eventually(lambda: has(facts, SatelliteJoined), 20)
            answer = await request(
                house,
                "timer",
                {"action": "start", "seconds": SECONDS, "name": "pasta", "room": "kitchen"},
            )
            assert answer["ok"], answer
            await eventually(lambda: bool(kept(tmp_path)), 5)
        assert await house.hub.end() == 0
        # With the hub and its broker gone the satellite is killed, and comes back to nobody.
        satellite.process.send_signal(signal.SIGKILL)
        await satellite.process.wait()
        assert not ring.exists()
        await house.program("satellite", "--config", config)
        await eventually(ring.exists, SECONDS + 20)

        await house.open(house.broker.port)
        async with house.facts() as facts:
            await eventually(lambda: has(facts, TimerRinging), 20)
            stopped = await request(house, "timer", {"action": "stop"})
            assert stopped["ok"], stopped
            await eventually(lambda: has(facts, TimerEnded), 5)
            (ended,) = [one for one in facts.events if isinstance(one, TimerEnded)]
            assert (ended.timer.name, ended.reason) == ("pasta", "stopped")
        await eventually(lambda: kept(tmp_path) == [], 5)
        ring.unlink()
        await asyncio.sleep(3)  # longer than a cycle with its pause: it is silent
        assert not ring.exists()


async def test_alarms_and_lists_survive_a_killed_hub(tmp_path: Path) -> None:
    async with open_house(tmp_path, WITHOUT_WORKER) as house:
        await request(house, "timer", {"action": "start", "at": "07:30", "days": ["mon", "tue"]})
        await request(house, "intent", {"text": "add milk to the shopping list"})
        await request(house, "intent", {"text": "remind me to call mom at eight", "room": "hall"})
        assert await house.hub.end(signal.SIGKILL) != 0
        (house.state_dir / "hub.json").unlink()
        await house.open()
        shown = (await request(house, "timer", {"action": "list"}))["timers"]
        assert sorted(one["kind"] for one in shown) == ["alarm", "reminder"]
        alarm = next(one for one in shown if one["kind"] == "alarm")
        assert (alarm["days"], alarm["due_at"][11:16]) == (["mon", "tue"], "07:30")
        said = await request(house, "intent", {"text": "what's on the shopping list"})
        assert said["reply"] == "On the shopping list: milk."
