"""The programs as processes: how they start, refuse, wait and end."""

import signal
from pathlib import Path

import pytest

from tests.support.house import (
    START_S,
    WITHOUT_WORKER,
    House,
    alive,
    open_house,
    satellite_settings,
)
from tests.support.mosquitto import free_port
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

END_S = 5.0
"""Within which each program must be gone after SIGTERM."""


async def test_sigterm_ends_each_program_in_order_and_leaves_nobody(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.facts() as facts:
        worker = await house.program(
            "worker",
            "--config",
            house.config("w2", {"broker": {"address": house.address}, "worker": {"id": "cellar"}}),
        )
        config = house.config("sat", satellite_settings(house.address, "shelf"))
        satellite = await house.program("satellite", "--config", config)
        await eventually(lambda: "cellar" in str(facts.events), START_S)
        await eventually(lambda: "shelf" in str(facts.events), START_S)

        assert await satellite.end(within_s=END_S) == 0
        assert await worker.end(within_s=END_S) == 0
        await eventually(lambda: str(facts.events).count("reason='stopped'") == 2, 5)
        children = [child.pid for child in house.hub.children()]
        assert len(children) >= 2, "broker and worker"
        assert await house.hub.end(within_s=END_S) == 0
        await eventually(lambda: not alive(children), 1)
        assert not (house.state_dir / "hub.json").exists()
        assert "Traceback" not in house.logs


async def test_a_killed_hub_takes_its_children_along(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        children = [child.pid for child in house.hub.children()]
        await house.hub.end(signal.SIGKILL)
        await eventually(lambda: not alive(children), 2)


async def test_the_second_satellite_of_one_id_waits_and_says_so(tmp_path: Path) -> None:
    async with open_house(tmp_path, WITHOUT_WORKER) as house, house.facts() as facts:
        one = house.config("one", satellite_settings(house.address, "twin", "kitchen"))
        two = house.config("two", satellite_settings(house.address, "twin", "hall"))
        first = await house.program("satellite", "--config", one, log="first")
        await eventually(lambda: "room='kitchen'" in str(facts.events), START_S)
        second = await house.program("satellite", "--config", two, log="second")
        await eventually(lambda: "is taken" in second.log, START_S)
        assert "twin" in second.log
        assert "room='hall'" not in str(facts.events)
        assert not first.ended
        assert not second.ended
        await first.end()
        await eventually(lambda: "room='hall'" in str(facts.events), 30)
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
        assert await program.process.wait() == 1
        assert "nonsense" in program.log
        assert "Traceback" not in program.log
    hub = house.programs[0].log
    assert all(word in hub for word in ("idd", "did you mean 'id'", "language", "limit_s"))


async def test_a_program_waits_for_a_broker_that_is_not_there_yet(
    tmp_path: Path,
) -> None:
    house, port = House(tmp_path, WITHOUT_WORKER), free_port()
    config = house.config("sat", satellite_settings(f"127.0.0.1:{port}", "early"))
    satellite = await house.program("satellite", "--config", config)
    await eventually(lambda: f"127.0.0.1:{port} is not reachable" in satellite.log, START_S)
    try:
        await house.open(port=port)
        await eventually(lambda: "satellite early is here" in house.hub.log)
        assert not satellite.ended
    finally:
        await house.close()
    assert "Traceback" not in house.logs


async def test_a_hub_says_which_broker_it_cannot_reach_and_stays_up(
    tmp_path: Path,
) -> None:
    house, port = House(tmp_path), free_port()
    hub = await house.program(
        "hub", "--broker", f"127.0.0.1:{port}", "--state-dir", str(house.state_dir)
    )
    try:
        await eventually(lambda: f"127.0.0.1:{port} is not reachable" in hub.log, START_S)
        assert not hub.ended
    finally:
        await house.close()
    assert "Traceback" not in house.logs
