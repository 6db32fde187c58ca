"""Tiny networks for sherpa-onnx that write one token after another: Whisper and Moonshine."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

from tests.support.sherpa_parts import (
    PIECES,
    Graph,
    Said,
    constant,
    integers,
    number,
    reals,
    save,
    small_integers,
    write_tokens,
)

_WHISPER_SPECIAL = ("sot", "eot", "transcribe", "translate", "no_speech", "no_timestamps")
_WHISPER_CONTEXT = 40


def whisper(folder: Path, said: Said) -> Path:
    """Make what is exported of Whisper: encoder and decoder with their caches."""
    ids = {name: len(PIECES) + at for at, name in enumerate(_WHISPER_SPECIAL)}
    classes = len(PIECES) + len(ids)
    about = {
        "model_type": "whisper-tiny.en",
        "n_mels": "80",
        "n_text_layer": "1",
        "n_text_ctx": str(_WHISPER_CONTEXT),
        "n_text_state": "2",
        "n_vocab": str(classes),
        "blank_id": "0",
        "is_multilingual": "0",
        "sot_sequence": str(ids["sot"]),
        **{name: str(number) for name, number in ids.items()},
    }
    save(folder / "tiny.en-encoder.int8.onnx", _whisper_encoder(), about)
    # After `sot` and `no_timestamps`.
    table = _written(said, first=1, shift=0, end=ids["eot"], classes=classes)
    save(folder / "tiny.en-decoder.int8.onnx", _whisper_decoder(table), {})
    return _write_bytes(folder / "tiny.en-tokens.txt", (*PIECES, *ids))


def moonshine(folder: Path, said: Said) -> Path:
    """Make what is exported of Moonshine: four networks, the last with its caches."""
    names = ("<unk>", "<s>", "</s>", *PIECES)
    save(folder / "preprocess.onnx", _moonshine_ear(), {})
    encoder = (
        [helper.make_node("Identity", ["features"], ["encoded"])],
        [reals("features", 1, "t", 1), small_integers("frames", 1)],
        [reals("encoded", 1, "t", 1)],
        [],
    )
    save(folder / "encode.int8.onnx", encoder, {})
    table = _written(said, first=0, shift=3, end=names.index("</s>"), classes=len(names))
    save(folder / "uncached_decode.int8.onnx", _moonshine_decoder(table, cached=False), {})
    save(folder / "cached_decode.int8.onnx", _moonshine_decoder(table, cached=True), {})
    return write_tokens(folder, names)


def moonshine_merged(folder: Path, said: Said) -> Path:
    """Make Moonshine's second form: one decoder with and without caches, in ORT's own format."""
    names = ("<unk>", "<s>", "</s>", *PIECES)
    ear = (
        [
            *_frames_of("input_values"),
            helper.make_node("Identity", ["features"], ["last_hidden_state"]),
        ],
        [reals("input_values", 1, "n")],
        [reals("last_hidden_state", 1, "t", 1)],
        _FRAME_CONSTANTS,
    )
    _save_ort(folder / "encoder_model.ort", ear)
    table = _written(said, first=0, shift=3, end=names.index("</s>"), classes=len(names))
    _save_ort(folder / "decoder_model_merged.ort", _merged_decoder(table))
    return _write_bytes(folder / "tokens.txt", names)


def _write_bytes(path: Path, names: Sequence[str]) -> Path:
    """Write tokens as their bytes in base64; return the folder."""
    words = [name.replace("▁", " ").encode() for name in names]
    lines = (f"{base64.b64encode(word).decode()} {at}\n" for at, word in enumerate(words))
    path.write_text("".join(lines), encoding="utf-8")
    return path.parent


def _written(said: Said, *, first: int, shift: int, end: int, classes: int) -> Any:
    """Return what is likely as each token: [tokens, classes]; the end after what is said."""
    table = np.full((64, classes), -20.0, np.float32)
    table[:, end] = 0.0
    for at, one in enumerate(said):
        table[first + at, shift + (one if isinstance(one, int) else one[0])] = 5.0
    return table


def _whisper_encoder() -> Graph:
    names = ("n_layer_cross_k", "n_layer_cross_v")
    return (
        [helper.make_node("Expand", ["nothing", "sizes"], [name]) for name in names],
        [reals("mel", 1, 80, "t")],
        [reals(name, 1, 1, 4, 2) for name in names],
        [constant("nothing", np.zeros(1, np.float32)), constant("sizes", np.array([1, 1, 4, 2]))],
    )


def _whisper_decoder(table: Any) -> Graph:
    """Return a graph that gives the rows of a table for the tokens from an offset on."""
    cache = (1, 1, _WHISPER_CONTEXT, 2)
    return (
        [
            helper.make_node("Shape", ["tokens"], ["shape"]),
            helper.make_node("Slice", ["shape", "one", "two"], ["count"]),
            helper.make_node("Add", ["offset", "count"], ["end"]),
            helper.make_node("Slice", ["table", "offset", "end"], ["rows"]),
            helper.make_node("Unsqueeze", ["rows", "zero"], ["logits"]),
            helper.make_node("Identity", ["in_k"], ["out_k"]),
            helper.make_node("Identity", ["in_v"], ["out_v"]),
        ],
        [
            integers("tokens", 1, "n"),
            *(reals(name, *cache) for name in ("in_k", "in_v")),
            *(reals(name, 1, 1, 4, 2) for name in ("cross_k", "cross_v")),
            integers("offset", 1),
        ],
        [
            reals("logits", 1, "n", table.shape[1]),
            *(reals(name, *cache) for name in ("out_k", "out_v")),
        ],
        [constant("table", table), number("zero", 0), number("one", 1), number("two", 2)],
    )


def _moonshine_ear() -> Graph:
    return (
        _frames_of("audio"),
        [reals("audio", 1, "n")],
        [reals("features", 1, "t", 1)],
        _FRAME_CONSTANTS,
    )


def _frames_of(audio: str) -> list[Any]:
    """Return what makes a frame of 384 samples each."""
    return [
        helper.make_node("Shape", [audio], ["shape"]),
        helper.make_node("Slice", ["shape", "one", "two"], ["samples"]),
        helper.make_node("Div", ["samples", "hop"], ["frames"]),
        helper.make_node("Concat", ["one", "frames", "one"], ["sizes"], axis=0),
        helper.make_node("Expand", ["nothing", "sizes"], ["features"]),
    ]


_FRAME_CONSTANTS: Final = [
    number("one", 1),
    number("two", 2),
    number("hop", 384),
    constant("nothing", np.zeros((1, 1, 1), np.float32)),
]


def _moonshine_decoder(table: Any, *, cached: bool) -> Graph:
    """Return a graph that gives the row of the table for which so many tokens were written."""
    classes = table.shape[1]
    kept = ["cache_before"] if cached else ["nothing"]
    return (
        [
            helper.make_node("Sub", ["seq_len", "one"], ["at"]),
            helper.make_node("Gather", ["table", "at"], ["row"], axis=0),
            helper.make_node("Unsqueeze", ["row", "zero"], ["logits"]),
            helper.make_node("Identity", kept, ["cache"]),
        ],
        [
            small_integers("tokens", 1, 1),
            reals("encoded", 1, "t", 1),
            small_integers("seq_len", 1),
            *([reals("cache_before", 1)] if cached else []),
        ],
        [reals("logits", 1, 1, classes), reals("cache", 1)],
        [
            constant("table", table),
            constant("one", np.array([1], np.int32)),
            number("zero", 0),
            constant("nothing", np.zeros(1, np.float32)),
        ],
    )


def _merged_decoder(table: Any) -> Graph:
    """Return a graph that gives the row of the table after so many tokens as its cache holds."""
    kinds = ("decoder.key", "decoder.value", "encoder.key", "encoder.value")
    before = [f"past_key_values.0.{kind}" for kind in kinds]
    after = [f"present.0.{kind}" for kind in kinds]
    return (
        [
            helper.make_node("Shape", [before[0]], ["shape"]),
            helper.make_node("Slice", ["shape", "two", "three"], ["at"]),
            helper.make_node("Gather", ["table", "at"], ["row"], axis=0),
            helper.make_node("Unsqueeze", ["row", "zero"], ["logits"]),
            *(
                helper.make_node("Concat", [old, "token"], [new], axis=2)
                for old, new in zip(before[:2], after[:2], strict=True)
            ),
            *(helper.make_node("Identity", ["heard"], [new]) for new in after[2:]),
        ],
        [
            integers("input_ids", 1, 1),
            reals("encoder_hidden_states", 1, "t", 1),
            *(reals(name, 1, 1, f"{name}.n", 1) for name in before),
            helper.make_tensor_value_info("use_cache_branch", TensorProto.BOOL, (1,)),
        ],
        [
            reals("logits", 1, 1, table.shape[1]),
            *(reals(name, 1, 1, f"{name}.n", 1) for name in after),
        ],
        [
            constant("table", table),
            constant("token", np.zeros((1, 1, 1, 1), np.float32)),
            constant("heard", np.zeros((1, 1, 2, 1), np.float32)),
            number("zero", 0),
            number("two", 2),
            number("three", 3),
        ],
    )


def _save_ort(path: Path, graph: Graph) -> None:
    plain = path.with_suffix(".onnx")
    save(plain, graph, {})
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])
    plain.unlink()
