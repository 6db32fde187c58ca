"""A house that refuses a voice, until it is taught its calls, and again once they are forgotten."""

import asyncio
import sys
from pathlib import Path

import pytest

from antiphon_satellite.simulate import SimulatedRoom
from antiphon_tools.speech import command
from tests.support.house import House, a_voice, open_house
from tests.support.waiting import eventually
from tests.system.test_house_faults import ENGINES, ROOM

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(240)]

EARS = {"workers": {"stt": ["fake"]}}
"""Whether it is a turn at all is what counts: a recogniser that loads at once will do."""
KEEPS = EARS | {"journal": {"keep_audio_days": 1}}
CHECKS = KEEPS | {"listening": {"check_wake": True}}
CALLS = 3


async def teach_wake(house: House, *arguments: str) -> None:
    """Run `antiphon teach-wake`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "antiphon_link", "teach-wake", *arguments),
        *("--state-dir", str(house.state_dir)),
    )
    assert await process.wait() == 0


async def turn_of(house: House, room: SimulatedRoom) -> str:
    """Call with a voice to which openWakeWord is deaf; return the turn, empty where it is none."""
    async with house.facts() as facts, asyncio.timeout(60):
        await room.wait_ready()
        said = await room.speak(command("what time is it", a_voice("rms")))
        assert said.called, "the satellite's engine hears it"
        assert said.over
        if said.turn:
            await eventually(lambda: facts.ended(ROOM))
        return said.turn


async def test_a_voice_is_refused_then_taught_then_forgotten(tmp_path: Path) -> None:
    async with open_house(tmp_path, KEEPS) as house, house.room(ROOM, engines=ENGINES) as room:
        turns = [await turn_of(house, room) for _ in range(CALLS)]
        assert all(turns)
    async with open_house(tmp_path, CHECKS) as house, house.room(ROOM, engines=ENGINES) as room:
        assert not await turn_of(house, room)
        await teach_wake(house, "call", "Ann", *(part for one in turns for part in ("--turn", one)))
        assert await turn_of(house, room)
        await teach_wake(house, "forget", "Ann")
        assert not await turn_of(house, room)
