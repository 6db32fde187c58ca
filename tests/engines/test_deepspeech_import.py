"""Other people's model files: ours come back, TensorFlow's own are read, damaged ones refused."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.exporters.graph import export_pb, export_pbmm
from antiphon_engines.deepspeech.exporters.tflite import export_tflite
from antiphon_engines.deepspeech.exporters.wire import block, integer, real, text
from antiphon_engines.deepspeech.importers import load_weights
from antiphon_engines.deepspeech.importers.crc32c import crc32c, masked
from antiphon_engines.deepspeech.importers.graph import import_graph
from antiphon_engines.deepspeech.importers.wire import FIELDS_MAX, Message
from antiphon_engines.deepspeech.weights import Geometry, Weights, random_weights
from antiphon_engines.errors import ModelError
from tests.support.network import SMALL, network

MADE_BY_TENSORFLOW = Path(__file__).parent / "tensorflow_models"
EXPORTS = {"pb": export_pb, "pbmm": export_pbmm, "tflite": export_tflite}
TINY = Geometry(hidden=4, lstm=3)
ENGLISH = Alphabet.english()


def same(one: Weights, other: Weights) -> bool:
    have = dict(other.arrays())
    return one.geometry == other.geometry and all(
        np.array_equal(array, have[name]) for name, array in one.arrays()
    )


def written(kind: str, weights: Weights, folder: Path) -> Path:
    path = folder / f"model.{kind}"
    EXPORTS[kind](weights, path)
    return path


@pytest.mark.parametrize("kind", EXPORTS)
@pytest.mark.parametrize(
    "geometry",
    [
        SMALL,
        Geometry(hidden=40, lstm=70),
        Geometry(hidden=4, lstm=4, classes=256),
        Geometry(hidden=4, lstm=4, context=3, features=13, classes=60),
        Geometry(hidden=4, lstm=4, sample_rate_hz=8_000, window_samples=256, step_samples=160),
    ],
    ids=["small", "other widths", "bytes", "other inputs", "8 kHz"],
)
def test_what_we_write_comes_back(kind: str, geometry: Geometry, tmp_path: Path) -> None:
    weights = msgspec.structs.replace(random_weights(geometry, 1), beam_width=70, language="cy")
    back = load_weights(written(kind, weights, tmp_path))
    assert same(weights, back)
    assert back.alphabet == weights.alphabet
    assert (back.beam_width, back.language) == (70, "cy")


@pytest.mark.parametrize("kind", EXPORTS)
def test_normalisation_is_folded_on_the_way_out(kind: str, tmp_path: Path) -> None:
    arrays = dict(network().arrays())
    arrays["mean"], arrays["std"] = np.full(26, 2, np.float32), np.full(26, 4, np.float32)
    weights = Weights.from_arrays(arrays, geometry=SMALL, alphabet=ENGLISH)
    assert same(load_weights(written(kind, weights, tmp_path)), weights.folded())


@pytest.mark.parametrize("kind", EXPORTS)
def test_a_bidirectional_network_is_not_written(kind: str, tmp_path: Path) -> None:
    weights = network(geometry=Geometry(hidden=4, lstm=4, bidirectional=True))
    with pytest.raises(ModelError, match="bidirectional"):
        written(kind, weights, tmp_path)


def test_our_own_files_are_read_too(tmp_path: Path) -> None:
    network().save(tmp_path / "model.npz")
    assert same(load_weights(tmp_path / "model.npz"), network())


@pytest.mark.parametrize("name", ["train-3", "train-3.index", "."])
def test_a_checkpoint_of_tensorflow_is_read(name: str) -> None:
    weights = load_weights(MADE_BY_TENSORFLOW / "checkpoint" / name, ENGLISH)
    assert same(weights, random_weights(Geometry(hidden=3, lstm=2), 7))


def test_a_checkpoint_needs_its_alphabet() -> None:
    with pytest.raises(ModelError, match="needs the alphabet"):
        load_weights(MADE_BY_TENSORFLOW / "checkpoint")
    with pytest.raises(ModelError, match="29 outputs"):
        load_weights(MADE_BY_TENSORFLOW / "checkpoint", Alphabet((" ", "a")))


def test_a_file_of_tensorflows_converter_is_read_with_its_8_bit_weights() -> None:
    weights = load_weights(MADE_BY_TENSORFLOW / "quantised.tflite")
    expected = random_weights(Geometry(hidden=8, lstm=16), 7, gain=2.0)
    assert weights.geometry == expected.geometry
    have = dict(weights.arrays())
    for name, array in expected.arrays():
        # Half of one of 127 steps, where the converter has quantised; biases it has not.
        step = np.abs(array).max() / 127 if name.endswith(".w") else 0
        np.testing.assert_allclose(have[name], array, atol=0.51 * step)
    assert not np.array_equal(have["dense1.w"], expected.dense1.w)


def damaged(kind: str, tmp_path: Path, damage: Callable[[bytearray], bytes | bytearray]) -> None:
    """Damage a file; it must be read, or refused by name."""
    path = written(kind, random_weights(TINY, 1), tmp_path)
    path.write_bytes(damage(bytearray(path.read_bytes())))
    with contextlib.suppress(ModelError):
        load_weights(path)


@pytest.mark.parametrize("kind", EXPORTS)
def test_files_cut_short_are_refused(kind: str, tmp_path: Path) -> None:
    path = written(kind, random_weights(TINY, 1), tmp_path)
    whole = path.read_bytes()
    for size in sorted({*range(0, 64, 3), *range(64, len(whole) - 1, len(whole) // 40)}):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError, match=rf"model\.{kind}"):
            load_weights(path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXPORTS)
@given(data=st.data())
def test_damaged_files_give_one_declared_error(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def damage(content: bytearray) -> bytearray:
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, content[at] ^ 1]))
        return content

    damaged(kind, tmp_path_factory.mktemp("damaged"), damage)


@given(data=st.data())
def test_damaged_checkpoints_give_one_declared_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("checkpoint") / "copy"
    shutil.copytree(MADE_BY_TENSORFLOW / "checkpoint", folder)
    path = folder / data.draw(
        st.sampled_from(["train-3.index", "train-3.data-00000-of-00001", "checkpoint"])
    )
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(at, len(content)))])
    with contextlib.suppress(ModelError):
        load_weights(folder, ENGLISH)


def test_a_flipped_bit_in_a_checkpoint_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(MADE_BY_TENSORFLOW / "checkpoint", folder)
    path = folder / "train-3.data-00000-of-00001"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="checksum"):
        load_weights(folder, ENGLISH)


@given(content=st.binary(max_size=300))
def test_any_bytes_give_one_declared_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "model"
    for head in (b"", b"PK\x03\x04", b"\x1c\0\0\0TFL3"):
        path.write_bytes(head + content)
        with pytest.raises(ModelError, match="model"):
            load_weights(path)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        load_weights(tmp_path / "none.pb")
    with pytest.raises(ModelError, match="without a checkpoint"):
        load_weights(tmp_path)
    with pytest.raises(ModelError, match="No such file"):
        load_weights(tmp_path / "none.index", ENGLISH)
    with pytest.raises(ModelError, match="too long"):
        load_weights(tmp_path / ("x" * 300))


def node(name: str, op: str, **attributes: bytes) -> bytes:
    entries = b"".join(block(5, text(1, key) + block(2, one)) for key, one in attributes.items())
    return block(1, text(1, name) + text(2, op) + entries)


def constant(name: str, *, sizes: tuple[int, ...], value: bytes) -> bytes:
    shape = b"".join(block(2, integer(1, size)) for size in sizes)
    tensor = integer(1, 1) + block(2, shape) + value
    return node(name, "Const", dtype=integer(6, 1), value=block(8, tensor))


def extended(tmp_path: Path, more: bytes) -> Path:
    """Return a graph with further nodes; of two that have one name the later is read."""
    path = written("pb", random_weights(TINY, 1), tmp_path)
    path.write_bytes(path.read_bytes() + more)
    return path


@pytest.mark.parametrize("sizes", [(1 << 40,), (1 << 20, 1 << 20), (1 << 62, 4), (-1,)])
def test_a_shape_cannot_ask_for_memory(sizes: tuple[int, ...], tmp_path: Path) -> None:
    for value in (real(5, 1.0), block(4, bytes(16)), b""):
        more = constant("layer_1/bias", sizes=sizes, value=value)
        with pytest.raises(ModelError, match="shape"):
            load_weights(extended(tmp_path, more))


def test_one_value_may_stand_for_all(tmp_path: Path) -> None:
    more = constant("layer_1/bias", sizes=(4,), value=real(5, 0.5))
    weights = load_weights(extended(tmp_path, more))
    np.testing.assert_array_equal(weights.dense1.b, np.full(4, 0.5, np.float32))


def test_what_we_do_not_compute_is_refused(tmp_path: Path) -> None:
    gamma = constant("layer_1/LayerNorm/gamma", sizes=(4,), value=real(5, 1.0))
    with pytest.raises(ModelError, match="layer normalisation"):
        load_weights(extended(tmp_path, gamma))
    clip = constant("layer_1/Minimum/y", sizes=(), value=real(5, 6.0))
    with pytest.raises(ModelError, match="cuts its layers' outputs at 6"):
        load_weights(extended(tmp_path, clip))
    peephole = node("BlockLSTM", "BlockLSTM", use_peephole=integer(5, 1))
    with pytest.raises(ModelError, match="peepholes"):
        load_weights(extended(tmp_path, peephole))


def test_a_forget_bias_goes_into_the_bias(tmp_path: Path) -> None:
    lstm = node("BlockLSTM", "BlockLSTM", forget_bias=real(4, 1.0))
    bias = load_weights(extended(tmp_path, lstm)).lstm.b - random_weights(TINY, 1).lstm.b
    np.testing.assert_allclose(bias, np.repeat([0, 0, 1, 0], 3), atol=1e-6)


def test_a_foreign_graph_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "other.pb"
    path.write_bytes(node("x", "Placeholder"))
    with pytest.raises(ModelError, match=r"other\.pb.*BlockLSTM"):
        load_weights(path)


def test_a_flood_of_fields_is_cut_off() -> None:
    with pytest.raises(ModelError, match="fields"):
        Message(memoryview(b"\x08\x01" * (FIELDS_MAX + 1)))
    with pytest.raises(ModelError, match="numbers"):
        Message(memoryview(block(7, b"\x01" * (FIELDS_MAX + 1)))).integers(7)
    with pytest.raises(ModelError, match="nodes"):
        import_graph(memoryview(block(1, b"") * 30_000))


@given(value=st.integers(-(1 << 63), (1 << 63) - 1), number=st.integers(1, 500))
def test_integers_come_back(value: int, number: int) -> None:
    message = Message(memoryview(integer(number, value)))
    assert message.integer(number) == value
    assert message.integers(number) == [value]


@pytest.mark.parametrize(
    ("data", "checksum"),
    [(b"", 0), (b"123456789", 0xE306_9283), (bytes(32), 0x8A91_36AA), (b"\xff" * 32, 0x62A8_AB43)],
)
def test_checksums_are_those_of_the_rfc(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


@given(data=st.binary(min_size=1, max_size=5000), cut=st.integers(1, 4999))
def test_lanes_do_not_change_the_checksum(data: bytes, cut: int) -> None:
    """Bytewise, as the RFC has it."""
    register = 0xFFFF_FFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F6_3B78 if register & 1 else 0)
    assert crc32c(data) == register ^ 0xFFFF_FFFF
    assert masked(crc32c(data)) != masked(crc32c(data[:cut] + b"x"))
