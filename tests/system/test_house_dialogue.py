"""A talk with a real house: question and answer without a wake word, and a call into a reply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.event import TurnEnded
from antiphon_satellite.machine import State
from antiphon_satellite.simulate import SimulatedRoom
from antiphon_tools.speech import command, say
from tests.support.house import Facts, House, a_voice, open_house
from tests.support.waiting import eventually
from tests.system.test_house_requests import request

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

HOME = """
rooms: [{name: hall}, {name: kitchen}]
devices:
  - {name: front door, room: hall, kind: lock}
  - {name: hall light, room: hall, kind: light}
"""
SATELLITE = "hall"
BREATH = bytes(SAMPLE_RATE_HZ // 2)
"""A quarter second: nobody answers in the same instant."""


@asynccontextmanager
async def hall(folder: Path) -> AsyncIterator[tuple[House, SimulatedRoom, Facts]]:
    """Have a house with a hall to speak in inside the block."""
    home = folder / "home.yaml"
    home.write_text(HOME)
    async with (
        open_house(folder, {"home": {"file": str(home)}}) as house,
        house.facts() as facts,
        house.room(SATELLITE, engines=("microwakeword",)) as room,
    ):
        yield house, room, facts


async def asked(room: SimulatedRoom, facts: Facts, text: str) -> TurnEnded:
    """Call with a command, and return the turn's end, which is a question."""
    async with asyncio.timeout(60):
        await room.say(command(text, a_voice()))
        (turn,) = await eventually(lambda: facts.ended(SATELLITE))
    assert turn.outcome == "answered", turn
    assert turn.reply.endswith("?"), turn
    return turn


@pytest.mark.parametrize(
    ("answer", "reply"),
    [("yes please", "The front door is unlocked."), ("no thanks", "Okay, I won't.")],
)
async def test_a_door_waits_for_a_spoken_yes(tmp_path: Path, answer: str, reply: str) -> None:
    async with hall(tmp_path) as (_, room, facts):
        turn = await asked(room, facts, "unlock the front door")
        assert turn.reply == "Shall I unlock the front door?"
        async with asyncio.timeout(60):
            await room.wait_until(lambda: room.state is State.LISTENING)
            await room.say(BREATH + say(answer, a_voice("rms")))  # awb's "yes" is a guess
            turns = await eventually(lambda: facts.ended(SATELLITE)[1:])
        assert (turns[0].reply, turns[0].outcome) == (reply, "answered"), turns[0]


async def test_silence_after_a_question_ends_it_quietly(tmp_path: Path) -> None:
    async with hall(tmp_path) as (_, room, facts):
        await asked(room, facts, "unlock the front door")
        async with asyncio.timeout(60):
            turns = await eventually(lambda: facts.ended(SATELLITE)[1:], 30)
            await room.wait_ready()
        assert (turns[0].outcome, turns[0].code) == ("cancelled", "nothing-said")
        assert [one.sound for one in room.sounds if one.sound.startswith("cue:f")] == []


async def test_a_call_into_a_reply_stops_it_and_is_answered(tmp_path: Path) -> None:
    async with hall(tmp_path) as (_, room, facts):
        async with asyncio.timeout(90):
            await room.say(command("what can i say", a_voice()))
            await room.wait_until(lambda: room.state is State.PLAYING)
            await room.say(command("turn on the hall light", a_voice()))
            turns = await eventually(
                lambda: len(facts.ended(SATELLITE)) == 2 and facts.ended(SATELLITE), 60
            )
        first, second = turns
        assert (first.outcome, first.code) == ("cancelled", "superseded"), first
        assert (second.outcome, second.reply) == ("answered", "The hall light is on."), second
        assert not next(one for one in room.sounds if not one.sound.startswith("cue")).drained


async def test_a_question_of_an_automation_is_asked_and_its_answer_returned(tmp_path: Path) -> None:
    question = {
        "text": "Shall I run the bath?",
        "room": "hall",
        "answers": [
            {"id": "bath", "sentences": ["yes please", "a hot bath"]},
            {"id": "shower", "sentences": ["no a shower [please]"]},
        ],
    }
    async with hall(tmp_path) as (house, room, facts):
        async with asyncio.timeout(90):
            asking = asyncio.create_task(request(house, "ask", question))
            await room.wait_until(lambda: room.state is State.LISTENING)
            await room.say(BREATH + say("no a shower please", a_voice()))
            answer = await asking
        assert (answer["ok"], answer["answer"]) == (True, "shower"), (answer, facts.events)
        assert answer["sentence"] == "no a shower please"
