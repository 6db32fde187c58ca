"""`antiphon train` as people use it."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.weights import Weights
from antiphon_protocol.wav import write_wav
from antiphon_tools.commands.train import app

runner = CliRunner()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rows = ["wav_filename,wav_filesize,transcript"]
    noise = np.random.default_rng(1).standard_normal((4, 8000)) * 1000
    for at, samples in enumerate(noise.astype(np.int16)):
        path = tmp_path / f"{at}.wav"
        path.write_bytes(write_wav(samples.tobytes()))
        rows.append(f"{path.name},{path.stat().st_size},{'go' if at % 2 else 'stop'}")
    path = tmp_path / "train.csv"
    path.write_text("\n".join(rows))
    return path


def options(manifest: Path, *more: str) -> list[str]:
    out = manifest.parent / "network.npz"
    return [str(manifest), "--out", str(out), "--dev", str(manifest), "--batch", "2", *more]


@pytest.mark.slow
def test_it_trains_goes_on_and_fine_tunes(manifest: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: the extra torch of antiphon-hub")
    small = ["--width", "8", "--json"]
    first = runner.invoke(app, options(manifest, *small, "--epochs", "1"))
    assert first.exit_code == 0, first.output
    epoch, curve = map(json.loads, first.stdout.splitlines())
    assert epoch["number"] == 1
    assert set(curve["calibration"]) == {"bias", "slope"}
    again = runner.invoke(app, options(manifest, *small, "--epochs", "2"))
    assert json.loads(again.stdout.splitlines()[0])["number"] == 2
    assert "goes on after epoch 1" in again.stderr
    network = manifest.parent / "network.npz"
    assert Weights.load(network).geometry.hidden == 8
    tuned = manifest.parent / "tuned.npz"
    more = ["--from", str(network), "--epochs", "1", "--no-augment", "--out", str(tuned)]
    done = runner.invoke(app, options(manifest, *more))
    assert done.exit_code == 0, done.output
    assert f"{tuned} is written" in done.stdout
    assert "calibration = { bias =" in done.stdout
    assert Weights.load(tuned).alphabet == Alphabet.english()


def test_what_is_wrong_is_said_in_one_line(manifest: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: the extra torch of antiphon-hub")
    wrongs = (
        ["/nowhere.csv", "--out", str(tmp_path / "x.npz")],
        options(manifest, "--from", "/nowhere.npz"),
        options(manifest, "--alphabet", "/nowhere.txt"),
        options(manifest, "--from", str(manifest)),
    )
    for arguments in wrongs:
        done = runner.invoke(app, arguments)
        assert done.exit_code == 1, arguments
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("antiphon train: ")


@pytest.mark.parametrize("more", [["--device", "tpu"], ["--width", "3"], ["--rate", "0"]])
def test_wrong_use_is_wrong_use(manifest: Path, more: list[str]) -> None:
    assert runner.invoke(app, options(manifest, *more)).exit_code == 2
