"""The network in numpy: chunks of any size, and what it must not do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.deepspeech.features import inputs
from antiphon_engines.deepspeech.reference import ReferenceModel
from antiphon_engines.deepspeech.weights import Geometry, Layer, Weights
from antiphon_engines.errors import ModelError
from tests.support.network import SMALL, cut, network, noise


@given(
    samples=st.integers(0, 16_000),
    cuts=st.lists(st.integers(1, 40), min_size=1),
    seed=st.integers(0, 5),
)
def test_streaming_equals_offline(samples: int, cuts: list[int], seed: int) -> None:
    model, pcm = ReferenceModel(network(seed)), noise(samples, seed)
    state, parts = model.initial_state(), []
    for part in cut(inputs(pcm), cuts):
        heard, state = model.run(part, state)
        parts.append(heard)
    np.testing.assert_allclose(np.concatenate(parts), model.whole(pcm), atol=1e-5)


def test_it_gives_probabilities() -> None:
    heard = ReferenceModel(network()).whole(noise(8000))
    assert heard.shape == (25, 29)
    assert heard.dtype == np.float32
    np.testing.assert_allclose(heard.sum(axis=1), 1, atol=1e-5)
    assert heard.std(axis=0).max() > 0.01  # it does not say the same for every frame


def test_each_layer_does_what_the_paper_says() -> None:
    """One frame, by hand, in double precision."""
    weights = network()
    x = inputs(noise(320))[0].astype(float)
    for layer in (weights.dense1, weights.dense2, weights.dense3):
        x = np.minimum(np.maximum(x @ layer.w + layer.b, 0), 20)
    i, g, f, o = np.split(np.concatenate([x, np.zeros(16)]) @ weights.lstm.w + weights.lstm.b, 4)
    sigmoid = lambda y: 1 / (1 + np.exp(-y))  # noqa: E731 - a formula
    assert f.shape == (16,)  # forgets nothing yet
    x = sigmoid(o) * np.tanh(sigmoid(i) * np.tanh(g))
    x = np.minimum(np.maximum(x @ weights.dense5.w + weights.dense5.b, 0), 20)
    logits = x @ weights.dense6.w + weights.dense6.b
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(ReferenceModel(weights).whole(noise(320))[0], expected, atol=1e-6)


def test_normalisation_can_be_folded_into_the_first_layer() -> None:
    arrays = dict(network().arrays())
    random = np.random.default_rng(1)
    arrays["mean"] = random.normal(0, 2, 26).astype(np.float32)
    arrays["std"] = random.uniform(0.5, 3, 26).astype(np.float32)
    normal = Weights.from_arrays(arrays, geometry=SMALL, alphabet=network().alphabet)
    folded = normal.folded()
    assert folded.mean is None
    x = inputs(noise(4000))
    by_hand = (x - np.tile(arrays["mean"], 19)) / np.tile(arrays["std"], 19)
    np.testing.assert_allclose(
        x @ folded.dense1.w + folded.dense1.b,
        by_hand @ normal.dense1.w + normal.dense1.b,
        atol=2e-4,
    )


def test_a_bidirectional_network_hears_whole_utterances_only() -> None:
    model = ReferenceModel(network(geometry=Geometry(hidden=8, lstm=6, bidirectional=True)))
    pcm = noise(4000)
    assert model.whole(pcm).shape == (12, 29)
    with pytest.raises(ModelError, match="whole"):
        model.run(inputs(pcm), model.initial_state())


def test_the_backward_lstm_hears_the_future() -> None:
    geometry = Geometry(hidden=8, lstm=6, bidirectional=True)
    one = noise(16_000)
    other = one.copy()
    other[-2000:] = 0
    first = [ReferenceModel(network(geometry=geometry)).whole(pcm)[0] for pcm in (one, other)]
    assert np.abs(first[0] - first[1]).max() > 1e-6
    forward = [ReferenceModel(network()).whole(pcm)[0] for pcm in (one, other)]
    np.testing.assert_array_equal(forward[0], forward[1])


def test_outputs_are_clipped() -> None:
    weights = network()
    loud = Layer(weights.dense1.w * 1000, weights.dense1.b)
    arrays = dict(weights.arrays()) | {"dense1.w": loud.w}
    model = ReferenceModel(Weights.from_arrays(arrays, geometry=SMALL, alphabet=weights.alphabet))
    assert np.isfinite(model.whole(noise(4000))).all()
