"""A second hub on the same broker: waits, takes over, and never acts beside the first."""

import asyncio
import time
from pathlib import Path

import pytest
import tomli_w

from tests.support.house import Program
from tests.support.parts import Parts
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

TAKES_OVER_S = 5.0


async def a_second_hub(parts: Parts) -> Program:
    """Start a hub that stands by, with a folder of its own; return it once it does."""
    settings = {
        "broker": {"address": str(parts.broker.address)},
        "hub": {"id": "second", "standby": True, "state_dir": str(parts.folder / "second")},
        "discovery": {"announce": False},
        "workers": {"local": 0},
    }
    config = parts.folder / "second.toml"
    config.write_text(tomli_w.dumps(settings), encoding="utf-8")
    second = await Program("hub", ("--config", str(config)), parts.folder / "second.log").start()
    await eventually(lambda: "stands by: hub hub acts" in second.log, 30.0)
    return second


async def test_a_standby_takes_over_and_the_first_then_stands_by(tmp_path: Path) -> None:
    async with Parts(tmp_path).living() as parts:
        second = await a_second_hub(parts)
        try:
            parts.room.speak()
            assert (await parts.result() or {})["reply"]
            assert parts.changes == 1, "one of them acted"
            await parts.kill_hub()
            killed_s = time.monotonic()
            await eventually(parts.whole, 30.0)
            assert time.monotonic() - killed_s < TAKES_OVER_S
            parts.room.speak()
            assert (await parts.result() or {})["reply"]
            assert parts.changes == 2
            await parts.restart_hub()
            first = parts.folder / "hub.log"
            await eventually(lambda: "stands by: hub second acts" in first.read_text(), 30.0)
            parts.room.speak()
            assert (await parts.result() or {})["reply"]
            assert parts.changes == 3, "still only one of them acts"
        finally:
            await second.make_sure()


async def test_a_command_cut_off_by_the_first_ones_death_is_done_by_the_second(
    tmp_path: Path,
) -> None:
    async with Parts(tmp_path).living() as parts:
        second = await a_second_hub(parts)
        try:
            parts.room.speak()
            await eventually(lambda: parts.room.state == "listening")
            await parts.kill_hub()
            result = await parts.result() or {}
            assert result["reply"], result
            await asyncio.sleep(0.3)  # a second act would come right behind
            assert parts.changes == 1
        finally:
            await second.make_sure()
