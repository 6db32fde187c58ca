"""`antiphon speak`: the file it writes, and how it refuses."""

import json
import wave
from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon_protocol.wav import read_wav
from antiphon_tools.commands.speak import app, parse

RUNNER = CliRunner()


def test_writes_what_a_satellite_could_play(tmp_path: Path) -> None:
    out = tmp_path / "hello.wav"
    done = RUNNER.invoke(app, ["The kitchen light is on.", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    pcm = read_wav(out)
    assert said["file"] == str(out)
    assert said["engine"] == "flite"
    assert said["seconds"] == pytest.approx(len(pcm) / 32_000, abs=0.001)
    assert 1.0 < said["seconds"] < 4.0


@pytest.mark.parametrize("rate_hz", [8000, 48_000])
def test_any_rate(tmp_path: Path, rate_hz: int) -> None:
    out = tmp_path / "hello.wav"
    done = RUNNER.invoke(app, ["Hello.", "--out", str(out), "--rate-hz", str(rate_hz)])
    assert done.exit_code == 0
    with wave.open(str(out), "rb") as reader:
        assert reader.getframerate() == rate_hz
        assert 0.3 < reader.getnframes() / rate_hz < 3


def test_options_reach_the_engine(tmp_path: Path) -> None:
    seconds = []
    for rate in ("100", "250"):
        out = tmp_path / f"{rate}.wav"
        options = ["--engine", "espeak", "--out", str(out), "--option", f"rate_wpm={rate}"]
        options += ["--option", "voice=en-gb"]
        assert RUNNER.invoke(app, ["The kitchen light is on.", *options]).exit_code == 0
        seconds.append(len(read_wav(out)))
    assert seconds[0] > 1.5 * seconds[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["  "], "nothing to say"),
        (["Hello.", "--engine", "mimic"], "mimic"),
        (["Hello.", "--voice", "klingon"], "klingon"),
        (["Hello.", "--language", "xx"], "'xx'"),
        (["Hello.", "--option", "rate"], "NAME=VALUE"),
        (["Hello.", "--option", "rate_wpm=1"], "rate_wpm"),
        (["word " * 500], "split the text"),
    ],
)
def test_what_cannot_be_spoken_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    out = tmp_path / "hello.wav"
    done = RUNNER.invoke(app, [*arguments, "--out", str(out)])
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["Hello.", "--out", str(tmp_path / "none" / "hello.wav")])
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr


def test_wrong_use_is_told_apart(tmp_path: Path) -> None:
    assert RUNNER.invoke(app, ["Hello."]).exit_code == 2
    out = str(tmp_path / "x.wav")
    assert RUNNER.invoke(app, ["Hello.", "--out", out, "--rate-hz", "5"]).exit_code == 2


def test_option_values_have_their_kinds() -> None:
    assert parse(["a=5", "b=0.5", "c=true", "d=x/y.onnx", "e="]) == {
        "a": 5,
        "b": 0.5,
        "c": True,
        "d": "x/y.onnx",
        "e": "",
    }
