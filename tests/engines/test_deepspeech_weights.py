"""Alphabets and weights: what they hold comes back, and what cannot be is refused."""

import contextlib
import io
import math
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.weights import Geometry, Weights, random_weights
from antiphon_engines.errors import ContextError, ModelError
from tests.support.network import SMALL, network

LABELS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=3),
    min_size=1,
    max_size=40,
    unique=True,
)


def test_english_is_mozillas_order() -> None:
    english = Alphabet.english()
    assert (english.labels[0], english.labels[1], english.labels[27]) == (" ", "a", "'")
    assert (english.blank, english.space, english.classes) == (28, 0, 29)
    assert english.decode(english.encode("it's on")) == "it's on"


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_the_byte_mode_writes_any_language(text: str) -> None:
    assert Alphabet.utf8().decode(Alphabet.utf8().encode(text)) == text


def test_half_a_character_of_bytes_is_shown_as_such() -> None:
    utf8 = Alphabet.utf8()
    assert utf8.decode(utf8.encode("é")[:1]) == "�"
    assert (utf8.blank, utf8.space) == (255, 31)


@given(labels=LABELS)
def test_packed_alphabets_come_back(labels: list[str]) -> None:
    alphabet = Alphabet(tuple(labels))
    assert Alphabet.unpack(alphabet.pack()) == alphabet
    assert Alphabet.unpack(Alphabet.utf8().pack()) == Alphabet.utf8()


@given(labels=LABELS, data=st.data())
def test_damaged_packed_alphabets_are_refused_or_read(
    labels: list[str], data: st.DataObject
) -> None:
    packed = bytearray(Alphabet(tuple(labels)).pack())
    for cut in (0, 1, len(packed) // 2, len(packed) - 1):
        with pytest.raises(ModelError, match="alphabet"):
            Alphabet.unpack(bytes(packed[:cut]))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ModelError):
        Alphabet.unpack(bytes(packed))


@given(labels=LABELS.filter(lambda labels: all(one[0] != "#" or one == "#" for one in labels)))
def test_alphabet_files_come_back(
    labels: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("alphabet") / "alphabet.txt"
    Alphabet(tuple(labels)).write(path)
    assert Alphabet.read(path).labels == tuple(labels)


def test_alphabet_files_have_comments_and_any_line_end(tmp_path: Path) -> None:
    path = tmp_path / "alphabet.txt"
    path.write_bytes(b"# the labels\r\n \r\na\r\n\\#\r\n# the end")
    assert Alphabet.read(path).labels == (" ", "a", "#")


@pytest.mark.parametrize("content", [b"", b"# only\n", b"a\na\n", b"\xff\xfe", b"x" * 2_000_000])
def test_other_files_are_no_alphabets(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "alphabet.txt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"alphabet .*alphabet\.txt"):
        Alphabet.read(path)
    with pytest.raises(ModelError, match="No such file"):
        Alphabet.read(tmp_path / "none.txt")


def test_what_the_alphabet_lacks_is_named() -> None:
    with pytest.raises(ContextError, match="'7'"):
        Alphabet.english().encode("channel 7")
    for index in (28, -1):
        with pytest.raises(ModelError, match="outside"):
            Alphabet.english().decode([index])
    with pytest.raises(ModelError, match="bytes"):
        Alphabet(("a", "b"), "bytes")
    with pytest.raises(ModelError, match="byte mode"):
        Alphabet.utf8().write(Path("alphabet.txt"))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("normalised", [False, True])
def test_saved_weights_come_back(bidirectional: bool, normalised: bool, tmp_path: Path) -> None:
    geometry = msgspec.structs.replace(SMALL, bidirectional=bidirectional)
    arrays = dict(network(geometry=geometry).arrays())
    if normalised:
        arrays["mean"], arrays["std"] = np.zeros(26, np.float32), np.ones(26, np.float32)
    weights = Weights.from_arrays(
        arrays, geometry=geometry, alphabet=Alphabet.english(), beam_width=70, language="en-GB"
    )
    weights.save(tmp_path / "model.npz")
    back = Weights.load(tmp_path / "model.npz")
    assert (back.geometry, back.alphabet) == (geometry, weights.alphabet)
    assert (back.beam_width, back.language) == (70, "en-GB")
    have = dict(back.arrays())
    assert set(have) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(have[name], array)
    assert set(np.load(tmp_path / "model.npz", allow_pickle=False)) > set(arrays)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, same, other = network(1), network(1), network(2)
    np.testing.assert_array_equal(one.dense1.w, same.dense1.w)
    assert not np.array_equal(one.dense1.w, other.dense1.w)
    assert random_weights(Geometry(hidden=4, lstm=4, classes=256), 1).alphabet.kind == "bytes"
    assert random_weights(Geometry(hidden=4, lstm=4, classes=50), 1).alphabet.space == 0


@pytest.mark.parametrize("change", ["shape", "type", "nan", "missing", "alphabet"])
def test_weights_that_do_not_fit_are_refused(change: str) -> None:
    arrays, alphabet = dict(network().arrays()), Alphabet.english()
    match change:
        case "shape":
            arrays["dense2.w"] = arrays["dense2.w"][:-1]
        case "type":
            arrays["dense2.b"] = arrays["dense2.b"].astype(np.float64)  # type: ignore[assignment]
        case "nan":
            arrays["lstm.w"] = arrays["lstm.w"] * np.float32(math.inf)
        case "missing":
            del arrays["dense5.w"], arrays["dense5.b"]
        case _:
            alphabet = Alphabet((" ", "a"))
    with pytest.raises(ModelError, match=r"dense|lstm|whole|alphabet"):
        Weights.from_arrays(arrays, geometry=SMALL, alphabet=alphabet)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    network().save(path)
    whole, random = path.read_bytes(), np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(whole)
        # The headers are where it matters: at the begin, before each array, at the end.
        at = int(random.choice([random.integers(0, 900), -1 - random.integers(0, 2000)]))
        damaged[at] ^= int(random.integers(1, 256))
        path.write_bytes(damaged[: random.integers(1, len(whole))] if at % 3 == 0 else damaged)
        with contextlib.suppress(ModelError):
            Weights.load(path)


def rewritten(path: Path, name: str, content: bytes) -> None:
    """Replace one entry of the file."""
    with zipfile.ZipFile(path) as file:
        entries = {one: file.read(one) for one in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for one, data in (entries | {name: content}).items():
            file.writestr(one, data)


def test_a_header_cannot_ask_for_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    network().save(path)
    huge = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 1 << 10)}
    np.lib.format.write_array_header_1_0(huge, header)
    rewritten(path, "dense2.w.npy", huge.getvalue())
    with pytest.raises(ModelError, match="dense2"):
        Weights.load(path)


@pytest.mark.parametrize("hidden", [0, -1, 1 << 20, "many"])
def test_absurd_sizes_are_refused(hidden: int | str, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    network().save(path)
    with zipfile.ZipFile(path) as file:
        meta = msgspec.json.decode(file.read("meta.json"))
    meta["geometry"]["hidden"] = hidden
    rewritten(path, "meta.json", msgspec.json.encode(meta))
    with pytest.raises(ModelError, match="hidden"):
        Weights.load(path)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, weights=np.array([{}], dtype=object))
    with pytest.raises(ModelError, match="none of ours"):
        Weights.load(path)
