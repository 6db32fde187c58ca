"""The programs as processes: how they start, refuse, wait and end."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.support.house import House, alive, open_house, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

END_S = 5.0
"""Within which each program must be gone after SIGTERM."""


def satellite_settings(address: str, name: str, room: str = "kitchen") -> dict[str, object]:
    return {
        "broker": {"address": address},
        "satellite": {"id": name, "room": room},
        "microphone": {"source": "none"},
        "speaker": {"sink": "null"},
        "wake": {"mode": "none"},
        "indicator": {"light": "none", "button": "none"},
    }


async def test_sigterm_ends_each_program_in_order_and_leaves_nobody(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.facts() as facts:
        worker = await house.program(
            "worker",
            "--config",
            house.config("w2", {"broker": {"address": house.address}, "worker": {"id": "cellar"}}),
        )
        config = house.config("sat", satellite_settings(house.address, "shelf"))
        satellite = await house.program("satellite", "--config", config)
        await until(lambda: "cellar" in str(facts.events), "the worker is here")
        await until(lambda: "shelf" in str(facts.events), "the satellite is here")

        assert await satellite.end(within_s=END_S) == 0
        assert await worker.end(within_s=END_S) == 0
        await until(
            lambda: str(facts.events).count("reason='stopped'") == 2, "both said goodbye", 5
        )
        children = [child.pid for child in house.hub.children()]
        assert len(children) >= 2, "broker and worker"
        assert await house.hub.end(within_s=END_S) == 0
        await until(lambda: not alive(children), "the hub's children are gone", 1)
        assert not (house.state_dir / "hub.json").exists()
        assert "Traceback" not in house.logs


async def test_a_killed_hub_takes_its_children_along(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        children = [child.pid for child in house.hub.children()]
        await house.hub.end(signal.SIGKILL)
        await until(lambda: not alive(children), "the hub's children are gone", 2)


async def test_the_second_satellite_of_one_id_waits_and_says_so(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.facts() as facts:
        one = house.config("one", satellite_settings(house.address, "twin", "kitchen"))
        two = house.config("two", satellite_settings(house.address, "twin", "hall"))
        first = await house.program("satellite", "--config", one, log="first")
        await until(lambda: "room='kitchen'" in str(facts.events), "the first is here")
        second = await house.program("satellite", "--config", two, log="second")
        await until(lambda: "is taken" in second.log, "the second complains")
        assert "twin" in second.log
        assert "room='hall'" not in str(facts.events)
        assert not first.ended
        assert not second.ended
        await first.end()
        await until(lambda: "room='hall'" in str(facts.events), "the second takes over", 30)
        assert "Traceback" not in house.logs


async def test_all_mistakes_of_a_settings_file_are_reported(tmp_path: Path) -> None:
    house = House(tmp_path)
    mistakes = {
        "hub": {"idd": "x", "language": "?"},
        "listening": {"limit_s": 1000.0},
        "nonsense": {},
    }
    for name, tree in (("hub", mistakes), ("satellite", {"wake": {"mode": "x"}, "nonsense": {}})):
        program = await house.program(name, "--config", house.config(name, tree))
        await until(lambda program=program: program.ended, "it refuses", 15)  # type: ignore[misc]  # a lambda's default
        assert program.process.returncode == 1
        assert "nonsense" in program.log
        assert "Traceback" not in program.log
    hub = house.programs[0].log
    assert all(word in hub for word in ("idd", "did you mean 'id'", "language", "limit_s"))


async def test_a_program_waits_for_a_broker_that_is_not_there_yet(
    tmp_path: Path, free_port: int
) -> None:
    house = House(tmp_path)
    config = house.config("sat", satellite_settings(f"127.0.0.1:{free_port}", "early"))
    satellite = await house.program("satellite", "--config", config)
    await until(lambda: f"127.0.0.1:{free_port} is not reachable" in satellite.log, "it complains")
    try:
        await house.open(port=free_port)
        async with house.facts() as facts, asyncio.timeout(10):
            await until(lambda: "early" in str(facts.events), "the satellite is here", 10)
        assert not satellite.ended
    finally:
        await house.close()
    assert "Traceback" not in house.logs


async def test_a_hub_says_which_broker_it_cannot_reach_and_stays_up(
    tmp_path: Path, free_port: int
) -> None:
    house = House(tmp_path)
    hub = await house.program(
        "hub", "--broker", f"127.0.0.1:{free_port}", "--state-dir", str(house.state_dir)
    )
    try:
        await until(lambda: f"127.0.0.1:{free_port} is not reachable" in hub.log, "it complains")
        assert not hub.ended
    finally:
        await house.close()
    assert "Traceback" not in house.logs
