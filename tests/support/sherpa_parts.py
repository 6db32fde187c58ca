"""What the tiny networks for sherpa-onnx are put together from."""

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
NAMES = ("<blk>", "<sos/eos>", "<unk>", *PIECES)
"""Tokens as icefall numbers them."""
FIRST = 3
"""The first piece among them."""

Graph = tuple[list[Any], list[Any], list[Any], list[Any]]
"""Nodes, inputs, outputs, constants."""

_STEPS = 400
_LESS = 0.5


def table_of(said: Said, *, shift: int, blank: int, classes: int) -> Any:
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


def rows_for(frames: str, axis: int, every: int, table: Any) -> tuple[list[Any], list[Any]]:
    """Return what gives `rows`: the table's first ones, one for so many frames of an input.

    Args:
        frames: The input.
        axis: Along which its frames lie.
        every: Frames a row.
        table: [steps, classes]
    """
    nodes = [
        helper.make_node("Shape", [frames], ["shape"]),
        helper.make_node("Slice", ["shape", "axis", "behind"], ["frames"]),
        helper.make_node("Div", ["frames", "every"], ["steps"]),
        helper.make_node("Slice", ["table", "zero", "steps"], ["rows"]),
    ]
    constants = [
        constant("table", table),
        number("zero", 0),
        number("axis", axis),
        number("behind", axis + 1),
        number("every", every),
    ]
    return nodes, constants


def icefall_decoder() -> Graph:
    """Return a transducer's decoder of which nothing depends."""
    classes = len(NAMES)
    return (
        [
            helper.make_node("Cast", ["y"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["real", "nothing"], ["decoder_out"]),
        ],
        [integers("y", "n", 2)],
        [reals("decoder_out", "n", classes)],
        [constant("nothing", np.zeros((2, classes), np.float32))],
    )


def icefall_joiner() -> Graph:
    """Return a transducer's joiner: it adds."""
    classes = len(NAMES)
    return (
        [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])],
        [reals("encoder_out", "n", classes), reals("decoder_out", "n", classes)],
        [reals("logit", "n", classes)],
        [],
    )


def write_transducer(folder: Path, encoder: Graph, about: dict[str, str]) -> Path:
    """Write an icefall transducer: encoder, decoder, joiner; and `bpe.vocab`."""
    classes = str(len(NAMES))
    save(folder / "encoder-epoch-1.onnx", encoder, about)
    save(
        folder / "decoder-epoch-1.onnx",
        icefall_decoder(),
        {"vocab_size": classes, "context_size": "2"},
    )
    save(folder / "joiner-epoch-1.onnx", icefall_joiner(), {"joiner_dim": classes})
    write_vocabulary(folder, NAMES)
    return write_tokens(folder, NAMES)


def write_vocabulary(folder: Path, names: Sequence[str]) -> None:
    """Write `bpe.vocab`."""
    vocabulary = "".join(f"{name}\t{-at}\n" for at, name in enumerate(names))
    (folder / "bpe.vocab").write_text(vocabulary, encoding="utf-8")


def write_tokens(folder: Path, names: Sequence[str]) -> Path:
    """Write `tokens.txt`; return the folder."""
    lines = (f"{name} {at}\n" for at, name in enumerate(names))
    (folder / "tokens.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def save(path: Path, graph: Graph, about: dict[str, str]) -> None:
    """Write a network, and what it says of itself."""
    nodes, inputs, outputs, constants = graph
    made = helper.make_model(
        helper.make_graph(nodes, "tiny", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    helper.set_model_props(made, about)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(made, path)


def reals(name: str, *shape: int | str) -> Any:
    """Return an input or output of float32."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def integers(name: str, *shape: int | str) -> Any:
    """Return an input or output of int64."""
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)


def small_integers(name: str, *shape: int | str) -> Any:
    """Return an input or output of int32."""
    return helper.make_tensor_value_info(name, TensorProto.INT32, shape)


def number(name: str, value: int) -> Any:
    """Return a constant of one int64."""
    return constant(name, np.array([value], np.int64))


def constant(name: str, value: Any) -> Any:
    """Return a constant."""
    return numpy_helper.from_array(np.asarray(value), name)
