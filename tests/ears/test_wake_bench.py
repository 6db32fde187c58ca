"""The wake bench's own sums: intervals, engines together, and a small run."""

import argparse
import json
from pathlib import Path

import pytest

from antiphon_protocol.wav import write_wav
from antiphon_tools import speech
from tests.bench import wake
from tests.bench._intervals import rate_interval, share_interval


def test_intervals_are_those_of_the_textbooks() -> None:
    assert share_interval(9, 10) == pytest.approx((0.596, 0.982), abs=0.001)
    assert share_interval(0, 0) == (0.0, 1.0)
    assert rate_interval(0, 1.0) == pytest.approx((0.0, 3.689), abs=0.001)
    assert rate_interval(10, 2.0) == pytest.approx((2.398, 9.195), abs=0.001)


def test_two_engines_that_hear_one_call_count_once() -> None:
    first = [(16_000, 0.9), (90_000, 0.9)]
    second = [(17_000, 0.9), (50_000, 0.9), (120_000, 0.4)]
    assert wake.joint((first, second), "alexa", (0.5, 0.5), 1.0) == [16_000, 50_000, 90_000]


def test_a_second_engine_confirms_only_what_is_near() -> None:
    second = [(15_000, 0.4), (60_000, 0.05)]
    assert wake.confirmed([16_000, 60_000], second, 0.1) == [16_000]


def test_only_recordings_without_the_phrase_count() -> None:
    clips = [
        wake.Clip(0, 16_000, 3600.0, ()),
        wake.Clip(16_000, 32_000, 3600.0, ("alexa",)),
        wake.Clip(32_000, 48_000, 3600.0, ("jarvis",)),
    ]
    found = wake.figures([[1], []], [5000, 20_000, 48_000], clips, "alexa")
    assert (found["heard"], found["false"], found["false_per_hour"]) == ("1/2", 2, 1.0)
    assert wake.figures([], [48_000], clips, "hey jarvis")["false"] == 0


def listing(folder: Path, name: str, texts: dict[str, str], **more: object) -> Path:
    voice = next(one for one in speech.voices() if one.name == "rms")
    rows = []
    for file, text in texts.items():
        (folder / file).write_bytes(write_wav(speech.say(text, voice)))
        rows.append(json.dumps({"path": file, **more}))
    path = folder / name
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_a_small_run(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    calls = {"call.wav": "hey mycroft."}
    others = {"other.wav": "turn on the light"}
    parser = argparse.ArgumentParser()
    wake.add_arguments(parser)
    manifest = listing(tmp_path, "calls.jsonl", calls, wake_word="hey mycroft")
    negatives = listing(tmp_path, "others.jsonl", others, contains=[])
    options = ["--manifest", str(manifest), "--negatives", str(negatives), "--root", str(tmp_path)]
    found = wake.run(parser.parse_args([*options, "--phrase", "hey mycroft"]))
    micro = found["engines"]["microwakeword"]["phrases"]["hey mycroft"]["at"]["0.95"]
    assert (micro["heard"], micro["false"]) == ("1/1", 0)
    assert found["together"]["hey mycroft"]["shipped"]["heard"] == "1/1"
    json.dumps(found, allow_nan=False)


def test_without_recordings_it_says_so(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    wake.add_arguments(parser)
    with pytest.raises(SystemExit, match="recordings of people"):
        wake.run(parser.parse_args(["--manifest", str(tmp_path / "none.jsonl")]))
