"""Tiny networks in the forms that sherpa-onnx loads, made on the spot.

They say what they were made to say, step by step, as long as there is sound; an alternative at a
step is a little less likely.
"""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests.support.sherpa_parts import (
    FIRST,
    NAMES,
    PIECES,
    Graph,
    Said,
    constant,
    integers,
    number,
    reals,
    rows_for,
    save,
    small_integers,
    table_of,
    write_tokens,
    write_transducer,
    write_vocabulary,
)

_CHUNK = 8
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
_TDT_DURATIONS = 5
_SENSE_VOICE_FRAMES = 7
"""Joined into one that it hears; the next begins six later."""
_SENSE_VOICE_SAYS = ("<|en|>", "<|NEUTRAL|>", "<|Speech|>", "<|woitn|>")
"""What it says before the words."""


def streaming_ctc(folder: Path, said: Said) -> Path:
    """Make a streaming Zipformer with CTC."""
    save(folder / "model.int8.onnx", _stepping(said, "log_probs"), _ZIPFORMER)
    return write_tokens(folder, NAMES)


def streaming_transducer(folder: Path, said: Said) -> Path:
    """Make a streaming Zipformer with a transducer."""
    return write_transducer(folder, _stepping(said, "encoder_out"), _ZIPFORMER)


def transducer(folder: Path, said: Said) -> Path:
    """Make a Zipformer with a transducer that hears the whole utterance."""
    classes = len(NAMES)
    nodes, constants = rows_for("x", 1, 4, _icefall_table(said))
    encoder = (
        [
            *nodes,
            helper.make_node("Unsqueeze", ["rows", "zero"], ["encoder_out"]),
            helper.make_node("Identity", ["steps"], ["encoder_out_lens"]),
        ],
        [reals("x", "n", "t", 80), integers("x_lens", "n")],
        [reals("encoder_out", "n", "s", classes), integers("encoder_out_lens", "n")],
        constants,
    )
    return write_transducer(folder, encoder, {"model_type": "zipformer2", "version": "1"})


def wenet_ctc(folder: Path, said: Said) -> Path:
    """Make what is exported of WeNet: a CTC network that hears the whole utterance."""
    nodes, constants = rows_for("x", 1, 4, _icefall_table(said))
    graph = (
        [
            *nodes,
            helper.make_node("Unsqueeze", ["rows", "zero"], ["log_probs"]),
            helper.make_node("Identity", ["steps"], ["log_probs_lens"]),
        ],
        [reals("x", "n", "t", 80), integers("x_lens", "n")],
        [reals("log_probs", "n", "s", len(NAMES)), integers("log_probs_lens", "n")],
        constants,
    )
    about = {
        "model_type": "wenet_ctc",
        "vocab_size": str(len(NAMES)),
        "subsampling_factor": "4",
    }
    save(folder / "model.onnx", graph, about)
    return write_tokens(folder, ("<blank>", *NAMES[1:]))


def nemo_ctc(folder: Path, said: Said) -> Path:
    """Make what NeMo exports of a CTC network, Parakeet's form."""
    names = (*PIECES, "<blk>")
    table = table_of(said, shift=0, blank=len(PIECES), classes=len(names))
    nodes, constants = rows_for("audio_signal", 2, 4, table)
    graph = (
        [*nodes, helper.make_node("Unsqueeze", ["rows", "zero"], ["logprobs"])],
        [reals("audio_signal", 1, 80, "t"), integers("length", 1)],
        [reals("logprobs", 1, "n", len(names))],
        constants,
    )
    about = {
        "model_type": "EncDecCTCModelBPE",
        "vocab_size": str(len(names)),
        "subsampling_factor": "4",
        "normalize_type": "per_feature",
    }
    save(folder / "model.onnx", graph, about)
    return write_tokens(folder, names)


def nemo_transducer(folder: Path, said: Said) -> Path:
    """Make what NeMo exports of a transducer that tells durations: Parakeet TDT's form."""
    names = (*PIECES, "<blk>")
    sums = len(names) + _TDT_DURATIONS
    about = {
        "model_type": "EncDecRNNTBPEModel",
        "vocab_size": str(len(PIECES)),
        "subsampling_factor": "4",
        "normalize_type": "per_feature",
        "pred_rnn_layers": "2",
        "pred_hidden": str(sums),
        "feat_dim": "128",
        "url": "a Parakeet of the sort tdt",
    }
    save(folder / "encoder.int8.onnx", _tdt_encoder(said, sums), about)
    save(folder / "decoder.int8.onnx", _tdt_decoder(sums), {})
    save(folder / "joiner.int8.onnx", _tdt_joiner(sums), {})
    write_vocabulary(folder, names)
    return write_tokens(folder, names)


def sense_voice(folder: Path, said: Said) -> Path:
    """Make what is exported of SenseVoice: before the words it tells language, mood and event."""
    names = ("<blk>", *PIECES, *_SENSE_VOICE_SAYS)
    table = table_of(said, shift=1, blank=0, classes=len(names))
    first = np.full((len(_SENSE_VOICE_SAYS), len(names)), -10.0, np.float32)
    for at, name in enumerate(_SENSE_VOICE_SAYS):
        first[at, names.index(name)] = 0.0
    width = 80 * _SENSE_VOICE_FRAMES
    nodes, constants = rows_for("x", 1, 1, table)
    graph = (
        [
            *nodes,
            helper.make_node("Concat", ["first", "rows"], ["all"], axis=0),
            helper.make_node("Unsqueeze", ["all", "zero"], ["logits"]),
        ],
        [
            reals("x", 1, "t", width),
            *(small_integers(name, 1) for name in ("x_length", "language", "text_norm")),
        ],
        [reals("logits", 1, "s", len(names))],
        [*constants, constant("first", first)],
    )
    languages = ("auto", "zh", "en", "ja", "ko", "yue")
    about = {
        "model_type": "sense_voice_ctc",
        "vocab_size": str(len(names)),
        "lfr_window_size": str(_SENSE_VOICE_FRAMES),
        "lfr_window_shift": "6",
        "normalize_samples": "0",
        "with_itn": "14",
        "without_itn": "15",
        "neg_mean": ",".join(["0"] * width),
        "inv_stddev": ",".join(["1"] * width),
        **{f"lang_{name}": str(at) for at, name in enumerate(languages)},
    }
    save(folder / "model.int8.onnx", graph, about)
    return write_tokens(folder, names)


def save_empty(path: Path, about: dict[str, str]) -> None:
    """Write a network that does nothing, for those who look only at what it says of itself."""
    graph = (
        [helper.make_node("Identity", ["a"], ["b"])],
        [reals("a", 1)],
        [reals("b", 1)],
        [],
    )
    save(path, graph, about)


def _icefall_table(said: Said) -> Any:
    return table_of(said, shift=FIRST, blank=0, classes=len(NAMES))


def _stepping(said: Said, output: str) -> Graph:
    """Return a graph that gives the next rows of a table with each chunk, or blanks in silence."""
    table = _icefall_table(said)
    loud_enough = np.zeros(table.shape[1], np.float32)
    loud_enough[0] = 1000.0
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
        constant("table", table),
        constant("blanks", loud_enough),
        constant("quiet", np.float32(_QUIET)),
        number("zero", 0),
        number("chunk", _CHUNK),
    ]
    inputs = [
        reals("x", 1, 45, 80),
        *(reals(name, *shape) for name, shape in _STATES.items()),
        integers("processed", 1),
    ]
    outputs = [
        reals(output, 1, _CHUNK, table.shape[1]),
        *(reals(f"new_{name}", *shape) for name, shape in _STATES.items()),
        integers("new_processed", 1),
    ]
    return nodes, inputs, outputs, constants


def _tdt_encoder(said: Said, sums: int) -> Graph:
    """Return a graph that gives each step's sums: of the pieces and the blank, of durations."""
    durations = np.zeros((1, _TDT_DURATIONS), np.float32)
    durations[0, 1] = 5.0
    table = table_of(said, shift=0, blank=len(PIECES), classes=len(PIECES) + 1)
    whole = np.concatenate((table, np.repeat(durations, len(table), axis=0)), axis=1)
    nodes, constants = rows_for("audio_signal", 2, 4, whole)
    return (
        [
            *nodes,
            helper.make_node("Transpose", ["rows"], ["turned"], perm=[1, 0]),
            helper.make_node("Unsqueeze", ["turned", "zero"], ["outputs"]),
            helper.make_node("Identity", ["steps"], ["encoded_lengths"]),
        ],
        [reals("audio_signal", 1, 128, "t"), integers("length", 1)],
        [reals("outputs", 1, sums, "s"), integers("encoded_lengths", 1)],
        constants,
    )


def _tdt_decoder(sums: int) -> Graph:
    """Return a predictor that keeps its states and says nothing."""
    states = ("states.1", "states.2")
    return (
        [
            helper.make_node("Identity", ["nothing"], ["outputs"]),
            helper.make_node("Identity", ["target_length"], ["prednet_lengths"]),
            *(helper.make_node("Identity", [name], [f"new_{name}"]) for name in states),
        ],
        [
            small_integers("targets", 1, 1),
            small_integers("target_length", 1),
            *(reals(name, 2, 1, sums) for name in states),
        ],
        [
            reals("outputs", 1, sums, 1),
            small_integers("prednet_lengths", 1),
            *(reals(f"new_{name}", 2, 1, sums) for name in states),
        ],
        [constant("nothing", np.zeros((1, sums, 1), np.float32))],
    )


def _tdt_joiner(sums: int) -> Graph:
    return (
        [
            helper.make_node("Add", ["encoder_outputs", "decoder_outputs"], ["sum"]),
            helper.make_node("Reshape", ["sum", "sizes"], ["logits"]),
        ],
        [reals("encoder_outputs", 1, sums, 1), reals("decoder_outputs", 1, sums, 1)],
        [reals("logits", 1, 1, 1, sums)],
        [constant("sizes", np.array([1, 1, 1, sums]))],
    )
