"""The home model and its file: what it says, and every mistake in it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_hub.errors import HomeError
from antiphon_hub.home.model import EXAMPLE, Device, Floor, Home, Room, load_home
from antiphon_hub.home.spoken import number_words, spoken
from antiphon_protocol.ids import is_slug
from tests.support.examples import examples

GOOD = """
floors: [{name: Ground floor}]
rooms:
  - {name: Living room, aliases: [lounge], floor: ground floor}
  - {name: Hall}
devices:
  - {name: lamp, room: lounge, kind: light, dimmable: true, command_topic: zigbee2mqtt/lamp/set}
  - {name: lamp, room: Hall, kind: light}
  - {name: TV 2, room: living-room, kind: switch, id: tv}
pronunciations: {tv: T IY V IY}
"""


def _load(tmp_path: Path, text: str) -> Home:
    file = tmp_path / "home.yaml"
    file.write_text(text)
    return load_home(file)


def test_a_home_is_read(tmp_path: Path) -> None:
    home = _load(tmp_path, GOOD)
    assert home.floors == (Floor(id="ground-floor", name="Ground floor"),)
    assert home.rooms == (
        Room(id="living-room", name="Living room", aliases=("lounge",), floor="ground-floor"),
        Room(id="hall", name="Hall"),
    )
    assert home.devices == (
        Device(
            id="lounge-lamp",
            name="lamp",
            room="living-room",
            kind="light",
            dimmable=True,
            command_topic="zigbee2mqtt/lamp/set",
        ),
        Device(id="hall-lamp", name="lamp", room="hall", kind="light"),
        Device(id="tv", name="TV 2", room="living-room", kind="switch"),
    )
    assert home.pronunciations == {"tv": "T IY V IY"}


def test_rooms_are_found_by_any_name(tmp_path: Path) -> None:
    home = _load(tmp_path, GOOD)
    for called in ("living-room", "Living Room", "LOUNGE", "living  room"):
        assert home.room(called) == home.rooms[0]
    assert home.room("garage") is None
    assert home.room("") is None
    assert home.floor("ground floor") == home.floors[0]
    assert home.device("tv") == home.devices[2]
    assert home.device("lamp") is None
    assert home.room_of(home.devices[1]) == home.rooms[1]


def test_the_example_home_has_every_room() -> None:
    home = load_home(None)
    assert {room.name for room in home.rooms} == {
        *("kitchen", "living room", "bedroom", "bathroom", "hall", "office")
    }
    assert all(
        any(d.room == room.id and d.kind == "light" for d in home.devices) for room in home.rooms
    )
    assert load_home(EXAMPLE) == home


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: [", "line 1: no YAML"),
        ("- a", "is no home"),
        ("room: []", "line 1: room: no such section; known: floors, rooms, devices"),
        ("rooms: {name: hall}", "rooms: is no list"),
        ("rooms: [hall]", "line 1: rooms: Expected `object`, got `str`"),
        ("rooms: [{aliases: [hall]}]", "rooms: name is missing"),
        ("rooms: [{name: hall, colour: red}]", "unknown field `colour`"),
        ("rooms: [{name: ''}]", "rooms:"),
        ("rooms: [{name: '(hall)'}]", "line 1: rooms: '(hall)' cannot be said"),
        ("rooms: [{name: hall, id: 'A B'}]", "Expected `str` matching regex"),
        ("rooms: [{name: a}, {name: b, aliases: [A]}]", "the name 'a' is there twice"),
        ("rooms:\n  - name: a\n    floor: up", "line 2: room 'a': no floor 'up'; known: none"),
        ("devices: [{name: x, room: y, kind: light}]", "device 'x': no room 'y'; known: none"),
        ("rooms: [{name: y}]\ndevices: [{name: x, room: y, kind: lamp}]", "Invalid enum value"),
        ("rooms: [{name: y}]\ndevices: [{name: x, kind: light}]", "missing required field `room`"),
        (
            "rooms: [{name: y}]\ndevices: [{name: x, room: y, kind: switch, dimmable: true}]",
            "line 2: device 'x': a switch cannot be dimmable",
        ),
        (
            "rooms: [{name: y}]\ndevices: [{name: x, room: y, kind: fan, command_topic: 'a/#'}]",
            "command_topic may not hold wildcards",
        ),
        (
            "rooms: [{name: y}]\ndevices: [{name: tv, room: y, kind: media_player}]",
            "device 'tv': a media_player needs a command_topic",
        ),
        (
            """
            rooms: [{name: y}]
            devices: [{name: x, room: y, kind: fan}, {name: X, room: y, kind: fan}]
            """,
            "the name 'x in y' is there twice",
        ),
        ("pronunciations: {tv: TEE VEE}", "line 1: pronunciations: tv: TEE VEE is no"),
        ("pronunciations: [tv]", "pronunciations: is no table"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(HomeError) as caught:
        _load(tmp_path, text)
    assert any(wanted in mistake for mistake in caught.value.mistakes), caught.value.mistakes


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = "x: 1\nrooms: [{name: a, floor: b}, hall]\ndevices: [{name: c, room: d, kind: light}]"
    with pytest.raises(HomeError) as caught:
        _load(tmp_path, text)
    assert len(caught.value.mistakes) == 4


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match=r"none\.yaml.*\n.*cannot be read"):
        load_home(tmp_path / "none.yaml")


@settings(max_examples=examples(100), deadline=None)
@given(text=st.text(alphabet="ab:-[]{}'\"\n #&*!|>%@0,?", max_size=80))
def test_any_text_is_a_home_or_a_home_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    try:
        home = _load(tmp_path_factory.mktemp("home"), f"rooms:\n  - name: {text}")
    except HomeError:
        return
    assert all(is_slug(room.id) for room in home.rooms)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("TV 2", "tv two"),
        ("Café", "cafe"),
        ("Anna\u2019s room", "anna's room"),
        ("wash-room", "wash room"),
        ("Bed & Bath", "bed and bath"),
        ("lamp42", "lamp forty two"),
        ("007", "seven"),
        ("1234567890", "one two three four five six seven eight nine zero"),
        ("!?", ""),
    ],
)
def test_names_are_spoken_in_words(written: str, said: str) -> None:
    assert spoken(written) == said


@given(text=st.text(max_size=60))
def test_what_is_spoken_is_plain_and_stays(text: str) -> None:
    said = spoken(text)
    assert not any(char.isdecimal() for char in said)
    assert said == " ".join(said.split()) == spoken(said)


def test_numbers_have_no_hyphens() -> None:
    assert number_words(42) == "forty two"
