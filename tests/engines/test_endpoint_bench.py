"""The endpoint bench: its scenes, the fixed rule beside ours, its sums, and a small run."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.wav import write_wav
from antiphon_tools.speech import say, voices
from tests.bench import endpoint
from tests.bench._rooms import ROOM_DBFS, SPEECH_DBFS, WINDOW, Clip, Rooms, Scene

FLITE = [voice for voice in voices() if voice.name == "slt"]


def tone(seconds: float) -> Clip:
    """Return steady sound at the nominal level, with a quarter of a second of silence around."""
    edge, length = SAMPLE_RATE_HZ // 4, int(seconds * SAMPLE_RATE_HZ)
    signal = np.zeros(2 * edge + length)
    signal[edge : edge + length] = 10 ** (SPEECH_DBFS / 20)
    return Clip(signal, edge, edge + length)


def rooms(seed: int = 1, snr_db: float = 12.0) -> Rooms:
    return Rooms(calls=[tone(0.6)], voices=[tone(1.0), tone(2.0)], snr_db=snr_db, seed=seed)


def level_dbfs(scene: Scene, begin: int, end: int) -> float:
    samples = np.frombuffer(scene.pcm, dtype="<i2")[begin:end] / 32768
    return float(10 * np.log10(np.mean(samples**2) + 1e-12))


def test_a_seed_makes_the_same_scene_again_and_another_one_another() -> None:
    command = tone(1.0)
    for condition in endpoint.NOISY:
        assert rooms(1).scene(command, condition, "a") == rooms(1).scene(command, condition, "a")
        assert rooms(1).scene(command, condition, "a") != rooms(2).scene(command, condition, "a")
        assert rooms(1).scene(command, condition, "a") != rooms(1).scene(command, condition, "b")


def test_a_command_ends_where_the_scene_says() -> None:
    scene = rooms().scene(tone(1.0), "silence", "a")
    assert level_dbfs(scene, scene.said - WINDOW, scene.said) == pytest.approx(SPEECH_DBFS, abs=0.2)
    assert level_dbfs(scene, scene.said, scene.said + 16_000) == pytest.approx(ROOM_DBFS, abs=0.5)
    assert 0 < scene.begin < scene.wake_end < scene.said


@pytest.mark.parametrize("snr_db", [6.0, 20.0])
@pytest.mark.parametrize("condition", ["babble", "television"])
def test_others_talk_as_loud_as_asked(condition: str, snr_db: float) -> None:
    scene = rooms(snr_db=snr_db).scene(tone(1.0), condition, "a")  # type: ignore[arg-type]  # a parameter
    after = level_dbfs(scene, scene.said, scene.said + 5 * SAMPLE_RATE_HZ)
    # Steady tones add up in step, and there are short pauses between them.
    assert SPEECH_DBFS - snr_db - 3 < after < SPEECH_DBFS - snr_db + 8


def test_a_hesitation_lengthens_the_command_by_a_pause_inside_it() -> None:
    plain = rooms().scene(tone(2.0), "silence", "a")
    longer = rooms().scene(tone(2.0), "hesitation", "a")
    in_command = np.frombuffer(longer.pcm, dtype="<i2")[longer.wake_end : longer.said]
    windows = np.abs(in_command[: len(in_command) // WINDOW * WINDOW]).reshape(-1, WINDOW).max(1)
    assert longer.said - longer.wake_end > plain.said - plain.wake_end - 0.6 * SAMPLE_RATE_HZ
    assert (windows < 1000).sum() * WINDOW >= 0.3 * SAMPLE_RATE_HZ


@pytest.mark.parametrize(
    ("course", "why", "decided_at"),
    [
        # windows with and without voice, in turn; the phrase ends at window 10
        ([20, 40], "stream-ended", 60),
        ([25, 40], "silence", 47),
        ([20, 21, 10, 40], "silence", 73),
        ([20, 22, 10, 40], "silence", 74),
        ([0, 60], "stream-ended", 60),
        ([0, 15, 1, 60], "stream-ended", 76),
        ([10, 15, 2, 60], "stream-ended", 87),
    ],
)
def test_the_fixed_rule(course: list[int], why: str, decided_at: int) -> None:
    voice = [float(not index % 2) for index, count in enumerate(course) for _ in range(count)]
    scene = Scene(b"", 0, 10 * WINDOW, said=0)
    found = endpoint.fixed(voice, scene)
    assert found == endpoint.Decision(decided_at * 32.0, why)


def test_sums() -> None:
    delays = [endpoint.Decision(float(ms), "silence") for ms in range(100, 1100, 100)]
    early = [endpoint.Decision(-40.0, "silence"), endpoint.Decision(900.0, "no-speech")]
    found = endpoint.summary([*delays, *early])
    assert (found["n"], found["median_ms"], found["p95_ms"]) == (12, 600.0, 1000.0)
    assert found["cut_share"] == pytest.approx(2 / 12, abs=1e-4)
    assert found["within_600_ms"] == 0.5
    assert endpoint.summary([])["median_ms"] is None


def manifest(folder: Path, name: str, texts: dict[str, dict[str, str]]) -> Path:
    lines = []
    for text, more in texts.items():
        path = f"{name}-{text.replace(' ', '-')}.wav"
        (folder / path).write_bytes(write_wav(say(text, FLITE[0])))
        lines.append(json.dumps({"path": path, "text": text, **more}))
    file = folder / f"{name}.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    return file


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(not FLITE, reason="flite is not installed")
def test_a_small_run_on_synthesized_speech(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    endpoint.add_arguments(parser)
    said = ["turn on the kitchen light"]
    others = ["my sister bought a new bicycle yesterday", "i think we should go to the movies"]
    args = parser.parse_args(["--processes", "1", "--root", str(tmp_path)])
    args.manifest = manifest(tmp_path, "commands", {text: {} for text in said})
    args.wake = manifest(tmp_path, "wake", {"alexa": {"wake_word": "alexa"}})
    args.voices = manifest(tmp_path, "voices", {text: {} for text in others})
    args.answers = manifest(tmp_path, "answers", {"yes": {}, "maybe": {}})
    found = endpoint.figures(args)
    assert found["n"] == 3 * len(said)
    assert found["one_syllable"]["n"] == 3
    quiet = found["rooms"]["silence"]
    assert quiet["cut_share"] == 0
    assert quiet["median_ms"] < 450
    assert quiet["fixed_700"]["median_ms"] > 600
    assert found["one_syllable"]["rooms"]["silence"]["within_600_ms"] == 1
