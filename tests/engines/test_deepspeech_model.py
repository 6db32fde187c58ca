"""The network in torch equals the one in numpy, and learns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.features import inputs
from antiphon_engines.deepspeech.reference import ReferenceModel
from antiphon_engines.deepspeech.weights import Geometry, Weights
from antiphon_engines.errors import ModelError
from tests.support.examples import examples
from tests.support.network import SMALL, cut, network, noise

torch = pytest.importorskip("torch", reason="the extra `torch` is not installed")
model = pytest.importorskip("antiphon_engines.deepspeech.model")

BOTH_WAYS = Geometry(hidden=10, lstm=6, bidirectional=True)


def normalised(seed: int = 2) -> Weights:
    random = np.random.default_rng(seed)
    arrays = dict(network(seed).arrays())
    arrays["mean"] = random.normal(0, 2, 26).astype(np.float32)
    arrays["std"] = random.uniform(0.5, 3, 26).astype(np.float32)
    return Weights.from_arrays(arrays, geometry=SMALL, alphabet=Alphabet.english())


@pytest.mark.parametrize("weights", [network(), normalised()], ids=["plain", "normalised"])
def test_it_equals_the_reference(weights: Weights) -> None:
    pcm = noise(20_000)
    with torch.inference_mode():
        heard, _ = (
            model.Network.from_weights(weights)
            .eval()
            .probabilities(torch.from_numpy(inputs(pcm))[None])
        )
    np.testing.assert_allclose(heard[0].numpy(), ReferenceModel(weights).whole(pcm), atol=1e-5)


def test_the_bidirectional_one_equals_the_reference_at_each_length() -> None:
    weights = network(geometry=BOTH_WAYS)
    clips = [noise(9000, 1), noise(4000, 2)]
    frames = [torch.from_numpy(inputs(pcm)) for pcm in clips]
    batch = torch.nn.utils.rnn.pad_sequence(frames, batch_first=True)
    lengths = torch.tensor([len(one) for one in frames])
    with torch.inference_mode():
        logits, _ = model.Network.from_weights(weights).eval()(batch, None, lengths)
    for row, pcm, length in zip(logits, clips, lengths, strict=True):
        heard = row[:length].softmax(-1).numpy()
        np.testing.assert_allclose(heard, ReferenceModel(weights).whole(pcm), atol=1e-5)


@settings(max_examples=examples(25))
@given(cuts=st.lists(st.integers(1, 33), min_size=1), seed=st.integers(0, 3))
def test_streaming_equals_offline(cuts: list[int], seed: int) -> None:
    weights, pcm = network(seed), noise(8000, seed)
    net = model.Network.from_weights(weights).eval()
    state, parts = net.zero_state(), []
    with torch.inference_mode():
        for part in cut(inputs(pcm), cuts):
            heard, state = net.probabilities(torch.from_numpy(part)[None], state)
            parts.append(heard[0].numpy())
    np.testing.assert_allclose(np.concatenate(parts), ReferenceModel(weights).whole(pcm), atol=1e-5)


def test_streams_of_a_batch_do_not_hear_each_other() -> None:
    net = model.Network.from_weights(network()).eval()
    frames = torch.from_numpy(np.stack([inputs(noise(3200, seed)) for seed in range(3)]))
    with torch.inference_mode():
        together, (c, h) = net(frames, net.zero_state(3))
        alone, _ = net(frames[1:2], net.zero_state(1))
    assert c.shape == h.shape == (3, 16)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)


@pytest.mark.parametrize("geometry", [SMALL, BOTH_WAYS], ids=["forward", "both ways"])
def test_weights_come_back_as_they_went_in(geometry: Geometry) -> None:
    weights = network(geometry=geometry)
    back = model.Network.from_weights(weights).to_weights(weights.alphabet)
    have = dict(back.arrays())
    for name, array in weights.arrays():
        np.testing.assert_array_equal(have[name], array)
    assert back.geometry == geometry


@pytest.mark.slow
def test_it_learns_by_ctc() -> None:
    torch.manual_seed(1)
    net = model.Network(SMALL, dropout=0.05)
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    frames = torch.from_numpy(inputs(noise(9600)))[None]
    frames = (frames - frames.mean()) / frames.std()
    text = torch.tensor([Alphabet.english().encode("light on")])
    losses = []
    for _ in range(60):
        logits, _ = net(frames)
        loss = torch.nn.functional.ctc_loss(
            logits.log_softmax(-1).transpose(0, 1), text, [frames.shape[1]], [8], blank=28
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_a_bidirectional_network_takes_no_state() -> None:
    net = model.Network(BOTH_WAYS)
    with pytest.raises(ModelError, match="whole"):
        net(torch.zeros(1, 2, 494), net.zero_state())


def test_a_network_that_diverged_is_refused() -> None:
    net = model.Network(SMALL)
    with torch.no_grad():
        net.dense2.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match="NaN"):
        net.to_weights(Alphabet.english())
