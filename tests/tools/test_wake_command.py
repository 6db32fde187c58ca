"""`antiphon wake` on synthesized files: what it prints, and how it refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon_protocol.wav import write_wav
from antiphon_tools import speech
from antiphon_tools.commands.wake import app

RUNNER = CliRunner()


@pytest.fixture
def called(tmp_path: Path) -> Path:
    """A file where somebody calls, and says a command."""
    rms = next(voice for voice in speech.voices() if voice.name == "rms")
    path = tmp_path / "called.wav"
    path.write_bytes(write_wav(speech.command("turn on the light", rms)))
    return path


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    path = tmp_path / "silent [1].wav"
    path.write_bytes(write_wav(bytes(32_000)))
    return path


def test_one_object_a_detection_and_a_summary(called: Path, silent: Path) -> None:
    done = RUNNER.invoke(app, [str(called), str(silent), "--json"])
    assert done.exit_code == 0
    *rows, last = map(json.loads, done.stdout.splitlines())
    micro = [row for row in rows if row["engine"] == "microwakeword"]
    assert len(micro) == 1
    assert micro[0]["file"] == str(called)
    assert micro[0]["phrase"] == "hey mycroft"
    assert 0.5 < micro[0]["score"] <= 1
    assert 1.0 < micro[0]["second"] < 2.5
    summary = last["summary"]
    assert summary["files"] == 2
    assert set(summary["engines"]) == {"microwakeword", "openwakeword"}
    assert summary["engines"]["microwakeword"]["files"] == 1


def test_one_engine_one_phrase_one_threshold(called: Path) -> None:
    options = ["--engine", "microwakeword", "--phrase", "hey mycroft", "--threshold", "1", "--json"]
    done = RUNNER.invoke(app, [str(called), *options])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["summary"]["detections"] == 0


def test_the_table_names_the_file(called: Path, silent: Path) -> None:
    done = RUNNER.invoke(app, [str(called), str(silent), "--engine", "microwakeword"])
    assert done.exit_code == 0
    assert "hey mycroft" in done.stdout
    assert "2 file(s)" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine", "porcupine"], "porcupine"),
        (["--phrase", "open sesame"], "open sesame"),
        (["--engine", "microwakeword", "--phrase", "hey rhasspy"], "hey rhasspy"),
    ],
)
def test_what_is_not_there_is_said(silent: Path, options: list[str], said: str) -> None:
    done = RUNNER.invoke(app, [str(silent), *options])
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_file_is_said_before_anything_is_searched(called: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no wav")
    done = RUNNER.invoke(app, [str(called), str(bad), "--json"])
    assert done.exit_code == 1
    assert "bad.wav" in done.stderr
    assert done.stdout == ""


def test_wrong_use_is_told_apart(silent: Path) -> None:
    assert RUNNER.invoke(app, []).exit_code == 2
    assert RUNNER.invoke(app, [str(silent), "--threshold", "7"]).exit_code == 2
