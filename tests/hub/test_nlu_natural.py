"""Natural wording: what the model, the names and the slots make of sentences no template has."""

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_hub.errors import ModelFileError
from antiphon_hub.home.model import Device, Home, Kind, Room, load_home
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter, NotUnderstood
from antiphon_hub.nlu.natural import slots
from antiphon_hub.nlu.natural.model import OUT, Arrays, Header, read_model, write_model
from antiphon_hub.nlu.natural.numbers import color, direction, duration, level, numbers
from antiphon_hub.nlu.natural.stage import model_of
from antiphon_hub.nlu.natural.words import BUCKETS, features, tokens
from tests.support.example_home import house
from tests.support.examples import examples

MODEL = model_of("en")


@pytest.mark.parametrize(
    ("text", "intent", "devices"),
    [
        ("turn on the kitchen right", "HassTurnOn", ["kitchen-light"]),
        ("turn off the reeding lamb", "HassTurnOff", ["reading-lamp"]),
        (
            "make the living room blue",
            "HassLightSet",
            ["living-room-ceiling-light", "reading-lamp"],
        ),
        ("i would really like to listen to some jazz", "HassMediaSearchAndPlay", []),
        ("what's the weather going to be like tomorrow", "HassGetWeather", []),
        ("lower your volume please", "HassSetVolumeRelative", []),
        ("i'm out of soap so will you put that on my list", "HassShoppingListAddItem", []),
        ("please set a timer to go off in ten minutes", "HassStartTimer", []),
    ],
)
def test_natural_wording_is_understood(text: str, intent: str, devices: list[str]) -> None:
    found = house().interpret(text, room="kitchen")
    assert isinstance(found, Interpretation)
    assert (found.intent, list(found.devices)) == (intent, devices)
    assert found.stage in ("misheard", "natural", "template")
    assert 0.8 < found.confidence <= 1


@pytest.mark.parametrize(
    "text",
    [
        "who was the first president of france",
        "tell my wife that i love her",
        "how do you say good morning in spanish",
        "the cat sat on the mat",
        "i told him that we should go home early",
        "transfer fifty dollars to my savings account",
    ],
)
def test_what_is_no_command_is_not_taken(text: str) -> None:
    found = house().interpret(text, room="kitchen")
    assert isinstance(found, NotUnderstood)
    assert found.code == "not-understood"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("could you turn off the closet light for me", "closet light"),
        ("make it a touch less bright in the attic", "attic"),
    ],
)
def test_what_the_home_lacks_is_named(text: str, said: str) -> None:
    found = house().interpret(text, room="kitchen")
    assert isinstance(found, NotUnderstood)
    assert (found.code, bool(found.intent)) == ("unknown-name", True)
    assert said in found.say


def test_natural_alarms_are_asked_about_first() -> None:
    found = house().interpret("hey could you wake me up at seven", room="bedroom")
    if isinstance(found, Interpretation):
        assert found.stage == "template"
    else:
        assert found.code == "unsure"
        assert found.options[0].meaning.intent == "AntiphonSetAlarm"


def test_templates_come_first_and_can_be_all_there_is() -> None:
    for text in ("turn on the light", "what time is it"):
        found = house().interpret(text, room="kitchen")
        assert isinstance(found, Interpretation)
        assert (found.stage, found.confidence) == ("template", 1.0)
    templates_alone = Interpreter(load_home(None), natural=False)
    assert isinstance(
        templates_alone.interpret("turn on the kitchen right", room="kitchen"), NotUnderstood
    )


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_device_can_be_named(kind: Kind) -> None:
    home = Home((Room(id="den", name="den"),), (Device(id="x", name="rex", room="den", kind=kind),))
    found = Interpreter(home).interpret("hey would somebody maybe see to rex for me", room="den")
    assert isinstance(found, Interpretation | NotUnderstood)


def test_a_home_without_devices_understands_all_the_same() -> None:
    home = Home((Room(id="den", name="den"),), (Device(id="x", name="x", room="den", kind="fan"),))
    found = Interpreter(home).interpret("would you please brighten the lamps", room="den")
    assert isinstance(found, NotUnderstood)
    assert found.code in ("unknown-name", "unsure")


@given(
    st.lists(
        st.sampled_from(
            ["turn", "the", "light", "40", "what's", "don't", "#", "on", "kitchen", "é", "?"]
        )
    )
)
@settings(max_examples=examples(60), deadline=None)
def test_shares_are_probabilities(words: list[str]) -> None:
    assert MODEL is not None
    shares = MODEL.shares(" ".join(words))
    assert sum(shares.values()) == pytest.approx(1)
    assert set(shares) == set(MODEL.intents)


def test_nothing_is_no_command() -> None:
    assert MODEL is not None
    assert MODEL.shares("?!")[OUT] == 1


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("What's the time?", ["what", "'s", "the", "time"]),
        ("Hey Alexa turn it up", ["turn", "it", "up"]),
        ("set 40 percent", ["set", "#", "percent"]),
        ("twenty two degrees", ["#", "degrees"]),
        ("I don't care", ["i", "do", "n't", "care"]),
    ],
)
def test_tokens(text: str, seen: list[str]) -> None:
    assert tokens(text) == seen


@given(st.lists(st.text(alphabet="abc'#", min_size=1, max_size=8), max_size=30))
def test_features_are_buckets_each_once(words: list[str]) -> None:
    found = features(words)
    assert found == sorted(set(found))
    assert all(0 <= one < BUCKETS for one in found)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("forty two percent", [42]),
        ("two hundred and five", [205]),
        ("from 20 to thirty", [20, 30]),
        ("nineteen ninety", [19, 90]),
        ("no number", []),
    ],
)
def test_numbers(text: str, values: list[int]) -> None:
    assert [one.value for one in numbers(text.split())] == values


def test_levels_directions_and_colours() -> None:
    assert level(["at", "half", "brightness"]) == 50
    assert level(["level", "4", "please"]) == 4
    assert level(["bright"]) is None
    assert direction(["it", "is", "too", "bright", "in", "here"]) == -1
    assert direction(["a", "little", "louder"]) == 1
    assert direction(["please"]) == 0
    assert color(["from", "red", "to", "blue"]) == "blue"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ten minutes", {"minutes": 10}),
        ("one hour and thirty seconds", {"hours": 1, "seconds": 30}),
        ("an hour and a half", {"hours": 1, "minutes": 30}),
        ("half an hour", {"minutes": 30}),
        ("a 45-second timer", {"seconds": 45}),
        ("soon", {}),
    ],
)
def test_durations(text: str, parts: dict[str, int]) -> None:
    assert duration(text.split()) == parts


@pytest.mark.parametrize(
    ("intent", "text", "found"),
    [
        ("HassLightSet", "dim it to forty percent", {"brightness": 40}),
        ("HassLightSet", "make it darker", {"brightness_step": -20}),
        ("HassLightSet", "brighten it by ten percent", {"brightness_step": 10}),
        ("HassLightSet", "turn them red", {"color": "red"}),
        ("HassSetVolumeRelative", "turn it down", {"volume_step": "down"}),
        ("HassListAddItem", "add milk to my shopping list", {"item": "milk", "name": "shopping"}),
        ("HassListAddItem", "i'm out of soap so put that on my list", {"item": "soap"}),
        ("HassListRemoveItem", "take the milk off the list", {"item": "milk"}),
        (
            "HassListAddItem",
            "add soap to my list of things to do",
            {"item": "soap", "name": "to do"},
        ),
        ("HassListAddItem", "put soap on my list of errands", {"item": "soap", "name": "errands"}),
        ("HassMediaSearchAndPlay", "please play some jazz", {"search_query": "jazz"}),
        ("HassGetCurrentTime", "what time is it in london", {"place": "london"}),
        ("HassGetCurrentTime", "what time is it now", {}),
        ("HassGetState", "is it still on", {"state": "on"}),
        ("HassMediaPause", "pause it", {}),
        ("AntiphonSetAlarm", "get me up at six thirty am", {"hour": 6, "minute": 30, "part": "am"}),
        (
            "AntiphonSetAlarm",
            "i must be up by noon tomorrow",
            {"named": "12:00", "day": "tomorrow"},
        ),
    ],
)
def test_slots(intent: str, text: str, found: dict[str, Any]) -> None:
    assert slots.read(intent, text.split()) == found


def test_a_model_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    header = Header("en", (OUT, "HassTurnOn"), 2, 1, 1, 1, BUCKETS, 0.5, 0.25)
    dense = b"\0" * 4 * (3 * 2 + 1 + 2 + 1 + 2 * 2 + 2)
    arrays = Arrays(["light"], b"\1\2", b"\0" * (2 * BUCKETS), dense)
    path = tmp_path / "en.meaning"
    write_model(path, header, arrays)
    model = read_model(path)
    assert model.header == header
    assert model.shares("light") == {OUT: 0.5, "HassTurnOn": 0.5}


@pytest.mark.parametrize("length", [0, 10, 30, 200])
def test_a_damaged_model_is_refused(tmp_path: Path, length: int) -> None:
    header = Header("en", (OUT,), 1, 1, 1, 1, BUCKETS, 1, 1)
    path = tmp_path / "en.meaning"
    write_model(path, header, Arrays(["a"], b"\1", b"\0" * BUCKETS, b"\0" * 40))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ModelFileError, match=r"en\.meaning"):
        read_model(path)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_model(tmp_path / "none.meaning")
