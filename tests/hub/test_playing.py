"""Players: who is told what, what is said, and that it can be spoken where something plays."""

from datetime import datetime

import pytest

from antiphon_engines.grammar import compile_grammar
from antiphon_hub.home.model import Device, Home, Room, load_home
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter
from antiphon_hub.skills import FakeDevices, Reply, Request, Skills

NOW = datetime(2024, 2, 29, 15, 5)  # noqa: DTZ001 - the home's local time
ROOMS = tuple(Room(id=one, name=one) for one in ("kitchen", "lounge", "office", "hall"))


def player(name: str, room: str) -> Device:
    return Device(
        id=name.replace(" ", "-"),
        name=name,
        room=room,
        kind="media_player",
        command_topic=f"{room}/play",
    )


RADIO, STEREO, TV = player("radio", "kitchen"), player("stereo", "lounge"), player("tv", "lounge")


async def said(text: str, room: str, *players: Device) -> tuple[Reply, FakeDevices]:
    home, devices = Home(ROOMS, players), FakeDevices()
    interpreter = Interpreter(home)
    meaning = interpreter.interpret(text, room=room)
    assert isinstance(meaning, Interpretation), meaning
    request = Request.of(meaning, turn="turn-1", room=room, now=NOW)
    return await Skills(home, devices, interpreter).do(request), devices


@pytest.mark.parametrize(
    ("text", "room", "told"),
    [
        ("pause", "kitchen", [("radio", "pause")]),
        ("stop the music", "kitchen", [("radio", "pause")]),
        ("resume", "kitchen", [("radio", "play")]),
        ("next song", "lounge", [("stereo", "next"), ("tv", "next")]),
        ("skip this one", "kitchen", [("radio", "next")]),
        ("pause the tv", "kitchen", [("tv", "pause")]),
        ("pause the music in the lounge", "kitchen", [("stereo", "pause"), ("tv", "pause")]),
        ("play the last song again", "kitchen", [("radio", "previous")]),
    ],
)
async def test_the_players_meant_are_told(
    text: str, room: str, told: list[tuple[str, str]]
) -> None:
    reply, devices = await said(text, room, RADIO, STEREO, TV)
    assert devices.told == told
    assert reply.ok
    assert not devices.applied


async def test_the_only_room_that_plays_is_meant_from_elsewhere() -> None:
    reply, devices = await said("pause", "hall", STEREO, TV)
    assert devices.told == [("stereo", "pause"), ("tv", "pause")]
    assert reply.text == "Paused."


@pytest.mark.parametrize(
    ("text", "players", "answer"),
    [
        ("pause", (), "Sorry, I know of nothing that plays here."),
        (
            "pause",
            (RADIO, TV),
            "Sorry, nothing plays in the hall, only in the kitchen and in the lounge.",
        ),
        (
            "pause the music in the office",
            (TV,),
            "Sorry, nothing plays in the office, only in the lounge.",
        ),
    ],
)
async def test_where_nothing_plays_it_says_so(
    text: str, players: tuple[Device, ...], answer: str
) -> None:
    reply, devices = await said(text, "hall", *players)
    assert (reply.text, reply.code) == (answer, "no-device")
    assert not devices.told


async def test_a_player_is_switched_like_anything_else() -> None:
    reply, devices = await said("turn off the tv", "lounge", TV)
    assert reply.text == "The tv is off."
    assert devices.applied[0][0] == "tv"
    assert not devices.told


def test_it_can_be_spoken_only_where_something_plays() -> None:
    lamp = Device(id="lamp", name="lamp", room="kitchen", kind="light")
    quiet, loud = (
        compile_grammar(recognition_context(Interpreter(Home(ROOMS, devices))).grammar)
        for devices in ((lamp,), (lamp, TV))
    )
    for text in ("pause", "resume", "next song", "pause the tv", "stop the music", "skip"):
        assert loud.accepts(text.split()), text
        assert not quiet.accepts(text.split()), text
    assert not loud.accepts(["pause", "the", "lamp"])
    assert not loud.accepts(["pause", "the", "music", "in", "the", "kitchen"])


def test_the_example_home_has_a_player() -> None:
    assert any(one.kind == "media_player" for one in load_home(None).devices)
