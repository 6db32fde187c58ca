"""What the skill promises; run it with `pytest`."""

from pathlib import Path

import pytest
from antiphon_coffee import Coffee

from antiphon_hub.skills.kit import Rehearsal

HOME = """
rooms: [{name: kitchen}]
devices: [{id: coffee-machine, name: coffee machine, room: kitchen, kind: switch}]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    file = tmp_path / "home.yaml"
    file.write_text(HOME)
    return file


def test_a_cup_takes_its_time(home: Path) -> None:
    with Rehearsal(Coffee, home=home) as house:
        said = house.say("can I have a large coffee", room="kitchen")
        assert said.text == "One large coffee, coming up."
        assert house.devices.states["coffee-machine"].on
        assert house.say("is my coffee ready yet").text == "In 70 seconds."
        house.wait(70)
        assert house.say("is my coffee ready yet").text == "Yes, it is ready."


def test_a_house_without_a_machine_says_so() -> None:
    with Rehearsal(Coffee, settings={"machine": "percolator"}) as house:
        said = house.say("brew a coffee")
        assert (said.ok, said.code) == (False, "no-machine")


def test_nothing_was_ordered(home: Path) -> None:
    with Rehearsal(Coffee, home=home) as house:
        assert house.say("how long does my espresso take").text == "You did not order any."


def test_speech_to_text_listens_for_it(home: Path) -> None:
    with Rehearsal(Coffee, home=home) as house:
        assert "espresso" in house.grammar
