"""Two commands in one sentence, and sentences that may mean several things."""

import pytest

from antiphon_hub.home.model import Device, Home, Room
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter, NotUnderstood
from tests.support.example_home import house


def _deeds(text: str, room: str = "living room") -> list[tuple[str, tuple[str, ...]]]:
    found = house().interpret_all(text, room=room)
    return [(one.intent, one.devices) for one in found if isinstance(one, Interpretation)]


@pytest.mark.parametrize(
    ("text", "deeds"),
    [
        (
            "turn off the lamp and open the blinds",
            [("HassTurnOff", ("reading-lamp",)), ("HassTurnOn", ("living-room-blinds",))],
        ),
        (
            "turn off the lamp and the television",
            [("HassTurnOff", ("reading-lamp",)), ("HassTurnOff", ("television",))],
        ),
        (
            "close the blinds, then what time is it",
            [("HassTurnOff", ("living-room-blinds",)), ("HassGetCurrentTime", ())],
        ),
        ("turn on the lamp", [("HassTurnOn", ("reading-lamp",))]),
        ("turn off the lamp and feed the cat", []),
        ("feed the cat and turn off the lamp", []),
        ("turn off the lamp and", []),
        ("turn on the lamp never mind", [("HassNevermind", ())]),
    ],
)
def test_a_sentence_is_taken_apart_where_both_halves_mean_something(
    text: str, deeds: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert _deeds(text) == deeds


def test_a_name_with_and_in_it_is_one_name() -> None:
    room = Room(id="den", name="den")
    both = Device(id="both", name="salt and pepper", room="den", kind="light")
    found = Interpreter(Home((room,), (both,))).interpret_all("turn on salt and pepper", room="den")
    assert [getattr(one, "devices", None) for one in found] == [("both",)]


def _den() -> Interpreter:
    room = Room(id="den", name="den")
    lamps = [
        Device(id=f"{kind}-lamp", name=f"{kind} lamp", room="den", kind="light")
        for kind in ("reading", "desk")
    ]
    return Interpreter(Home((room,), tuple(lamps)))


def test_one_of_two_lamps_is_asked_for_by_name() -> None:
    found = _den().interpret("turn on the lamp", room="den")
    assert isinstance(found, NotUnderstood)
    assert (found.code, found.say) == (
        "ambiguous",
        "Which lamp, the reading lamp or the desk lamp?",
    )
    assert [(one.names[0], one.meaning.devices) for one in found.options] == [
        ("reading lamp", ("reading-lamp",)),
        ("desk lamp", ("desk-lamp",)),
    ]


def test_all_lamps_are_all() -> None:
    found = _den().interpret("turn on the lamps", room="den")
    assert isinstance(found, Interpretation)
    assert len(found.devices) == 2


def test_one_of_two_rooms_is_asked_for_by_room() -> None:
    found = house().interpret("turn on the ceiling light", room="garage")
    assert isinstance(found, NotUnderstood)
    assert found.say == "Which ceiling light, in the living room or in the bedroom?"
    assert [(one.names, one.meaning.slots["area"]) for one in found.options] == [
        (("living room", "lounge"), "living room"),
        (("bedroom",), "bedroom"),
    ]


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("no, the bedroom", "AntiphonCorrect", {"area": "bedroom"}),
        ("no I meant upstairs", "AntiphonCorrect", {"floor": "upstairs"}),
        ("sorry, thirty percent", "AntiphonCorrect", {"brightness": 30}),
        ("say that again", "AntiphonRepeat", {}),
        ("stop", "AntiphonStop", {}),
    ],
)
def test_what_is_said_about_the_talk_itself(
    text: str, intent: str, slots: dict[str, object]
) -> None:
    found = house().interpret(text, room="living room")
    assert isinstance(found, Interpretation)
    assert (found.intent, found.slots) == (intent, slots)
