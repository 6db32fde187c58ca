"""`antiphon understand`: one JSON object, exit code 0 only when it was understood."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from antiphon_tools.commands.understand import app


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_command_is_explained() -> None:
    result = _run("turn on the light", "--room", "kitchen", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found.pop("ms") >= 0
    assert found == {
        "text": "turn on the light",
        "room": "kitchen",
        "intent": "HassTurnOn",
        "slots": {"domain": "light", "area": "kitchen"},
        "devices": ["kitchen-light", "counter-light"],
        "reply": "The lights in the kitchen are on.",
        "stage": "template",
        "confidence": 1.0,
    }


def test_what_is_not_understood_says_why() -> None:
    result = _run("colourless green ideas", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == "not-understood"


def test_without_json_it_is_a_table() -> None:
    result = _run("is the hall light on", "--room", "hall")
    assert result.exit_code == 0
    assert "No, the hall light is off." in result.stdout


def test_own_files_are_used(tmp_path: Path) -> None:
    home, sentences = tmp_path / "home.yaml", tmp_path / "own.yaml"
    home.write_text("rooms: [{name: den}]\ndevices: [{name: lava lamp, room: den, kind: light}]")
    sentences.write_text('intents: {HassTurnOn: {data: [{sentences: ["erupt {name}"]}]}}')
    options = ("--room", "den", "--home", str(home), "--sentences", str(sentences), "--json")
    found = json.loads(_run("erupt lava lamp", *options).stdout)
    assert (found["devices"], found["reply"]) == (["lava-lamp"], "The lava lamp is on.")


@pytest.mark.parametrize("option", ["--home", "--sentences"])
@pytest.mark.parametrize("text", ["a: [", "nonsense: 1", None])
def test_a_bad_file_is_an_error_without_a_traceback(
    tmp_path: Path, option: str, text: str | None
) -> None:
    file = tmp_path / "bad.yaml"
    if text is not None:
        file.write_text(text)
    result = _run("turn on the light", option, str(file), "--json")
    assert result.exit_code == 1
    assert str(file) in result.stderr
    assert "Traceback" not in result.output


def test_wrong_use_is_told_apart() -> None:
    assert _run("--room").exit_code == 2
