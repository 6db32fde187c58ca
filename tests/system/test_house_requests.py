"""What anybody can do with mosquitto_sub, mosquitto_pub and mosquitto_rr, as the README shows."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.house import WITHOUT_WORKER, House, open_house

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


async def request(house: House, verb: str, body: Mapping[str, Any] | str) -> dict[str, Any]:
    """Ask with mosquitto_rr and return the answer."""
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_rr", "-V", "5", "-h", house.broker.host, "-p", str(house.broker.port)),
        *("-q", "1", "-t", f"antiphon/1/ask/{verb}", "-e", "antiphon/1/answer/me", "-W", "10"),
        *("-m", body if isinstance(body, str) else json.dumps(body)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    answer: dict[str, Any] = json.loads(out)
    return answer


async def publish(house: House, topic: str, body: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_pub", "-V", "5", "-h", house.broker.host, "-p", str(house.broker.port)),
        *("-q", "1", "-t", topic, "-m", body),
    )
    assert await process.wait() == 0


@asynccontextmanager
async def subscribed(house: House, topic: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run mosquitto_sub inside the block; yields what it prints, from its subscription on."""
    process = await asyncio.create_subprocess_exec(
        *("stdbuf", "-oL", "mosquitto_sub", "-V", "5", "-d", "-q", "1", "-F", "> %t %p"),
        *("-h", house.broker.host, "-p", str(house.broker.port), "-t", topic),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(10):
            while not (await process.stdout.readline()).startswith(b"Subscribed"):
                pass
        yield process.stdout
    finally:
        process.terminate()
        await process.wait()


async def next_fact(lines: asyncio.StreamReader, kind: str) -> dict[str, Any]:
    """Return the next fact of a kind; what mosquitto_sub itself says is skipped."""
    async with asyncio.timeout(20):
        while True:
            line = (await lines.readline()).decode()
            topic, _, payload = line.removeprefix("> ").partition(" ")
            if topic == f"antiphon/1/event/{kind}":
                fact: dict[str, Any] = json.loads(payload)
                return fact


async def test_requests_and_facts_work_from_the_command_line(tmp_path: Path) -> None:
    async with (
        open_house(tmp_path, WITHOUT_WORKER) as house,
        subscribed(house, "antiphon/1/event/#") as facts,
    ):
        answer = await request(
            house, "intent", {"text": "turn on the kitchen light", "room": "hall"}
        )
        assert answer["ok"]
        assert answer["intent"] == "HassTurnOn"
        assert answer["reply"]
        changed = await next_fact(facts, "device-changed")
        assert (changed["room"], changed["state"]["on"]) == ("kitchen", True)
        ended = await next_fact(facts, "turn-ended")
        assert ended["turn"] == answer["turn"]
        assert ended["outcome"] == "answered"
        assert ended["transcript"] == "turn on the kitchen light"

        await publish(house, "antiphon/1/ask/intent", '{"text": "what time is it"}')
        assert (await next_fact(facts, "turn-ended"))["intent"] == "HassGetCurrentTime"

        nobody = await request(house, "say", {"text": "dinner is ready", "room": "garage"})
        assert not nobody["ok"]
        assert "garage" in nobody["error"]

        await publish(house, "antiphon/1/ask/intent", "no json")
        again = await request(house, "intent", {"text": "what time is it"})
        assert again["ok"]


async def test_a_device_state_is_retained(tmp_path: Path) -> None:
    async with open_house(tmp_path, WITHOUT_WORKER) as house:
        await request(house, "intent", {"text": "turn on the hall light"})
        async with subscribed(house, "antiphon/1/home/+/state") as lines, asyncio.timeout(10):
            line = b""
            while not line.startswith(b"> "):
                line = await lines.readline()
            _, topic, payload = line.decode().split(" ", 2)
            assert "hall-light" in topic
            assert json.loads(payload)["on"] is True
