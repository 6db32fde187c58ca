"""The hub's figures, scraped from the real program."""

from pathlib import Path

import msgspec
import pytest

from antiphon_protocol.messages.ask import AskIntent
from antiphon_protocol.topics import ASK_INTENT
from tests.hub.test_metrics import scraped
from tests.support.house import WITHOUT_WORKER, open_house
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


async def test_prometheus_reads_a_running_hub(tmp_path: Path) -> None:
    settings = {**WITHOUT_WORKER, "metrics": {"listen": "127.0.0.1:0"}}
    async with open_house(tmp_path, settings) as house:
        address = msgspec.json.decode((house.state_dir / "hub.json").read_bytes())["metrics"]
        async with house.facts() as facts, house.link() as link:
            await link.send(ASK_INTENT, AskIntent(text="what time is it", room=""))
            await eventually(lambda: facts.ended(""))
        found = await scraped(address)
    assert found["antiphon_turns_total", (("code", ""), ("outcome", "answered"))] == 1
    assert found["antiphon_stage_seconds_count", (("stage", "understand"),)] == 1
    assert found["antiphon_part_events_total", (("event", "connects"), ("part", "link"))] == 1
    assert found["antiphon_workers", ()] == 0
    assert found["process_resident_memory_bytes", ()] > 1e7


async def test_nothing_listens_unless_asked(tmp_path: Path) -> None:
    async with open_house(tmp_path, WITHOUT_WORKER) as house:
        facts = msgspec.json.decode((house.state_dir / "hub.json").read_bytes())
    assert facts["metrics"] == ""
