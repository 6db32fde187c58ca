"""The test kit for skills, and what docs/skills.md and the example promise of it."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from antiphon_hub.errors import PluginError
from antiphon_hub.skills import (
    DeviceState,
    Expected,
    House,
    Interpretation,
    Question,
    Reply,
    Request,
)
from antiphon_hub.skills.kit import START, Rehearsal

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "coffee-skill"
PAGE = (ROOT / "docs" / "skills.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the page's listings in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def dice(tmp_path: Path) -> Path:
    """Have the page's first skill in a folder."""
    (tmp_path / "dice.py").write_text(blocks("python")[0])
    (tmp_path / "dice.yaml").write_text(blocks("yaml")[0])
    return tmp_path


def test_the_first_skill_of_the_page_works(dice: Path) -> None:
    with Rehearsal(dice, settings={"sides": 1}) as house:
        said = house.say("roll the dice", room="kitchen")
    assert (said.ok, said.text, said.intent) == (True, "You rolled a 1.", "RollDice")


def run_pytest(folder: Path, *arguments: str) -> str:
    """Run pytest as a skill's author would, in the skill's folder."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_pages_test_works_in_an_authors_own_pytest(dice: Path) -> None:
    (dice / "test_dice.py").write_text(blocks("python")[2])
    assert "1 passed" in run_pytest(dice)


@pytest.mark.slow
def test_the_examples_own_tests_pass() -> None:
    assert "4 passed" in run_pytest(EXAMPLE, "tests", "-c", "pyproject.toml")


class Kettle:
    """Boils in three minutes, and whistles by itself."""

    intents = frozenset({"HassGetWeather", "Boil"})

    def __init__(self, house: House) -> None:
        self.house = house

    def do(self, request: Request) -> Reply:
        return Reply(f"{request.intent} at {request.now:%H:%M:%S} in the {request.room}.")


def test_time_passes_only_when_it_is_told_to() -> None:
    with Rehearsal(Kettle, start=datetime(2026, 1, 1, 7, tzinfo=UTC)) as house:
        first = house.say("what's the weather", room="hall")
        assert first.text == "HassGetWeather at 07:00:00 in the hall."
        house.wait(3600)
        later = house.say("what's the weather", room="hall")
        assert later.text == "HassGetWeather at 08:00:00 in the hall."


def test_the_houses_own_skills_are_there_too() -> None:
    with Rehearsal(Kettle, states={"kitchen-light": DeviceState(on=False)}) as house:
        said = house.say("turn on the kitchen light", room="hall")
        assert said.devices == ("kitchen-light",)
        assert house.devices.states["kitchen-light"].on
        assert house.now == START


class Greedy(Kettle):
    """Takes out of the slots what it wants."""

    intents = frozenset({"HassClimateGetTemperature"})

    def do(self, request: Request) -> Reply:
        return Reply(str(request.slots.pop("area", "nothing left")))


def test_what_a_skill_does_to_its_slots_is_forgotten() -> None:
    with Rehearsal(Greedy) as house:
        said = [house.say("what is the temperature in the kitchen").text for _ in range(2)]
        assert said == ["kitchen", "kitchen"]


class Barista:
    """Asks back, with the question of the page."""

    intents = frozenset({"HassGetWeather", "Order"})

    def __init__(self, house: House) -> None:
        self.house = house

    async def do(self, request: Request) -> Reply:
        if request.intent == "Order":
            return Reply(f"One {request.slots['size']}.")
        names = {"Expected": Expected, "Interpretation": Interpretation, "Question": Question}
        code = blocks("python")[1].partition("\n\n")[2]
        return Reply("", question=eval(code, names))  # noqa: S307 - our own page


@pytest.mark.parametrize(
    ("answer", "text", "intent"),
    [
        ("a large one please", "One large.", "Order"),
        ("no thanks", "As you like.", ""),
        ("what day is it", "It's Wednesday.", "HassGetCurrentDate"),
    ],
)
def test_a_question_is_answered_by_the_next_sentence(answer: str, text: str, intent: str) -> None:
    with Rehearsal(Barista) as house:
        asked = house.say("what's the weather")
        assert asked.question == "A small or a large one?"
        said = house.say(answer)
        assert (said.text, said.intent, said.question) == (text, intent, "")


@pytest.mark.parametrize(
    ("text", "code"), [("colourless green ideas", "not-understood"), ("", "nothing")]
)
def test_what_is_not_understood_is_said(text: str, code: str) -> None:
    with Rehearsal(Kettle) as house:
        said = house.say(text)
    assert (said.ok, said.code, said.intent) == (False, code, "")
    assert said.text


def test_a_plug_in_that_would_be_left_out_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(PluginError, match="broken: ZeroDivisionError"):
        Rehearsal(tmp_path)


def test_what_the_page_says_of_failing_is_true() -> None:
    for words in ("Sorry, that did not work.", "Sorry, that took too long."):
        assert words in PAGE
