"""`antiphon transcribe`, as a user types it; the fake engine stands for what is heard."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon_protocol.wav import write_wav
from antiphon_tools.commands.transcribe import app

SECOND = bytes(range(200)) * 160


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    file = tmp_path / "said.wav"
    file.write_bytes(write_wav(SECOND))
    return file


@pytest.mark.parametrize("grammar", ["auto", "none"])
def test_each_file_gives_one_object(wav: Path, grammar: str) -> None:
    options = [str(wav), str(wav), "--engine", "fake", "--grammar", grammar, "--json"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["transcript"] for row in rows] == ["turn on the light"] * 2
    assert rows[0]["source"] == ("grammar" if grammar == "auto" else "dictation")
    assert rows[0]["audio_s"] == 1.0


def test_templates_of_a_file_are_a_grammar(wav: Path, tmp_path: Path) -> None:
    file = tmp_path / "sentences.yaml"
    file.write_text('language: en\nintents:\n  Brew:\n    data:\n      - sentences: ["brew tea"]\n')
    result = CliRunner().invoke(app, [str(wav), "--engine", "fake", "--grammar", str(file)])
    assert result.exit_code == 0, result.output
    assert "turn on the light" in result.stdout


def test_one_bad_file_fails_the_command_and_not_the_others(wav: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no wav at all")
    result = CliRunner().invoke(app, [str(bad), str(wav), "--engine", "fake", "--json"])
    assert result.exit_code == 1
    assert str(bad) in result.stderr
    assert json.loads(result.stdout)["file"] == str(wav)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine", "nobody"], "there are: "),
        (["--engine", "fake", "--grammar", "no-such.yaml"], "no-such.yaml"),
        (["--engine", "fake", "--home", "no-such-home.yaml"], "no-such-home.yaml"),
    ],
)
def test_what_is_missing_is_named(wav: Path, options: list[str], said: str) -> None:
    result = CliRunner().invoke(app, [str(wav), *options])
    assert result.exit_code == 1
    assert said in result.stderr
