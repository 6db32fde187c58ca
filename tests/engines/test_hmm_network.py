"""The network of senones: its file, what it rates, and that moments are rated the same in parts."""

import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.errors import ModelError
from antiphon_engines.hmm.model import AcousticModel
from antiphon_engines.hmm.network import (
    FIRST_TAPS,
    MAGIC,
    TAPS,
    Along,
    Arrays,
    Header,
    Network,
    read_network,
    write_network,
)
from antiphon_engines.hmm.rating import NETWORK_SHARE, WEIGHT, Rated, Rater, mean_of
from antiphon_engines.hmm.scorer import Scorer
from antiphon_engines.stt.dictation import model_path
from antiphon_engines.stt.features import BANDS, CEPSTRA
from antiphon_engines.stt.pocketsphinx import NETWORK

HEADER = Header(bands=4, width=8, bottleneck=3, dilations=(1, 2), classes=5, senones=7, scale=0.5)
CLASSES = np.array([0, 1, 2, 3, 4, 4, 0])
FILE_BYTES_MAX = 10_000_000


def arrays_of(header: Header) -> Arrays:
    chance = np.random.default_rng(1)
    return {name: chance.normal(size=shape).astype(np.float32) for name, shape in header.shapes()}


def numbers(frames: int, width: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(frames, width)).astype(np.float32)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "small.senones"
    write_network(path, HEADER, arrays_of(HEADER), CLASSES)
    return path


def slow_rate(arrays: Arrays, bands: np.ndarray) -> np.ndarray:
    """Rate frame by frame, as the docstring says it."""
    at = {place: row * HEADER.scale for place, row in enumerate(bands.astype(np.float64))}

    def layer(weight: np.ndarray, names: tuple[str, str, str], taps: int, dilation: int) -> None:
        nonlocal at
        after = {}
        for place, own in at.items():
            seen = [place + (tap - taps // 2) * dilation for tap in range(taps)]
            if all(one in at for one in seen):
                wide = np.concatenate([at[one] for one in seen]) @ weight + arrays[names[0]]
                ended = np.maximum(wide, 0) * arrays[names[1]] + arrays[names[2]]
                after[place] = ended + (own if taps == TAPS else 0.0)
        at = after

    layer(arrays["first"], ("first_bias", "first_gain", "first_shift"), FIRST_TAPS, 1)
    for number, dilation in enumerate(HEADER.dilations):
        names = (f"bias{number}", f"gain{number}", f"shift{number}")
        layer(arrays[f"down{number}"] @ arrays[f"up{number}"], names, TAPS, dilation)
    rated = np.array([at[place] @ arrays["out"] + arrays["out_bias"] for place in sorted(at)])
    return rated[:, CLASSES]


def test_it_rates_as_it_says(written: Path) -> None:
    bands = numbers(20 + 2 * HEADER.reach, HEADER.bands)
    found = Along(read_network(written, HEADER.senones)).push(bands)
    expected = slow_rate(arrays_of(HEADER), bands)
    assert found.shape == (20, HEADER.senones)
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.05 * np.abs(expected).max())


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_parts_are_rated_as_the_whole(lengths: list[int]) -> None:
    network = Network(HEADER, arrays_of(HEADER), CLASSES)
    bands = numbers(sum(lengths), HEADER.bands)
    along = Along(network)
    parts = [along.push(part) for part in np.split(bands, np.cumsum(lengths)[:-1])]
    whole = Along(network).push(bands)
    assert len(whole) == max(0, len(bands) - 2 * HEADER.reach)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-4, atol=1e-3)


def rater() -> Rater:
    model = AcousticModel(model_path("en-us/en-us"))
    return Rater(Scorer(model), network_for(model))


def network_for(model: AcousticModel) -> Network:
    wide = msgspec.structs.replace(HEADER, bands=BANDS, senones=model.phones.senones)
    return Network(wide, arrays_of(wide), np.arange(model.phones.senones) % HEADER.classes)


def test_gaussians_and_network_share_the_weight_that_gaussians_have_alone() -> None:
    model = AcousticModel(model_path("en-us/en-us"))
    network = network_for(model)
    cepstra, bands = numbers(12, CEPSTRA), numbers(12, BANDS)
    around = np.pad(bands, ((HEADER.reach, HEADER.reach), (0, 0)), "edge")
    expected = WEIGHT * NETWORK_SHARE * Along(network).push(around)
    alone, both = Rater(Scorer(model)), Rater(Scorer(model), network)
    added = both.whole(cepstra, bands) - (1 - NETWORK_SHARE) * alone.whole(cepstra, bands)
    np.testing.assert_allclose(added, expected, atol=1e-3 * np.abs(expected).max() + 1e-2)


@pytest.mark.parametrize("step", [1, 7, 40])
@pytest.mark.parametrize("frames", [1, 5, 40])
def test_an_utterance_is_rated_along_the_way_as_at_once(step: int, frames: int) -> None:
    whole, along = rater(), rater().along()
    cepstra, bands = numbers(frames, CEPSTRA), numbers(frames, BANDS)
    parts = [
        along.push(cepstra[at : at + step], bands[at : at + step]) for at in range(0, frames, step)
    ]
    found = np.concatenate((*parts, along.finish()))
    expected = whole.whole(cepstra, bands)
    assert found.shape == expected.shape == (frames, 5126)
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_nothing_heard_is_rated_as_nothing() -> None:
    assert rater().along().finish().shape == (0, 5126)


def test_no_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_network(tmp_path / "none.senones", 7)


def test_another_models_network_is_refused(written: Path) -> None:
    with pytest.raises(ModelError, match="another model"):
        read_network(written, 8)


@pytest.mark.parametrize("kept", [0, 10, len(MAGIC), len(MAGIC) + 30, -1])
def test_a_file_cut_short_is_an_error(written: Path, kept: int) -> None:
    written.write_bytes(written.read_bytes()[:kept])
    with pytest.raises(ModelError):
        read_network(written, HEADER.senones)


def repacked(path: Path, change: tuple[int, bytes]) -> None:
    body = bytearray(zlib.decompress(path.read_bytes()[len(MAGIC) :]))
    at, new = change
    body[at : at + len(new)] = new
    path.write_bytes(MAGIC + zlib.compress(bytes(body)))


@pytest.mark.parametrize("at", [0, 4, 12])
def test_a_damaged_header_is_an_error(written: Path, at: int) -> None:
    repacked(written, (at, b"\xff\xff\xff\xff"))
    with pytest.raises(ModelError, match="damaged"):
        read_network(written, HEADER.senones)


def test_weights_that_are_no_numbers_are_an_error(written: Path) -> None:
    body = zlib.decompress(written.read_bytes()[len(MAGIC) :])
    repacked(written, (len(body) - 2, np.array([np.nan], "<f2").tobytes()))
    with pytest.raises(ModelError, match="no number"):
        read_network(written, HEADER.senones)


def test_a_class_that_is_none_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "wrong.senones"
    write_network(path, HEADER, arrays_of(HEADER), CLASSES + 1)
    with pytest.raises(ModelError, match="damaged"):
        read_network(path, HEADER.senones)


def test_the_one_that_ships_fits_the_model_and_the_package() -> None:
    phones = AcousticModel(model_path("en-us/en-us")).phones
    network = read_network(NETWORK, phones.senones)
    assert network.header.bands == BANDS
    assert NETWORK.stat().st_size <= FILE_BYTES_MAX


@pytest.mark.parametrize(("begin", "frames"), [(5, 6), (3, 9), (7, 2), (8, 9), (0, 2), (30, 4)])
def test_looks_are_averaged_frame_by_frame(begin: int, frames: int) -> None:
    first, other = Rated(5, numbers(6, 4)), Rated(begin, numbers(frames, 4) + 1)
    found = mean_of(first, [other, first])
    for place, row in enumerate(found, 5):
        there = begin <= place < begin + frames
        theirs = other.scores[place - begin] if there else first.scores[place - 5]
        np.testing.assert_allclose(row, (2 * first.scores[place - 5] + theirs) / 3, rtol=1e-5)


def test_a_look_alone_is_its_own_mean() -> None:
    alone = Rated(0, numbers(6, 4))
    np.testing.assert_array_equal(mean_of(alone, []), alone.scores)
