"""Tiny networks in the forms that sherpa-onnx loads, made on the spot.

They say what they were made to say, step by step, as long as there is sound; an alternative at a
step is a little less likely.
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PIECES = ("▁turn", "▁on", "▁off", "▁the", "▁light", "▁kit", "chen")
Said = Sequence[int | tuple[int, int]]
"""Numbers of pieces; two: the first is a little likelier."""
TURN_ON_THE_LIGHT = (0, 1, 3, 4)
TURN_ON_OR_OFF_THE_LIGHT = (0, (1, 2), 3, 4)

_CHUNK = 8
_STEPS = 400
_LESS = 0.5
_QUIET = -13.0
"""Mean logarithm of the filter bank's energies, below which it is silent."""
_STATES = {
    "key": (4, 1, 4),
    "nonlin": (1, 1, 4, 3),
    "val1": (4, 1, 4),
    "val2": (4, 1, 4),
    "conv1": (1, 4, 1),
    "conv2": (1, 4, 1),
    "embed": (1, 128, 3, 19),
}
_ZIPFORMER = {
    "model_type": "zipformer2",
    "version": "1",
    "encoder_dims": "4",
    "query_head_dims": "4",
    "value_head_dims": "4",
    "num_heads": "1",
    "num_encoder_layers": "1",
    "cnn_module_kernels": "3",
    "left_context_len": "4",
    "T": "45",
    "decode_chunk_len": "32",
}


def streaming_ctc(folder: Path, said: Said) -> Path:
    """Make a streaming Zipformer with CTC."""
    names = ("<blk>", "<sos/eos>", "<unk>", *PIECES)
    table = _table(said, shift=3, blank=0, classes=len(names))
    nodes, inputs, outputs, constants = _stepping(table, "log_probs", blank=0)
    _save(folder / "model.int8.onnx", (nodes, inputs, outputs, constants), _ZIPFORMER)
    return _tokens(folder, names)


def streaming_transducer(folder: Path, said: Said) -> Path:
    """Make a streaming Zipformer with a transducer: encoder, decoder, joiner; and `bpe.vocab`."""
    names = ("<blk>", "<sos/eos>", "<unk>", *PIECES)
    classes = len(names)
    table = _table(said, shift=3, blank=0, classes=classes)
    graph = _stepping(table, "encoder_out", blank=0)
    _save(folder / "encoder-epoch-1.onnx", graph, _ZIPFORMER)
    nothing = _constant("nothing", np.zeros((2, classes), np.float32))
    decoder = (
        [
            helper.make_node("Cast", ["y"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["real", "nothing"], ["decoder_out"]),
        ],
        [_integers("y", "n", 2)],
        [_reals("decoder_out", "n", classes)],
        [nothing],
    )
    about = {"vocab_size": str(classes), "context_size": "2"}
    _save(folder / "decoder-epoch-1.onnx", decoder, about)
    joiner = (
        [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])],
        [_reals("encoder_out", "n", classes), _reals("decoder_out", "n", classes)],
        [_reals("logit", "n", classes)],
        [],
    )
    _save(folder / "joiner-epoch-1.onnx", joiner, {"joiner_dim": str(classes)})
    vocabulary = "".join(f"{name}\t{-at}\n" for at, name in enumerate(names))
    (folder / "bpe.vocab").write_text(vocabulary, encoding="utf-8")
    return _tokens(folder, names)


def nemo_ctc(folder: Path, said: Said) -> Path:
    """Make what NeMo exports of a CTC network, Parakeet's form."""
    names = (*PIECES, "<blk>")
    blank = len(PIECES)
    nodes = [
        helper.make_node("Shape", ["audio_signal"], ["shape"]),
        helper.make_node("Slice", ["shape", "two", "three"], ["frames"]),
        helper.make_node("Div", ["frames", "four"], ["steps"]),
        helper.make_node("Slice", ["table", "zero", "steps"], ["rows"]),
        helper.make_node("Unsqueeze", ["rows", "zero"], ["logprobs"]),
    ]
    constants = [
        _constant("table", _table(said, shift=0, blank=blank, classes=len(names))),
        *(
            _number(name, at)
            for name, at in zip(("zero", "two", "three", "four"), (0, 2, 3, 4), strict=True)
        ),
    ]
    graph = (
        nodes,
        [_reals("audio_signal", 1, 80, "t"), _integers("length", 1)],
        [_reals("logprobs", 1, "n", len(names))],
        constants,
    )
    about = {
        "model_type": "EncDecCTCModelBPE",
        "vocab_size": str(len(names)),
        "subsampling_factor": "4",
        "normalize_type": "per_feature",
    }
    _save(folder / "model.onnx", graph, about)
    return _tokens(folder, names)


def whisper(folder: Path, said: Said) -> Path:
    """Make what is exported of Whisper: encoder and decoder with their caches."""
    special = ("sot", "eot", "transcribe", "translate", "no_speech", "no_timestamps")
    first = len(PIECES)
    ids = {name: first + at for at, name in enumerate(special)}
    classes = first + len(special)
    encoder = (
        [
            helper.make_node("Expand", ["zero_real", "cross_shape"], ["n_layer_cross_k"]),
            helper.make_node("Expand", ["zero_real", "cross_shape"], ["n_layer_cross_v"]),
        ],
        [_reals("mel", 1, 80, "t")],
        [_reals("n_layer_cross_k", 1, 1, 4, 2), _reals("n_layer_cross_v", 1, 1, 4, 2)],
        [
            _constant("zero_real", np.zeros(1, np.float32)),
            _constant("cross_shape", np.array([1, 1, 4, 2])),
        ],
    )
    about = {
        "model_type": "whisper-tiny.en",
        "n_mels": "80",
        "n_text_layer": "1",
        "n_text_ctx": "40",
        "n_text_state": "2",
        "n_vocab": str(classes),
        "blank_id": "0",
        "is_multilingual": "0",
        "sot_sequence": str(ids["sot"]),
        **{name: str(number) for name, number in ids.items()},
    }
    _save(folder / "tiny.en-encoder.int8.onnx", encoder, about)
    table = np.full((64, classes), -20.0, np.float32)
    table[:, ids["eot"]] = 0.0
    for at, one in enumerate(said):
        # After `sot` and `no_timestamps`.
        table[1 + at, one if isinstance(one, int) else one[0]] = 5.0
    decoder = (
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
            _integers("tokens", 1, "n"),
            _reals("in_k", 1, 1, 40, 2),
            _reals("in_v", 1, 1, 40, 2),
            _reals("cross_k", 1, 1, 4, 2),
            _reals("cross_v", 1, 1, 4, 2),
            _integers("offset", 1),
        ],
        [
            _reals("logits", 1, "n", classes),
            _reals("out_k", 1, 1, 40, 2),
            _reals("out_v", 1, 1, 40, 2),
        ],
        [_constant("table", table), _number("zero", 0), _number("one", 1), _number("two", 2)],
    )
    _save(folder / "tiny.en-decoder.int8.onnx", decoder, {})
    words = [*(piece.replace("▁", " ") for piece in PIECES), *special]
    lines = (f"{base64.b64encode(word.encode()).decode()} {at}\n" for at, word in enumerate(words))
    (folder / "tiny.en-tokens.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def save_empty(path: Path, about: dict[str, str]) -> None:
    """Write a network that does nothing, for those who look only at what it says of itself."""
    graph = (
        [helper.make_node("Identity", ["a"], ["b"])],
        [_reals("a", 1)],
        [_reals("b", 1)],
        [],
    )
    _save(path, graph, about)


def _stepping(table: Any, output: str, *, blank: int) -> Any:
    """Return a graph that gives the next rows of a table with each chunk, or blanks in silence."""
    loud_enough = np.zeros(table.shape[1], np.float32)
    loud_enough[blank] = 1000.0
    nodes = [
        helper.make_node("Add", ["processed", "chunk"], ["new_processed"]),
        helper.make_node("Slice", ["table", "processed", "new_processed"], ["rows"]),
        helper.make_node("ReduceMean", ["x"], ["level"], keepdims=0),
        helper.make_node("Less", ["level", "quiet"], ["is_quiet"]),
        helper.make_node("Cast", ["is_quiet"], ["silence"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["silence", "blanks"], ["more_blank"]),
        helper.make_node("Add", ["rows", "more_blank"], ["heard"]),
        helper.make_node("Unsqueeze", ["heard", "zero"], [output]),
        *(helper.make_node("Identity", [name], [f"new_{name}"]) for name in _STATES),
    ]
    constants = [
        _constant("table", table),
        _constant("blanks", loud_enough),
        _constant("quiet", np.float32(_QUIET)),
        _number("zero", 0),
        _number("chunk", _CHUNK),
    ]
    inputs = [
        _reals("x", 1, 45, 80),
        *(_reals(name, *shape) for name, shape in _STATES.items()),
        _integers("processed", 1),
    ]
    outputs = [
        _reals(output, 1, _CHUNK, table.shape[1]),
        *(_reals(f"new_{name}", *shape) for name, shape in _STATES.items()),
        _integers("new_processed", 1),
    ]
    return nodes, inputs, outputs, constants


def _table(said: Said, *, shift: int, blank: int, classes: int) -> Any:
    """Return logarithms of probabilities: [steps, classes]; a blank after each piece."""
    table = np.full((_STEPS, classes), -10.0, np.float32)
    table[1::2, blank] = 0.0
    table[0::2, blank] = -2.0
    table[2 * len(said) :, blank] = 0.0
    for at, one in enumerate(said):
        likely, *less = (one,) if isinstance(one, int) else one
        table[2 * at, likely + shift] = 0.0
        for other in less:
            table[2 * at, other + shift] = -_LESS
    return table


def _tokens(folder: Path, names: Sequence[str]) -> Path:
    lines = (f"{name} {at}\n" for at, name in enumerate(names))
    (folder / "tokens.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def _save(path: Path, graph: Any, about: dict[str, str]) -> None:
    nodes, inputs, outputs, constants = graph
    made = helper.make_model(
        helper.make_graph(nodes, "tiny", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    helper.set_model_props(made, about)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(made, path)


def _reals(name: str, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _integers(name: str, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)


def _number(name: str, value: int) -> Any:
    return _constant(name, np.array([value], np.int64))


def _constant(name: str, value: Any) -> Any:
    return numpy_helper.from_array(np.asarray(value), name)
