"""`antiphon convert` writes a network as any kind of file, or says why not."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.importers import load_weights
from antiphon_engines.deepspeech.weights import Geometry
from antiphon_tools.commands.convert import WRITERS, app
from tests.support.network import network

CHECKPOINT = Path(__file__).parents[1] / "engines" / "tensorflow_models" / "checkpoint"


def convert(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    return result.exit_code, result.output


def test_each_kind_becomes_each_other(tmp_path: Path) -> None:
    weights = network()
    weights.save(tmp_path / "model.npz")
    at = tmp_path / "model.npz"
    for number, ending in enumerate((*WRITERS, *reversed(WRITERS))):
        out = tmp_path / f"{number}{ending}"
        code, text = convert(at, out)
        assert (code, text) == (0, f"{out} is written: 24 wide, 28 labels\n")
        at = out
    have = dict(load_weights(at).arrays())
    for name, array in weights.arrays():
        np.testing.assert_array_equal(have[name], array)


def test_a_checkpoint_is_given_its_alphabet(tmp_path: Path) -> None:
    Alphabet.english().write(tmp_path / "alphabet.txt")
    code, text = convert(CHECKPOINT, tmp_path / "model.npz")
    assert code == 1
    assert "needs the alphabet" in text
    code, _ = convert(CHECKPOINT, tmp_path / "model.npz", "--alphabet", tmp_path / "alphabet.txt")
    assert code == 0
    assert load_weights(tmp_path / "model.npz").geometry.hidden == 3
    code, text = convert(CHECKPOINT, tmp_path / "model.npz", "--bytes")
    assert code == 1
    assert "255 labels" in text


@pytest.mark.parametrize(("out", "why"), [("model.h5", "ending"), ("no/model.pb", "No such file")])
def test_what_cannot_be_written_is_said(out: str, why: str, tmp_path: Path) -> None:
    network().save(tmp_path / "model.npz")
    code, text = convert(tmp_path / "model.npz", tmp_path / out)
    assert code == 1
    assert why in text
    assert "Traceback" not in text


def test_a_refused_network_leaves_what_was_there(tmp_path: Path) -> None:
    network(geometry=Geometry(hidden=4, lstm=4, bidirectional=True)).save(tmp_path / "both.npz")
    out = tmp_path / "model.pb"
    out.write_bytes(b"before")
    code, text = convert(tmp_path / "both.npz", out)
    assert code == 1
    assert "bidirectional" in text
    assert out.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both.npz", "model.pb"]
