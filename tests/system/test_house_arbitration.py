"""Two satellites hear one call, in the real house: one answers, the other stays silent."""

import asyncio
import random
from array import array
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from antiphon_ears.wake.fake import marker
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.event import TurnStarted
from antiphon_satellite.levels import amplified
from antiphon_satellite.machine import State
from antiphon_tools import speech
from tests.support.house import a_voice, open_house
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(120)]

COMMAND = "turn on the kitchen light"
ENGINES = {"workers": {"stt": ["fake"], "tts": ["fake"], "options": {"fake": {"text": COMMAND}}}}
THROUGH_THE_DOOR_DB = -14.0


def noise(seconds: float, seed: int) -> bytes:
    dice = random.Random(seed)
    count = int(seconds * SAMPLE_RATE_HZ)
    return array("h", [round(dice.gauss(0, 20)) for _ in range(count)]).tobytes()


def spoken(seed: int, gain_db: float = 0.0) -> bytes:
    """A quiet moment, the call and the command, and quiet behind it, as one room hears them."""
    said = marker() + speech.say(COMMAND, a_voice())
    return noise(0.4, seed) + amplified(said, gain_db) + noise(8.0, seed)


@pytest.mark.parametrize("nearer", ["kitchen", "hall"])
async def test_the_nearer_one_answers_and_the_other_stays_silent(
    tmp_path: Path, nearer: str
) -> None:
    async with (
        open_house(tmp_path, ENGINES) as house,
        house.room("kitchen", engines=("fake",)) as kitchen,
        house.room("hall", engines=("fake",)) as hall,
        house.facts() as facts,
    ):
        near, far = (kitchen, hall) if nearer == "kitchen" else (hall, kitchen)
        async with asyncio.timeout(90), asyncio.TaskGroup() as group:
            group.create_task(far.say(spoken(1, THROUGH_THE_DOOR_DB)))
            talking = group.create_task(near.speak(spoken(2)))
            await far.wait_until(lambda: far.state is State.STANDING_BY)
        said = talking.result()
        assert said.reply_complete
        (end,) = await eventually(lambda: facts.ended(nearer))
        assert (end.outcome, end.turn) == ("answered", said.turn)
        table = end.trace["arbitration"]
        assert [row["satellite"] for row in table] == [nearer, far_name(nearer)]
        assert table[0]["score_db"] > table[1]["score_db"] + 6
        assert far.sounds == ()
        assert [one.room for one in facts.events if isinstance(one, TurnStarted)] == [nearer]


async def test_the_other_takes_over_when_the_nearer_one_goes_in_mid_sentence(
    tmp_path: Path,
) -> None:
    async with (
        open_house(tmp_path, ENGINES) as house,
        house.room("hall", engines=("fake",)) as hall,
        house.facts() as facts,
        AsyncExitStack() as until_lost,
    ):
        kitchen = await until_lost.enter_async_context(house.room("kitchen", engines=("fake",)))
        async with asyncio.timeout(90), asyncio.TaskGroup() as group:
            lost = group.create_task(kitchen.say(spoken(2)))
            talking = group.create_task(hall.speak(spoken(1, THROUGH_THE_DOOR_DB)))
            await kitchen.wait_until(lambda: kitchen.state is State.LISTENING)
            await hall.wait_until(lambda: hall.state is State.STANDING_BY)
            lost.cancel()
            await until_lost.aclose()
        said = talking.result()
        assert said.reply_complete
        (end,) = await eventually(lambda: facts.ended("hall"))
        assert (end.outcome, end.transcript) == ("answered", COMMAND)
        (gone,) = await eventually(lambda: facts.ended("kitchen"))
        assert (gone.outcome, gone.code) == ("cancelled", "satellite-lost")
        assert msgspec.json.encode(facts.events).count(b'"device-changed"') == 1


def far_name(nearer: str) -> str:
    return "hall" if nearer == "kitchen" else "kitchen"
