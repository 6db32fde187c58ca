"""The bench of taught calls: its judgement on scores that are known, and a small run."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from antiphon_protocol.wav import write_wav
from antiphon_tools import speech
from antiphon_tools.teaching.embedding import embeddings
from tests.bench import callers
from tests.ears.test_wake_bench import listing

HOUSE = callers.House("hey mycroft", 0.1, 0.9)
SILENCE = bytes(2 * 16_000 * 2)


def scored(first: float, second: float, voice: str = "rms") -> callers.Scored:
    """Return a call of a made voice, which excites the engines so much after 2.8 s."""
    one = next(one for one in speech.voices() if one.name == voice)
    pcm = SILENCE + speech.say("hey mycroft.", one) + SILENCE
    return callers.Scored([(44_800, first)], [(44_800, second)], embeddings(pcm))


@pytest.mark.slow
def test_only_what_is_like_the_taught_calls_passes_besides() -> None:
    calls = [callers.Call("a", scored(0.5, 0.0), scored(0.5, 0.2)) for _ in range(5)]
    rubbish = np.zeros((60, 96))
    false = [callers.Scored([(44_800, 0.95)], [], rubbish), callers.Scored([], [], rubbish)]
    found = callers.table(calls, false, HOUSE, taught=(3,), draws=2)
    assert found["other engine"] == {"clean": 0.0, "noisy": 1.0, "false": 0}
    assert found["same engine"] == {"clean": 0.0, "noisy": 0.0, "false": 1}
    taught = found["3 of the same group"]
    assert taught["other engine: clean before"] == 0.0
    assert taught["other engine: clean after"] == taught["same engine: noisy after"] == 1.0
    assert taught["other engine: false after"] == 0.0
    assert found["3 of other groups"] == {}, "there are none"


@pytest.mark.slow
def test_a_small_run(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    calls = {f"call{number}.wav": "hey mycroft." for number in range(3)}
    manifest = listing(tmp_path, "calls.jsonl", calls, wake_word="hey mycroft", group="a")
    negatives = listing(tmp_path, "others.jsonl", {"o.wav": "turn on the light"}, contains=[])
    hiss = tmp_path / "hiss.wav"
    hiss.write_bytes(write_wav(np.random.default_rng(1).bytes(64_000)))
    noise = tmp_path / "noise.jsonl"
    noise.write_text(json.dumps({"path": "hiss.wav", "kind": "kitchen"}), encoding="utf-8")
    parser = argparse.ArgumentParser()
    callers.add_arguments(parser)
    named = {"manifest": manifest, "negatives": negatives, "root": tmp_path, "noise": noise}
    options = [part for name, path in named.items() for part in (f"--{name}", str(path))]
    found = callers.run(
        parser.parse_args([*options, "--phrase", "hey mycroft", "--snr", "40", "--taught", "1"])
    )
    assert found["0.1"]["other engine"]["clean"] == 0.0, "openWakeWord is deaf to that voice"
    json.dumps(found, allow_nan=False)
