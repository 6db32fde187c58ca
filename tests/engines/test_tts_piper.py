"""Piper with voices made on the spot, whole and damaged."""

import json
from array import array
from pathlib import Path

import pytest

from antiphon_engines.errors import ModelError
from antiphon_engines.tts.piper import PiperEngine

pytest.importorskip("piper")
pytest.importorskip("onnx")

from tests.support.piper_voice import RATE_HZ, SAMPLES_PER_PHONEME, make_voice


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    return make_voice(tmp_path)


def test_the_voice_file_decides_rate_name_and_language(voice: Path) -> None:
    engine = PiperEngine.from_options({"model": str(voice)})
    assert (engine.rate_hz, engine.voices, engine.languages) == (RATE_HZ, ("tiny",), ("en",))
    engine.close()


def test_each_sentence_comes_as_it_is_ready(voice: Path) -> None:
    engine = PiperEngine.from_options({"model": str(voice)})
    pieces = list(engine.synthesize("One. Two. Three.", language="en"))
    assert len(pieces) >= 3
    assert sum(map(len, pieces)) % (2 * SAMPLES_PER_PHONEME) == 0
    assert max(array("h", pieces[0])) > 10_000
    engine.close()


def test_another_language_is_refused(voice: Path) -> None:
    engine = PiperEngine.from_options({"model": str(voice)})
    with pytest.raises(ModelError, match="speaks en"):
        list(engine.synthesize("Eins.", language="de"))
    engine.close()


def test_speakers_are_voices(tmp_path: Path) -> None:
    model = make_voice(tmp_path, speakers=("ann", "bob"))
    engine = PiperEngine.from_options({"model": str(model), "speaker": "bob"})
    assert engine.voices == ("tiny", "ann", "bob")
    assert b"".join(engine.synthesize("Yes.", language="en", voice="ann"))
    engine.close()


def test_a_config_elsewhere_is_taken(voice: Path, tmp_path: Path) -> None:
    config = tmp_path / "elsewhere.json"
    voice.with_suffix(".onnx.json").rename(config)
    engine = PiperEngine.from_options({"model": str(voice), "config": str(config)})
    assert b"".join(engine.synthesize("Yes.", language="en"))
    engine.close()


def remove_model(voice: Path) -> None:
    voice.unlink()


def truncate_model(voice: Path) -> None:
    voice.write_bytes(voice.read_bytes()[:200])


def fill_model(voice: Path) -> None:
    voice.write_bytes(b"RIFF" + bytes(1000))


def remove_config(voice: Path) -> None:
    voice.with_suffix(".onnx.json").unlink()


def break_config(voice: Path) -> None:
    voice.with_suffix(".onnx.json").write_text("{", encoding="utf-8")


def binary_config(voice: Path) -> None:
    voice.with_suffix(".onnx.json").write_bytes(b"\xff\xfe\0")


def foreign_config(voice: Path) -> None:
    voice.with_suffix(".onnx.json").write_text('{"model": "other"}', encoding="utf-8")


def wild_rate(voice: Path) -> None:
    path = voice.with_suffix(".onnx.json")
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree["audio"]["sample_rate"] = 10**9
    path.write_text(json.dumps(tree), encoding="utf-8")


def wrong_shape(voice: Path) -> None:
    path = voice.with_suffix(".onnx.json")
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree["num_speakers"] = 5
    path.write_text(json.dumps(tree), encoding="utf-8")


def foreign_model(voice: Path) -> None:
    import onnx  # noqa: PLC0415 - after the skip
    from onnx import TensorProto, helper  # noqa: PLC0415 - the same

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Sin", ["x"], ["y"])], "g", [value], [result])
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), voice)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (remove_model, "no such file"),
        (truncate_model, "damaged"),
        (fill_model, "damaged"),
        (foreign_model, "takes"),
        (remove_config, "cannot be read"),
        (break_config, "not a Piper voice"),
        (binary_config, "not a Piper voice"),
        (foreign_config, "not a Piper voice"),
        (wild_rate, "not a Piper voice"),
        (wrong_shape, "cannot speak"),
    ],
)
def test_damaged_and_foreign_files_are_refused(voice: Path, damage: object, said: str) -> None:
    damage(voice)  # type: ignore[operator]
    with pytest.raises(ModelError, match=said) as refusal:
        PiperEngine.from_options({"model": str(voice)})
    assert "tiny" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "options", [{}, {"model": 5}, {"model": "x", "threads": 0}, {"model": "x", "speed": 2}]
)
def test_wrong_options_are_refused_before_any_file(options: dict[str, object]) -> None:
    with pytest.raises(ModelError, match=r"options\.piper"):
        PiperEngine.from_options(options)


def test_an_unknown_speaker_is_refused(voice: Path) -> None:
    with pytest.raises(ModelError, match="no speaker 'carl'"):
        PiperEngine.from_options({"model": str(voice), "speaker": "carl"})
