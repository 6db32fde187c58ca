"""The front end: the same frames however samples come, at whatever level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.stt.features import (
    BANDS,
    CEPSTRA,
    FRAME_SAMPLES,
    MODEL_DEVIATION,
    WINDOW_SAMPLES,
    Floats,
    FrontEnd,
    Normalizer,
    cepstra,
    log_energies,
    loud_floor,
    speech_span,
)
from tests.support.examples import examples


def noise(samples: int, level: float, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0.0, level, samples)


def pcm(signal: Floats) -> bytes:
    return np.clip(signal, -32768, 32767).astype("<i2").tobytes()


def tone(hz: float, samples: int, level: float) -> Floats:
    waves: Floats = level * np.sin(2 * np.pi * hz * np.arange(samples) / 16_000)
    return waves


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.integers(0, 1500), max_size=12))
def test_frames_do_not_depend_on_how_samples_come(pieces: list[int]) -> None:
    samples = pcm(noise(sum(pieces), 1000.0))
    front, frames, at = FrontEnd(), [np.zeros((0, BANDS))], 0
    for piece in pieces:
        frames.append(front.feed(samples[2 * at : 2 * (at + piece)]))
        at += piece
    whole = FrontEnd().feed(samples)
    assert np.allclose(np.concatenate(frames), whole)
    assert len(whole) == max(0, (at - WINDOW_SAMPLES) // FRAME_SAMPLES + 1)


@pytest.mark.parametrize("hz", [300.0, 1000.0, 4000.0])
def test_a_tone_is_loudest_in_its_band(hz: float) -> None:
    mel = FrontEnd().feed(pcm(tone(hz, 4000, 3000.0)))
    edges = np.linspace(*(2595 * np.log10(1 + f / 700) for f in (130, 6800)), BANDS + 2)
    expected = int(np.argmin(np.abs(edges[1:-1] - 2595 * np.log10(1 + hz / 700))))
    assert abs(int(mel.mean(axis=0).argmax()) - expected) <= 1


def test_cepstra_of_a_flat_spectrum_are_level_alone() -> None:
    frames = cepstra(np.full((3, BANDS), 2.0))
    assert frames.shape == (3, CEPSTRA)
    assert np.allclose(frames[:, 0], 2.0 * np.sqrt(BANDS))
    assert np.allclose(frames[:, 1:], 0.0)


def test_level_does_not_matter() -> None:
    quiet = np.concatenate([noise(8000, 2.0), noise(8000, 90.0, 2), noise(8000, 2.0, 3)])

    def normal(signal: Floats) -> Floats:
        mel = FrontEnd().feed(pcm(signal))
        frames = cepstra(log_energies(mel, loud_floor(mel)))
        normalizer = Normalizer()
        normalizer.learn(frames)
        return normalizer.apply(frames)

    assert np.abs(normal(20 * quiet) - normal(40 * quiet)).max() < 1.0


def test_normalised_cepstra_have_no_mean_and_half_the_missing_spread() -> None:
    frames = np.random.default_rng(3).normal(7.0, 4.0, (500, CEPSTRA))
    normalizer = Normalizer()
    normalizer.learn(frames[:200])
    normalizer.learn(frames[200:])
    scaled = normalizer.apply(frames)
    assert np.allclose(scaled.mean(axis=0), 0.0, atol=1e-9)
    deviation = frames.std(axis=0)
    assert np.allclose(scaled.std(axis=0), np.sqrt(deviation * MODEL_DEVIATION), rtol=1e-6)


def test_a_prior_carries_the_first_frames() -> None:
    normalizer = Normalizer(prior_frames=100.0)
    normalizer.learn(np.zeros((1, CEPSTRA)))
    assert np.isfinite(normalizer.apply(np.zeros((1, CEPSTRA)))).all()


def test_speech_is_where_it_is_loud() -> None:
    signal = np.concatenate([noise(16_000, 5.0), noise(8000, 2000.0, 2), noise(16_000, 5.0, 3)])
    mel = FrontEnd().feed(pcm(signal))
    span = speech_span(log_energies(mel, 100.0))
    assert span is not None
    assert 70 <= span[0] <= 80
    assert 170 <= span[1] <= 180


@pytest.mark.parametrize("level", [0.0, 3.0, 300.0])
def test_steady_noise_has_no_speech(level: float) -> None:
    mel = FrontEnd().feed(pcm(noise(32_000, level)))
    assert speech_span(log_energies(mel, loud_floor(mel))) is None


def test_a_warped_front_end_hears_a_higher_voice_as_the_models() -> None:
    low, high = pcm(tone(1000.0, 4000, 3000.0)), pcm(tone(1000.0 / 0.85, 4000, 3000.0))
    plain = FrontEnd().feed(low).mean(axis=0).argmax()
    assert FrontEnd().feed(high).mean(axis=0).argmax() > plain
    assert FrontEnd(warp=0.85).feed(high).mean(axis=0).argmax() == plain
