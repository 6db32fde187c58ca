"""Features equal TensorFlow's, and are the same however the audio is cut."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.deepspeech.features import ContextStream, FeatureStream, features, inputs
from antiphon_engines.deepspeech.weights import Geometry
from antiphon_engines.errors import ModelError
from tests.support.network import Samples, cut

# What TensorFlow 2.21's AudioSpectrogram and Mfcc give for `audio(10 * window)`: the first four
# coefficients of the second frame, the last four of the last one, and the sum of all magnitudes.
TENSORFLOW = [
    ((16_000, 512, 320), (6.57568, -2.65826, 1.17264, 0.08238),
     (-0.24005, -0.07776, -0.4385, -0.35703), 628.78674),
    ((8_000, 256, 160), (-3.71395, -1.66238, 3.07569, 1.52565),
     (-0.34319, 0.12304, 0.44519, -0.48774), 570.66565),
    ((22_050, 705, 441), (13.85148, -2.97558, 1.44599, 0.14495),
     (-0.4449, -0.54121, -0.14883, 0.17622), 724.37128),
    ((44_100, 1411, 882), (21.2695, -5.09678, 0.04675, -1.32855),
     (0.41534, -0.15644, -0.90772, -0.81567), 863.39642),
]  # fmt: skip


def audio(samples: int, seed: int = 1) -> Samples:
    """Noise under a tone, with a part of digital silence."""
    noise = np.random.default_rng(seed).normal(0, 900, samples)
    pcm = np.rint(6000 * np.sin(np.arange(samples) * 0.11) + noise).astype(np.int16)
    pcm[samples // 3 : samples // 2] = 0
    return pcm


def assert_alike(one: Any, other: Any) -> None:
    """Compare but for rounding: a product of one row is added up in another order than of many."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("sizes", "second", "last", "total"), TENSORFLOW)
def test_features_equal_tensorflows(
    sizes: tuple[int, int, int], second: tuple[float], last: tuple[float], total: float
) -> None:
    rate_hz, window, step = sizes
    geometry = Geometry(sample_rate_hz=rate_hz, window_samples=window, step_samples=step)
    frames = features(audio(10 * window), geometry)[:-1]  # theirs has no frame for the rest
    assert frames.shape == (15, 26)
    assert frames[1, :4] == pytest.approx(second, abs=1e-4)
    assert frames[-1, -4:] == pytest.approx(last, abs=1e-4)
    assert float(np.abs(frames).sum()) == pytest.approx(total, rel=1e-6)


@given(
    samples=st.integers(0, 4000),
    cuts=st.lists(st.integers(1, 1500), min_size=1),
    seed=st.integers(0, 9),
)
def test_streaming_equals_offline(samples: int, cuts: list[int], seed: int) -> None:
    pcm = audio(samples, seed)
    stream = FeatureStream()
    parts = [stream.push(part) for part in cut(pcm, cuts)] + [stream.finish()]
    assert_alike(np.concatenate(parts), features(pcm))


@given(frames=st.integers(0, 60), cuts=st.lists(st.integers(1, 30), min_size=1))
def test_context_does_not_depend_on_the_cuts(frames: int, cuts: list[int]) -> None:
    geometry = Geometry(features=3, context=4)
    some = np.arange(1, 1 + 3 * frames, dtype=np.float32).reshape(frames, 3)
    stream = ContextStream(geometry)
    parts = [stream.push(part) for part in cut(some, cuts)] + [stream.finish()]
    padded = np.concatenate([np.zeros((4, 3)), some, np.zeros((4, 3))])
    expected = [padded[at : at + 9].reshape(-1) for at in range(frames)]
    np.testing.assert_array_equal(np.concatenate(parts), np.reshape(expected, (frames, 27)))


def test_a_stream_begins_anew_after_its_end() -> None:
    stream, context = FeatureStream(), ContextStream()
    first = [context.push(stream.push(audio(900))), context.push(stream.finish()), context.finish()]
    again = [context.push(stream.push(audio(900))), context.push(stream.finish()), context.finish()]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("samples", "frames"), [(0, 1), (1, 1), (511, 1), (512, 2), (832, 3)])
def test_each_full_window_and_the_rest_is_a_frame(samples: int, frames: int) -> None:
    assert features(np.ones(samples, np.int16)).shape == (frames, 26)
    assert inputs(np.ones(samples, np.int16)).shape == (frames, 494)


def test_full_scale_and_silence_are_finite() -> None:
    for level in (-32_768, 0, 32_767):
        assert np.isfinite(features(np.full(2000, level, np.int16))).all()


def test_the_callers_buffer_may_be_used_again() -> None:
    stream, whole, buffer = FeatureStream(), audio(1200), np.zeros(600, np.int16)
    parts = []
    for at in (0, 600):
        buffer[:] = whole[at : at + 600]
        parts.append(stream.push(buffer))
        buffer[:] = 99
    assert_alike(np.concatenate([*parts, stream.finish()]), features(whole))


def test_windows_with_gaps_are_refused() -> None:
    with pytest.raises(ModelError, match="gaps"):
        Geometry(window_samples=320, step_samples=512)
