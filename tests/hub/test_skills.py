"""What is done and said, on devices that only remember."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter
from antiphon_hub.skills import FakeDevices, Reply, Request, Skill, Skills
from antiphon_hub.skills.calendar import date_words, ordinal_words
from antiphon_hub.skills.clock import time_words
from antiphon_hub.skills.wording import listed
from antiphon_protocol.messages.event import DeviceState
from tests.support.example_home import house

HOME = load_home(None)
NOW = datetime(2024, 2, 29, 15, 5)  # noqa: DTZ001 - the home's local time, as a clock shows it
ON, OFF = DeviceState(on=True), DeviceState(on=False)


async def _say(
    text: str, room: str, devices: FakeDevices, understood: Interpreter | None = None
) -> Reply:
    interpreter = understood or house()
    meaning = interpreter.interpret(text, room=room)
    assert isinstance(meaning, Interpretation), meaning
    return await Skills(HOME, devices, interpreter).do(_request(meaning, room))


def _request(meaning: Interpretation, room: str) -> Request:
    return Request.of(meaning, turn="turn-1", room=room, now=NOW)


@pytest.mark.parametrize(
    ("text", "room", "reply", "applied"),
    [
        ("turn on the light", "hall", "The hall light is on.", {"hall-light": ON}),
        (
            "turn on the lights",
            "kitchen",
            "The lights in the kitchen are on.",
            {"kitchen-light": ON, "counter-light": ON},
        ),
        ("turn off the lamp", "office", "The desk lamp is off.", {"desk-lamp": OFF}),
        (
            "turn off the ceiling light in the bedroom",
            "hall",
            "The ceiling light in the bedroom is off.",
            {"bedroom-ceiling-light": OFF},
        ),
        ("open the blinds", "hall", "The living room blinds are open.", {"living-room-blinds": ON}),
        (
            "close the blinds",
            "hall",
            "The living room blinds are closed.",
            {"living-room-blinds": OFF},
        ),
        (
            "set the lights to forty percent",
            "kitchen",
            "The kitchen light is at forty percent.",
            {"kitchen-light": DeviceState(on=True, brightness=40)},
        ),
        (
            "set the lights to zero percent",
            "kitchen",
            "The kitchen light is off.",
            {"kitchen-light": DeviceState(on=False, brightness=0)},
        ),
        (
            "dim the lights",
            "bedroom",
            "The lights in the bedroom are at eighty percent.",
            {
                "bedroom-ceiling-light": DeviceState(on=True, brightness=80),
                "bedside-lamp": DeviceState(on=True, brightness=80),
            },
        ),
    ],
)
async def test_devices_are_switched_and_it_is_said(
    text: str, room: str, reply: str, applied: dict[str, DeviceState]
) -> None:
    devices = FakeDevices()
    assert await _say(text, room, devices) == Reply(reply)
    assert devices.states == applied


async def test_all_lights_are_all_lights() -> None:
    devices = FakeDevices()
    assert (await _say("turn off all the lights", "hall", devices)).text == "All lights are off."
    lights = [one.id for one in HOME.devices if one.kind == "light"]
    assert [one for one, _state in devices.applied] == lights
    assert (await _say("turn on the upstairs lights", "hall", devices)).text == (
        "The upstairs lights are on."
    )


async def test_twice_is_once() -> None:
    devices = FakeDevices({"kitchen-light": DeviceState(on=True, brightness=30)})
    meaning = house().interpret("turn off the kitchen light", room="hall")
    assert isinstance(meaning, Interpretation)
    skills = Skills(HOME, devices, house())
    first = await skills.do(_request(meaning, "hall"))
    after = dict(devices.states)
    assert await skills.do(_request(meaning, "hall")) == first
    assert devices.states == after


async def test_a_light_comes_back_as_bright_as_it_was() -> None:
    devices = FakeDevices({"kitchen-light": DeviceState(on=False, brightness=30)})
    await _say("turn on the kitchen light", "kitchen", devices)
    assert devices.states["kitchen-light"] == DeviceState(on=True, brightness=30)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("dim the kitchen light", 50, 30),
        ("dim the kitchen light", 10, 1),
        ("brighten the kitchen light", 90, 100),
        ("brighten the kitchen light by five percent", 50, 55),
        ("turn down the lights", 50, 30),
    ],
)
async def test_steps_stay_between_one_and_hundred(text: str, before: int, after: int) -> None:
    devices = FakeDevices({"kitchen-light": DeviceState(on=True, brightness=before)})
    await _say(text, "kitchen", devices)
    assert devices.states["kitchen-light"] == DeviceState(on=True, brightness=after)


async def test_lights_that_differ_are_just_brighter() -> None:
    states = {
        "bedside-lamp": DeviceState(on=False),
        "bedroom-ceiling-light": DeviceState(on=True, brightness=50),
    }
    reply = await _say("brighten the lights", "bedroom", FakeDevices(states))
    assert reply.text == "The lights in the bedroom are brighter."


async def test_what_cannot_be_dimmed_says_so() -> None:
    devices = FakeDevices()
    reply = await _say("dim the hall light", "hall", devices)
    assert reply == Reply("The hall light can't be dimmed.", ok=False, code="not-dimmable")
    assert devices.applied == []


STATES = {
    "kitchen-light": DeviceState(on=True, brightness=40),
    "counter-light": OFF,
    "hall-light": ON,
    "coffee-machine": OFF,
    "living-room-blinds": ON,
}


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("is the kitchen light on", "Yes, the kitchen light is on at forty percent."),
        ("is the counter light on", "No, the counter light is off."),
        ("is the coffee machine off", "Yes, the coffee machine is off."),
        ("are the blinds open", "Yes, the living room blinds are open."),
        ("are the blinds closed", "No, the living room blinds are open."),
        ("are the lights on", "Yes, the kitchen light is on."),
        ("are any lights on", "Yes, the kitchen light and the hall light are on."),
        ("are all the lights on in the kitchen", "No, the counter light is not."),
        ("which lights are on in the kitchen", "The kitchen light is on."),
        ("how many lights are on in the kitchen", "One is on."),
        ("what is the state of the hall light", "The hall light is on."),
    ],
)
async def test_questions_are_answered(text: str, reply: str) -> None:
    assert await _say(text, "kitchen", FakeDevices(STATES)) == Reply(reply)


async def test_nothing_matches_and_everything_does() -> None:
    dark = FakeDevices({one.id: OFF for one in HOME.devices})
    assert (await _say("are any lights on", "hall", dark)).text == "No, none is on."
    assert (await _say("which lights are on", "hall", dark)).text == "None is on."
    assert (await _say("how many lights are on", "hall", dark)).text == "None is on."
    assert (await _say("are all the lights off", "hall", dark)).text == "Yes, all are off."


async def test_a_state_that_nobody_told_is_not_invented() -> None:
    reply = await _say("is the hall light on", "hall", FakeDevices())
    assert reply == Reply("I don't know how the hall light is.", ok=False, code="unknown-state")


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("what time is it", "It's three oh five in the afternoon."),
        ("what's the date", "It's Thursday, the twenty ninth of February."),
        ("what day is it", "It's Thursday."),
        ("never mind", "Okay."),
        (
            "what can i say",
            (
                "You can say: what time is it, or: turn on the light, or: set the lights to forty"
                " percent, or: turn on the coffee machine."
            ),
        ),
    ],
)
async def test_the_rest_is_said(text: str, reply: str) -> None:
    assert await _say(text, "kitchen", FakeDevices()) == Reply(reply)


async def test_what_help_says_works_in_each_room() -> None:
    for room in (*[room.name for room in HOME.rooms], "garage"):
        reply = await _say("help", room, FakeDevices())
        for example in reply.text.removeprefix("You can say: ").removesuffix(".").split(", or: "):
            assert isinstance(house().interpret(example, room=room), Interpretation), example


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (0, 0, "twelve o'clock at night"),
        (4, 59, "four fifty nine at night"),
        (5, 10, "five ten in the morning"),
        (12, 30, "twelve thirty in the afternoon"),
        (18, 1, "six oh one in the evening"),
        (23, 45, "eleven forty five at night"),
    ],
)
def test_times_in_words(hour: int, minute: int, words: str) -> None:
    assert time_words(NOW.replace(hour=hour, minute=minute)) == words


@given(now=st.datetimes())
def test_every_time_and_date_has_words(now: datetime) -> None:
    for words in (time_words(now), date_words(now)):
        assert not any(char.isdigit() for char in words)


def test_ordinals() -> None:
    wanted = {1: "first", 2: "second", 3: "third", 8: "eighth", 12: "twelfth", 20: "twentieth"}
    wanted |= {21: "twenty first", 30: "thirtieth", 31: "thirty first", 14: "fourteenth"}
    assert {number: ordinal_words(number) for number in wanted} == wanted


def test_lists_in_words() -> None:
    assert [listed(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        *("", "a", "a and b", "a, b and c")
    ]


async def test_an_owners_intent_is_answered_with_the_owners_words(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        """
intents:
  Order: {data: [{sentences: ["make me a {drink}"]}]}
  Wish: {data: [{sentences: ["i wish"]}]}
lists: {drink: {values: [tea, coffee]}}
responses: {intents: {Order: {default: "One {{ slots.drink }}."}}}
"""
    )
    theirs = Interpreter(HOME, [file])
    assert await _say("make me a tea", "hall", FakeDevices(), theirs) == Reply("One tea.")
    assert await _say("i wish", "hall", FakeDevices(), theirs) == Reply("Okay.")


class _Echo:
    intents = frozenset({"Echo"})

    async def do(self, request: Request) -> Reply:
        return Reply(str(request.slots["text"]))


async def test_a_skill_can_be_added() -> None:
    skills = Skills(HOME, FakeDevices(), house(), more=[_Echo()])
    request = _request(Interpretation("Echo", {"text": "hi"}, (), "hi"), "hall")
    assert await skills.do(request) == Reply("hi")


def _all_skills() -> dict[str, Skill]:
    return Skills(HOME, FakeDevices(), house())._skills


SLOTS = st.dictionaries(
    st.sampled_from(["brightness", "brightness_step", "state", "name", "area"]),
    st.one_of(st.integers(), st.text(max_size=5), st.floats(allow_nan=False), st.none()),
)


@pytest.mark.parametrize("intent", [*sorted(_all_skills()), "HassVacuumStart", ""])
@given(
    slots=SLOTS,
    devices=st.lists(st.sampled_from([*(one.id for one in HOME.devices), "gone"]), max_size=4),
    response=st.sampled_from(["default", "any", "all", "which", "how_many", "one_yesno", "x"]),
    room=st.sampled_from(["kitchen", "garage", ""]),
)
async def test_every_skill_replies_whatever_it_gets(
    intent: str, slots: dict[str, Any], devices: list[str], response: str, room: str
) -> None:
    port = FakeDevices(STATES)
    reply = await Skills(HOME, port, house()).do(
        _request(Interpretation(intent, slots, tuple(devices), "", response), room)
    )
    assert reply.text or intent == "AntiphonStop"  # who says stop wants quiet
    assert reply.ok == (reply.code == "")
    assert {one for one, _state in port.applied} <= set(devices)
