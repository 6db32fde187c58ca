"""A satellite that speaks Opus to real programs: what it says is understood, and told to others."""

from pathlib import Path

import pytest

from antiphon_link.link import Link
from antiphon_protocol.ids import new_id
from antiphon_protocol.topics import SATELLITE_AUDIO, SATELLITE_OPUS
from antiphon_tools import speech
from tests.support.house import a_voice, open_house
from tests.support.waiting import eventually
from tests.support.worker_world import quiet

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]


async def test_a_command_that_travels_as_opus_is_understood_and_answered(tmp_path: Path) -> None:
    said = speech.say("turn on the kitchen light", a_voice())

    async with open_house(tmp_path) as house, house.facts() as facts:
        travelled: list[tuple[str, int]] = []
        link = Link(house.resolve, client_id=new_id("ear"))
        link.on(SATELLITE_OPUS, lambda one, _: travelled.append(("opus", one.samples)))
        link.on(SATELLITE_AUDIO, lambda one, _: travelled.append(("pcm", one.samples)))
        async with house.running(link), house.room("kitchen", "opus") as room:
            spoken = await room.speak(quiet(0.4) + said + quiet(3.0), press_button=True)
            assert spoken.reply, house.hub.log
            (ended,) = await eventually(lambda: facts.ended("kitchen"), 30.0)
        assert (ended.intent, ended.outcome) == ("HassTurnOn", "answered")
        assert {codec for codec, _ in travelled} == {"opus"}
        assert sum(samples for _, samples in travelled) > len(said) // 2
