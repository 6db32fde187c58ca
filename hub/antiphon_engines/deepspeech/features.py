"""What the network hears: mel-frequency cepstral coefficients of the audio, and their context.

Equal to what the released models were trained on and Mozilla's library computes. Source: TensorFlow
2.3, `core/kernels/{spectrogram,mfcc,mfcc_mel_filterbank,mfcc_dct}.cc`; padding: Mozilla DeepSpeech
0.9, `native_client/deepspeech.cc`.
"""

import math
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from antiphon_engines.deepspeech.weights import Floats, Geometry

Samples = npt.NDArray[np.int16]
_Doubles = npt.NDArray[np.float64]

_MEL_CHANNELS: Final = 40
_LOWEST_HZ: Final = 20.0
_FLOOR: Final = 1e-12
"""Smallest energy of a mel channel before the logarithm."""
_FULL_SCALE: Final = 32_768.0
_BLOCK_FRAMES: Final = 24
"""Frames computed at once. OpenBLAS starts threads for larger products, which on a busy machine
costs 8 ms instead of 0.06; and the memory that hours of audio take stays small."""

DEFAULT: Final = Geometry()


def features(pcm: Samples, geometry: Geometry = DEFAULT) -> Floats:
    """Return the features of a whole utterance: float32 [frames, features].

    A frame for each full window, and one more for the rest, which zeros fill up; so there is always
    at least one.

    Args:
        pcm: Signed 16-bit samples of one channel, int16 [samples].
        geometry: Rate, window, step and number of features.
    """
    stream = FeatureStream(geometry)
    return np.concatenate([stream.push(pcm), stream.finish()])


class FeatureStream:
    """Computes the features while audio comes in; the same numbers as `features`."""

    def __init__(self, geometry: Geometry = DEFAULT) -> None:
        self._geometry = geometry
        self._rest: Samples = np.zeros(0, np.int16)

    def push(self, pcm: Samples) -> Floats:
        """Take samples, any number; return the frames that are complete: [frames, features]."""
        window, step = self._geometry.window_samples, self._geometry.step_samples
        samples = np.concatenate([self._rest, pcm]) if len(self._rest) else pcm
        frames = max(0, (len(samples) - window) // step + 1)
        # Copied: the caller may use its buffer again.
        self._rest = samples[frames * step :].copy()
        if not frames:
            return np.zeros((0, self._geometry.features), np.float32)
        windows = sliding_window_view(samples, window)[: frames * step : step]
        blocks = range(0, frames, _BLOCK_FRAMES)
        return np.concatenate(
            [_mfcc(windows[at : at + _BLOCK_FRAMES], self._geometry) for at in blocks]
        )

    def finish(self) -> Floats:
        """Return the last frame, [1, features]; the stream then begins anew."""
        last = np.zeros(self._geometry.window_samples, np.int16)
        last[: len(self._rest)] = self._rest
        self._rest = np.zeros(0, np.int16)
        return _mfcc(last[None], self._geometry)


class ContextStream:
    """Gives each frame its neighbours: what the network's first layer takes.

    Zeros stand for the frames before the first and after the last one.
    """

    def __init__(self, geometry: Geometry = DEFAULT) -> None:
        self._geometry = geometry
        self._known: Floats = self._padding()

    def push(self, frames: Floats) -> Floats:
        """Take feature frames [n, features]; return what is complete: [m, geometry.inputs]."""
        known = np.concatenate([self._known, frames])
        width = 2 * self._geometry.context + 1
        count = max(0, len(known) - width + 1)
        self._known = known[count:]
        if not count:
            return np.zeros((0, self._geometry.inputs), np.float32)
        windows = sliding_window_view(known, width, axis=0).transpose(0, 2, 1)
        return np.ascontiguousarray(windows).reshape(count, self._geometry.inputs)

    def finish(self) -> Floats:
        """Return the inputs that were waiting for later frames; the stream then begins anew."""
        last = self.push(self._padding())
        self._known = self._padding()
        return last

    def _padding(self) -> Floats:
        return np.zeros((self._geometry.context, self._geometry.features), np.float32)


def inputs(pcm: Samples, geometry: Geometry = DEFAULT) -> Floats:
    """Return a whole utterance as the network takes it: float32 [frames, geometry.inputs]."""
    stream = ContextStream(geometry)
    return np.concatenate([stream.push(features(pcm, geometry)), stream.finish()])


def _mfcc(windows: Samples, geometry: Geometry) -> Floats:
    """Return [frames, features] of [frames, window_samples]."""
    hann, size, mel, cosines = _tables(geometry)
    spectrum = np.abs(np.fft.rfft(windows * hann, size))
    return (np.log(np.maximum(spectrum @ mel, _FLOOR)) @ cosines).astype(np.float32)


@lru_cache(maxsize=8)
def _tables(geometry: Geometry) -> tuple[_Doubles, int, _Doubles, _Doubles]:
    """Return window [window_samples], length of the transform, mel filters, cosine transform."""
    window = geometry.window_samples
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)) / _FULL_SCALE
    size = 1 << (window - 1).bit_length()
    mel = _mel_filters(size // 2 + 1, geometry.sample_rate_hz)
    channels, coefficients = np.arange(_MEL_CHANNELS) + 0.5, np.arange(geometry.features)
    angles = np.pi / _MEL_CHANNELS * np.outer(channels, coefficients)
    return hann, size, mel, math.sqrt(2 / _MEL_CHANNELS) * np.cos(angles)


def _mel_filters(bins: int, rate_hz: int) -> _Doubles:
    """Return [bins, channels]: each bin's share in the two channels whose centres enclose it."""
    bin_hz = rate_hz / 2 / (bins - 1)
    lowest, highest = _mel(_LOWEST_HZ), _mel(rate_hz / 2)
    edges = np.linspace(lowest, highest, _MEL_CHANNELS + 2)
    filters = np.zeros((bins, _MEL_CHANNELS))
    for at in range(int(1.5 + _LOWEST_HZ / bin_hz), bins):
        # The edge below the bin; TensorFlow's loop gives the last bin to the last channel.
        below = min(int(np.searchsorted(edges[1:], _mel(at * bin_hz))), _MEL_CHANNELS)
        share = (edges[below + 1] - _mel(at * bin_hz)) / (edges[below + 1] - edges[below])
        if below:
            filters[at, below - 1] = share
        if below < _MEL_CHANNELS:
            filters[at, below] = 1 - share
    return filters


def _mel(frequency_hz: float) -> float:
    return 1127.0 * math.log1p(frequency_hz / 700.0)
