"""A spoken turn, looked at beside the running hub, heard again, and forgotten with its audio."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon_hub.recordings.shelf import FOLDER
from tests.support.house import WITHOUT_WORKER, House, open_house
from tests.support.waiting import eventually
from tests.system.test_house_faults import ENGINES, ROOM, a_turn_works

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

KEPT = {"journal": {"keep_text": True, "keep_audio_days": 1}}


async def turns(house: House, *arguments: str) -> list[dict[str, Any]]:
    """Run `antiphon turns`; return the JSON objects that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "antiphon_link", "turns", *arguments),
        *("--state-dir", str(house.state_dir), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


async def test_a_spoken_turn_is_kept_heard_again_and_forgotten(tmp_path: Path) -> None:
    async with open_house(tmp_path, KEPT) as house:
        async with house.room(ROOM, engines=ENGINES) as room:
            ended = await a_turn_works(house, room)
        (shown,) = await turns(house, "show", ended.turn)
        assert shown["transcript"] == ended.transcript == "what time is it"
        assert shown["timings"] == ended.timings
        assert shown["marks"]["played"] > shown["marks"]["heard"] > 0
        (replay,) = await turns(house, "replay", ended.turn)
        assert replay["changed"] == []
        assert replay["now"] == replay["then"], "what was heard depends on the samples alone"
        assert [path.stat().st_mode & 0o777 for path in audio(house)] == [0o600]
    (listed,) = await turns(house, "list")
    assert listed["turn"] == ended.turn, "it is there with the hub stopped, too"
    async with open_house(tmp_path, WITHOUT_WORKER):
        await eventually(lambda: not audio(house))


def audio(house: House) -> list[Path]:
    return list((house.state_dir / FOLDER).glob("*"))
