"""What sounds alike, and which misheard names are put right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.names import name_home
from antiphon_hub.nlu.natural.mentions import LIKE_MIN, Misheard, exact
from antiphon_hub.nlu.natural.sounds import likeness, sounds

TEXT = st.text(alphabet="abcdefghijklmnopqrstuvwxyz '", max_size=20)
NAMES = dict(name_home(load_home(None)).devices.items())


def _alike(one: str, other: str) -> float:
    return likeness(sounds(one), sounds(other))


@given(TEXT)
def test_everything_sounds_like_itself(text: str) -> None:
    assert _alike(text, text) == (1.0 if sounds(text) else 0.0)


@given(TEXT, TEXT)
def test_likeness_has_no_direction_and_stays_in_range(one: str, other: str) -> None:
    assert 0 <= _alike(one, other) <= 1
    assert _alike(one, other) == pytest.approx(_alike(other, one))


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("kitchen right", "kitchen light"),
        ("reeding lamb", "reading lamp"),
        ("sealing fan", "ceiling fan"),
        ("bed side lamp", "bedside lamp"),
        ("heather", "heater"),
        ("counter like", "counter light"),
    ],
)
def test_what_recognisers_confuse_sounds_alike(heard: str, meant: str) -> None:
    assert _alike(heard, meant) >= LIKE_MIN


@pytest.mark.parametrize(
    ("one", "other"),
    [("weather", "heater"), ("mirror light", "hall light"), ("kitchen fan", "kitchen tv")],
)
def test_different_things_sound_different(one: str, other: str) -> None:
    assert _alike(one, other) < LIKE_MIN


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("turn on the kitchen right", "turn on the kitchen light"),
        ("switch off the reeding lamb please", "switch off the reading lamp please"),
        ("is the sealing fan on", "is the ceiling fan on"),
    ],
)
def test_a_misheard_name_is_put_right(said: str, right: str) -> None:
    found = Misheard(NAMES).corrected(said.split())
    assert found is not None
    assert " ".join(found[0]) == right


@pytest.mark.parametrize(
    "said",
    [
        "turn on the ceiling light",  # there is one of that name
        "turn on the bathroom light in the kitchen",
        "turn on the garage light",  # another room's light is no misheard one of ours
        "what is the weather like",
        "twenty two",
        "",
    ],
)
def test_what_was_not_misheard_stays(said: str) -> None:
    assert Misheard(NAMES).corrected(said.split()) is None


def test_names_in_a_sentence_are_found_longest_first() -> None:
    words = ["turn", "on", "the", "kitchen", "light", "and", "the", "fan"]
    found = exact(words, {"light", "kitchen", "kitchen light", "fan"})
    assert [(one.start, one.end, one.name) for one in found] == [
        (3, 5, "kitchen light"),
        (7, 8, "fan"),
    ]
