"""When a sure guess is asked about, when a template of any words is believed, and what it costs."""

import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.home.model import Device, Home, Room, load_home
from antiphon_hub.nlu.expressions import STEPS_MAX
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter, NotUnderstood
from antiphon_hub.nlu.natural.cues import CUES, doubtful
from antiphon_hub.nlu.natural.mentions import NEAR_MAX, Misheard
from antiphon_hub.skills import FakeDevices, Request, Skills
from tests.support.example_home import house

WORDS = st.lists(
    st.sampled_from(
        [
            "the",
            "radio",
            "weather",
            "is",
            "sunny",
            "play",
            "with",
            "me",
            "what",
            "alarms",
            "do",
            "i",
            "have",
            "on",
            "where",
        ]
    )
    | st.text("abc", min_size=1, max_size=4),
    max_size=12,
)


@pytest.mark.parametrize(
    ("intent", "plain", "doubted"),
    [
        ("HassMediaSearchAndPlay", "play some old jazz", "play the radio station i like"),
        ("HassMediaSearchAndPlay", "i would love to hear some jazz", "i love jazz"),
        ("HassMediaSearchAndPlay", "put some music on", "put that tune in my running mix"),
        ("HassMediaSearchAndPlay", "play checkered tunes", "play checkers with me"),
        ("HassMediaNext", "go to the next one", "go to the next chapter"),
        ("HassMediaPrevious", "the song before that one", "what was the song before called"),
        ("HassSetVolumeRelative", "speak up a bit", "speak faster"),
        ("HassGetCurrentTime", "time in rome", "how many hours between rome and tokyo"),
        ("HassGetCurrentDate", "which day is it", "how was your day"),
        ("HassGetWeather", "is it snowing", "the weather was dreadful"),
        ("HassGetState", "is the oven on", "is the oven new"),
        ("HassGetState", "are the blinds open", "where are the blinds"),
        ("HassListAddItem", "note down some soap", "remind me of the soap"),
        ("HassListAddItem", "is there soap on it, if not add some", "did i remember to add soap"),
        ("HassTurnOn", "why don't you turn it on", "how do i turn it on"),
        ("HassLightSet", "what about a red light", "what bugs does a red light attract"),
        ("HassTimerStatus", "how long is left", "how do i pause a timer"),
        ("HassGetCurrentTime", "time in rome", "if it is two here what time is it in rome"),
        ("AntiphonAlarmStatus", "do i have any alarms set", "is my tennis alarm set"),
    ],
)
def test_words_that_tell_of_something_else(intent: str, plain: str, doubted: str) -> None:
    assert not doubtful(intent, plain.split())
    assert doubtful(intent, doubted.split())


@given(st.sampled_from(sorted(CUES)), WORDS, WORDS)
def test_a_word_that_makes_doubtful_does_so_anywhere(
    intent: str, before: list[str], after: list[str]
) -> None:
    for word in sorted(CUES[intent].holds)[:3]:
        assert doubtful(intent, [*before, word, *after])


@given(WORDS)
def test_intents_without_cues_are_never_doubted(words: list[str]) -> None:
    assert not doubtful("HassClimateGetTemperature", words)


@pytest.mark.parametrize(
    "text",
    ["what alarms do i have for the weekend", "the weather is lovely today", "play some radio"],
)
def test_what_is_doubtful_is_asked_and_not_done(text: str) -> None:
    found = house().interpret(text, room="kitchen")
    assert isinstance(found, NotUnderstood)
    assert found.code in ("unsure", "not-understood")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("play the unheard of in the kitchen", "HassMediaSearchAndPlay"),
        ("turn off the lights in 5 minutes", "HassStartTimer"),
        ("in two hours turn on the kitchen light", "HassStartTimer"),
    ],
)
def test_a_slot_of_known_words_makes_a_template_of_any_words_sure(text: str, intent: str) -> None:
    found = house().interpret(text, room="kitchen")
    assert isinstance(found, Interpretation)
    assert found.intent == intent


@pytest.mark.parametrize(
    "text", ["have a cab at my door in fifteen minutes", "my plane leaves in two hours"]
)
def test_what_is_no_command_is_none_later_either(text: str) -> None:
    assert not isinstance(house().interpret(text, room="kitchen"), Interpretation)


def test_a_thing_of_the_home_speaks_for_a_command() -> None:
    home = Home(
        (Room(id="den", name="den"),),
        (Device(id="s", name="stealth mode", room="den", kind="switch"),),
    )
    found = Interpreter(home).interpret("run stealth mode script", room="den")
    assert isinstance(found, Interpretation)
    assert (found.intent, found.devices) == ("HassTurnOn", ("s",))


@pytest.mark.parametrize(
    ("text", "taken_back"),
    [
        ("turn on the light no cancel that", True),
        ("turn on the light, cancel it", True),
        ("set a timer for five minutes never mind", True),
        ("i no longer need the table at the inn please cancel it", False),
        ("how would i cancel it", False),
    ],
)
def test_only_a_command_can_be_cancelled_at_its_end(text: str, taken_back: bool) -> None:
    found = house().interpret(text, room="kitchen")
    intent = found.intent if isinstance(found, Interpretation) else ""
    assert (intent == "HassNevermind") is taken_back


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("delete sweep the yard in my chores list", "HassListRemoveItem", "chores"),
        ("complete sweep the yard on my chores list", "HassListCompleteItem", "chores"),
        ("delete apples in my shopping list", "HassShoppingListCompleteItem", None),
        ("complete apples on my shopping list", "HassShoppingListCompleteItem", None),
    ],
)
def test_lists_are_cleared_of_things(text: str, intent: str, slots: str | None) -> None:
    found = house().interpret(text, room="kitchen")
    assert isinstance(found, Interpretation)
    assert (found.intent, found.slots.get("name")) == (intent, slots)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("are you always listening", "No. I wait for the wake word"),
        ("where does my data go", "Nowhere."),
    ],
)
async def test_the_house_says_when_it_listens(text: str, reply: str) -> None:
    meaning = house().interpret(text, room="kitchen")
    assert isinstance(meaning, Interpretation)
    now = datetime(2024, 2, 29, 15, 5)  # noqa: DTZ001 - the home's local time
    request = Request.of(meaning, turn="turn-1", room="kitchen", now=now)
    said = await Skills(load_home(None), FakeDevices(), house()).do(request)
    assert said.text.startswith(reply)


def test_a_sentence_has_one_budget_of_work() -> None:
    hostile = ["and turn on the light " * 10, "all the the the lights and all the fans on " * 5]
    for text in hostile:
        house().interpret_all(text, room="kitchen")
        assert house()._meter.left >= -1
        assert house()._meter.left < STEPS_MAX


def test_many_names_that_share_a_word_cost_no_more_than_few() -> None:
    names = {f"n{'aeiou'[at % 5]}{at} window light": at for at in range(3000)}
    misheard = Misheard(names)
    assert len(misheard._near(["dusty", "window", "light"], "dUstywindolYt")) <= NEAR_MAX
    began = time.thread_time()
    misheard.corrected(
        ["please", "turn", "on", "the", "dusty", "window", "light", "and", "the", "other", "light"]
    )
    assert time.thread_time() - began < 2
