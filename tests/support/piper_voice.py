"""A tiny voice in Piper's form, made on the spot: each phoneme is 64 ms of a sine."""

import json
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

RATE_HZ = 16_000
SAMPLES_PER_PHONEME = 1024


def make_voice(folder: Path, *, speakers: tuple[str, ...] = ()) -> Path:
    """Write `tiny.onnx` and `tiny.onnx.json`; return the first's path."""
    path = folder / "tiny.onnx"
    onnx.save(_model(with_speakers=bool(speakers)), path)
    config = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "en-us"},
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "phoneme_id_map": {phoneme: list(ids) for phoneme, ids in DEFAULT_PHONEME_ID_MAP.items()},
        "speaker_id_map": {name: number for number, name in enumerate(speakers)},
    }
    path.with_suffix(".onnx.json").write_text(json.dumps(config), encoding="utf-8")
    return path


def _model(*, with_speakers: bool) -> onnx.ModelProto:
    step = 2 * math.pi * 4.0 / RATE_HZ
    ramp = (np.arange(SAMPLES_PER_PHONEME) * step).astype(np.float32)
    constants = [
        helper.make_tensor("ramp", TensorProto.FLOAT, [SAMPLES_PER_PHONEME], ramp.tolist()),
        helper.make_tensor("axis", TensorProto.INT64, [1], [2]),
        helper.make_tensor("shape", TensorProto.INT64, [3], [1, 1, -1]),
        helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5]),
    ]
    nodes = [
        helper.make_node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["ids", "axis"], ["columns"]),
        helper.make_node("Mul", ["columns", "ramp"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["sine"]),
        helper.make_node("Reshape", ["sine", "shape"], ["loud"]),
        helper.make_node("Mul", ["loud", "half"], ["output"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if with_speakers:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, [1]))
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "m"])
    graph = helper.make_graph(nodes, "tiny", inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
