"""The acoustic model's files: what is read of them, and what damaged ones give."""

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pocketsphinx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_engines.errors import ModelError
from antiphon_engines.hmm import model as model_module
from antiphon_engines.hmm.model import BEGIN, END, INSIDE, SINGLE, AcousticModel
from antiphon_engines.hmm.scorer import WINDOW_FRAMES, Scorer, differences
from tests.support.examples import examples

FOLDER = Path(pocketsphinx.get_model_path("en-us/en-us"))
FILES = ("mdef", "means", "variances", "sendump", "transition_matrices")


@pytest.fixture(scope="module")
def model() -> AcousticModel:
    return AcousticModel(FOLDER)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def test_what_the_files_hold(model: AcousticModel) -> None:
    assert model.means.shape == (42, 3, 128, 13)
    assert model.weights.shape == (3, 128, 5126)
    # Quantized: the weights of a senone add up to one but for the rounding.
    assert np.allclose(model.weights.sum(axis=1), 1.0, atol=0.1)
    assert np.allclose(model.transitions.sum(axis=2), 1.0)
    assert "SIL" in model.phones.names
    assert model.phones.is_filler(model.phones.silence)
    assert not model.phones.is_filler(model.phones.ids["AA"])


def test_a_senone_mixes_the_gaussians_of_its_own_phone(model: AcousticModel) -> None:
    phones = model.phones
    for name in ("AA", "K", "SIL"):
        base = phones.ids[name]
        states = phones.states(phones.alone(base)[0])
        assert {int(phones.base_of_senone[one]) for one in states} == {base}


def test_context_matters_where_it_is_known(model: AcousticModel) -> None:
    phones = model.phones
    k, ae, t, silence = (phones.ids[name] for name in ("K", "AE", "T", "SIL"))
    inside = phones.nearest(ae, k, t, INSIDE)
    assert inside != phones.alone(ae)
    assert phones.nearest(ae, t, k, INSIDE) != inside
    for place in (INSIDE, BEGIN, END, SINGLE):
        sequence, _ = phones.nearest(ae, silence, phones.ids["+NSN+"], place)
        assert {int(phones.base_of_senone[one]) for one in phones.states(sequence)} == {ae}


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelError, match=name):
        AcousticModel(copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_file_cut_short_is_refused(copy: Path, name: str, share: float) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match=name):
        AcousticModel(copy)


READERS = {
    "mdef": model_module.Phones,
    "means": model_module._gaussians,
    "sendump": lambda path: model_module._weights(path, 5126),
    "transition_matrices": model_module._transitions,
}


@pytest.mark.parametrize("name", READERS)
@given(at=st.integers(0, 1200), damage=st.binary(min_size=4, max_size=4))
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_in_the_head_is_an_error_or_harmless(
    tmp_path: Path, name: str, at: int, damage: bytes
) -> None:
    data = (FOLDER / name).read_bytes()
    (tmp_path / name).write_bytes(data[:at] + damage + data[at + 4 :])
    with contextlib.suppress(ModelError):  # anything else fails the test
        READERS[name](tmp_path / name)


def test_a_frame_scores_as_its_mixture_says(model: AcousticModel) -> None:
    frame = np.random.default_rng(1).normal(0, 5, 39).astype(np.float32)
    senone = 1234
    base = model.phones.base_of_senone[senone]
    expected = 0.0
    for stream in range(3):
        part = frame[13 * stream : 13 * stream + 13]
        mean, variance = model.means[base, stream], model.variances[base, stream]
        densities = -0.5 * (np.log(2 * np.pi * variance) + (part - mean) ** 2 / variance).sum(-1)
        expected += np.logaddexp.reduce(densities + np.log(model.weights[stream, :, senone]))
    found = Scorer(model).score(frame[None])
    assert found.shape == (1, 5126)
    assert found[0, senone] == pytest.approx(expected, abs=0.01)


def test_differences_do_not_depend_on_how_an_utterance_is_cut() -> None:
    frames = np.random.default_rng(2).normal(0, 5, (40, 13)).astype(np.float32)
    edges = [np.repeat(one, WINDOW_FRAMES, axis=0) for one in (frames[:1], frames[-1:])]
    expected = differences(frames, before=edges[0], after=edges[1])
    assert expected.shape == (40, 39)
    assert np.array_equal(expected[10, 13:26], frames[12] - frames[8])
    inner = differences(
        frames[10:20],
        before=frames[10 - WINDOW_FRAMES : 10],
        after=frames[20 : 20 + WINDOW_FRAMES],
    )
    assert np.array_equal(inner, expected[10:20])
