"""Samples to cepstra, as the bundled acoustic model of pocketsphinx expects them.

Parameters: the model's own `feat.params` (25 mel filters from 130 to 6800 Hz, 13 cepstra, lifter
22) and the library's defaults (25.6 ms window, 10 ms step, pre-emphasis 0.97). What differs from
the library's front end is on purpose, and measured in docs/measurements.md: no spectral noise
removal, a floor of white noise, and a variance that is brought half-way to the model's.
"""

import functools
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_protocol.audio import SAMPLE_RATE_HZ

Floats = npt.NDArray[np.float64]

FRAME_SAMPLES: Final = 160
FRAMES_PER_S: Final = SAMPLE_RATE_HZ // FRAME_SAMPLES
WINDOW_SAMPLES: Final = 410
BANDS: Final = 25
CEPSTRA: Final = 13
FLOOR_BELOW_SPEECH_DB: Final = 55.0
"""How far below the loud frames of an utterance white noise is taken to lie: digital silence and
the noise of the best microphones are lower, and a logarithm would magnify them."""
LOUD_FLOOR_DB: Final = 26.0
"""The same where noise comes and goes: it covers the difference."""
LIVE_FLOOR: Final = 100.0
"""Power of that noise before the utterance's level is known: 10 of 32768, root mean square."""
MODEL_DEVIATION: Final = np.array(
    [16.20, 16.31, 10.09, 13.54, 11.76, 11.33, 11.75, 10.10, 10.71, 10.61, 10.11, 9.27, 9.20]
)
"""Standard deviation of each cepstrum over an utterance of close, quiet speech."""
TYPICAL_MEAN: Final = np.array(
    [64.0, -1.0, -4.0, 2.0, -8.0, -2.0, -8.0, -2.0, -3.0, -2.0, -3.0, -2.0, -2.0]
)
"""Mean of each cepstrum over an utterance: what a live pass starts from."""
SPEECH_MARGIN_FRAMES: Final = 25
"""A quarter of a second: weak first and last consonants, and silence to recognise as such."""
SPEECH_RANGE: Final = 1.2
"""Natural logarithm of power, about 5 dB: steady noise varies less from frame to frame."""
LOUD_SHARE: Final = 0.35
"""How far up from the quietest to the loudest, in decibels, a frame counts as loud."""

_FFT: Final = 512
_PREEMPHASIS: Final = 0.97
_BAND_HZ: Final = (130.0, 6800.0)
_EDGE_HZ_MAX: Final = 7900.0
_LIFTER: Final = 22
_HAMMING: Final = np.hamming(WINDOW_SAMPLES)


@functools.cache
def mel_filters(warp: float) -> Floats:
    """Return triangles of equal area, (BANDS, _FFT // 2 + 1), edges rounded to FFT bins."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in _BAND_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1) / warp
    bin_hz = SAMPLE_RATE_HZ / _FFT
    edges = np.floor(np.minimum(edges, _EDGE_HZ_MAX) / bin_hz + 0.5) * bin_hz
    left, centre, right = (edges[i : BANDS + i, None] for i in range(3))
    hz = np.arange(_FFT // 2 + 1) * bin_hz
    rising, falling = (hz - left) / (centre - left), (right - hz) / (right - centre)
    filters: Floats = np.maximum(np.minimum(rising, falling), 0.0) * 2 / (right - left)
    return filters


def _cosines() -> Floats:
    """Return the orthonormal DCT-II with the lifter in it, (BANDS, CEPSTRA)."""
    order, band = np.arange(CEPSTRA), np.arange(BANDS)[:, None] + 0.5
    cosines = np.cos(np.pi * order * band / BANDS) * np.sqrt(2 / BANDS)
    cosines[:, 0] = np.sqrt(1 / BANDS)
    lifted: Floats = cosines * (1 + _LIFTER / 2 * np.sin(np.pi * order / _LIFTER))
    return lifted


def _white() -> Floats:
    """Return what white noise of power 1 gives in each band."""
    turn = np.exp(-2j * np.pi * np.arange(_FFT // 2 + 1) / _FFT)
    white: Floats = mel_filters(1.0) @ (np.sum(_HAMMING**2) * np.abs(1 - _PREEMPHASIS * turn) ** 2)
    return white


_COSINES: Final = _cosines()
_WHITE: Final = _white()
_TYPICAL_LEVELS: Final = TYPICAL_MEAN @ np.linalg.pinv(_COSINES)


class FrontEnd:
    """Turns samples into mel energies, as they come.

    Args:
        warp: The filters' frequencies are divided by it: below 1 for higher voices than the
            model's, children's above all, above 1 for lower ones (Lee & Rose, "Speaker
            normalization using efficient frequency warping procedures", 1996).
    """

    def __init__(self, warp: float = 1.0) -> None:
        self._filters = mel_filters(warp)
        self._rest = np.zeros(0)
        self._last = 0.0

    def feed(self, pcm: bytes) -> Floats:
        """Take signed 16-bit samples, a whole number of them; return new frames, (n, BANDS)."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
        if not len(samples):
            return np.zeros((0, BANDS))
        emphasized = samples - _PREEMPHASIS * np.concatenate(([self._last], samples[:-1]))
        self._last = float(samples[-1])
        signal = np.concatenate((self._rest, emphasized))
        count = max(0, (len(signal) - WINDOW_SAMPLES) // FRAME_SAMPLES + 1)
        self._rest = signal[count * FRAME_SAMPLES :]
        if not count:
            return np.zeros((0, BANDS))
        windows = np.lib.stride_tricks.sliding_window_view(signal, WINDOW_SAMPLES)
        spectra = np.fft.rfft(windows[: count * FRAME_SAMPLES : FRAME_SAMPLES] * _HAMMING, _FFT)
        energies: Floats = np.abs(spectra) ** 2 @ self._filters.T
        return energies


def loud_floor(mel: Floats, below_db: float = FLOOR_BELOW_SPEECH_DB) -> float:
    """Return the power of the white noise that lies so far under the loud frames, decibels."""
    loud = float(np.percentile((mel / _WHITE).mean(axis=1), 95))
    return max(1.0, loud * 10 ** (-below_db / 10))


def log_energies(mel: Floats, floor: float) -> Floats:
    """Return the natural logarithm of mel energies above white noise of that power."""
    energies: Floats = np.log(mel + floor * _WHITE)
    return energies


def cepstra(log_mel: Floats) -> Floats:
    """Return the cepstra of log mel energies, (n, CEPSTRA)."""
    transformed: Floats = log_mel @ _COSINES
    return transformed


class Normalizer:
    """Takes the room and the microphone out of cepstra: mean to zero, variance half-way to normal.

    Noise narrows the spread of cepstra; the square root of what is missing puts back as much as
    clean and noisy speech both profit from (cf. Viikki & Laurila, "Cepstral domain segmental
    feature vector normalization", 1998).
    """

    def __init__(self, prior_frames: float = 0.0) -> None:
        self._weight = prior_frames
        self._sum = TYPICAL_MEAN * prior_frames
        self._squares = (MODEL_DEVIATION**2 + TYPICAL_MEAN**2) * prior_frames

    def learn(self, frames: Floats) -> None:
        """Take more frames of the utterance into account."""
        self._weight += len(frames)
        self._sum = self._sum + frames.sum(axis=0)
        self._squares = self._squares + (frames**2).sum(axis=0)

    def apply(self, frames: Floats) -> Floats:
        """Return the frames normalised by all that was learnt, (n, CEPSTRA)."""
        mean = self._sum / self._weight
        variance = np.maximum(self._squares / self._weight - mean**2, 1.0)
        scaled: Floats = (frames - mean) * np.sqrt(MODEL_DEVIATION / np.sqrt(variance))
        return scaled


class Levels:
    """Takes the room and the microphone out of log mel energies: their mean goes."""

    def __init__(self, prior_frames: float) -> None:
        self._weight = prior_frames
        self._sum = _TYPICAL_LEVELS * prior_frames

    def learn(self, energies: Floats) -> None:
        """Take more frames of the utterance into account."""
        self._weight += len(energies)
        self._sum = self._sum + energies.sum(axis=0)

    def apply(self, energies: Floats) -> Floats:
        """Return the frames without the mean of all that was learnt, (n, BANDS)."""
        found: Floats = energies - self._sum / self._weight
        return found


def speech_span(log_mel: Floats) -> tuple[int, int] | None:
    """Return where speech may lie, first frame and one after the last; None if nothing stands out.

    That is from the first to the last loud frame, and a margin around them.
    """
    level = log_mel.mean(axis=1)
    low, high = np.percentile(level, (5, 98))
    if high - low < SPEECH_RANGE:
        return None
    loud = np.flatnonzero(level > low + LOUD_SHARE * (high - low))
    begin = max(0, int(loud[0]) - SPEECH_MARGIN_FRAMES)
    return begin, min(len(level), int(loud[-1]) + 1 + SPEECH_MARGIN_FRAMES)


class Sound(NamedTuple):
    """What is rated of an utterance: where speech may be."""

    begin: int
    """Its first frame's number in the utterance."""
    cepstra: Floats
    """Normalised, (n, CEPSTRA)."""
    bands: Floats
    """Log mel energies, the mean of each band taken off, (n, BANDS)."""


def utterance(
    pcm: bytes, warp: float = 1.0, floor_below_db: float = FLOOR_BELOW_SPEECH_DB
) -> Sound | None:
    """Return what is rated of an utterance; None if nothing in it stands out."""
    mel = FrontEnd(warp).feed(pcm)
    if not len(mel):
        return None
    found = _spoken(mel, floor_below_db)
    if found is None:
        return None
    begin, energies = found
    frames = cepstra(energies)
    normalizer = Normalizer()
    normalizer.learn(frames)
    return Sound(begin, normalizer.apply(frames), _without_mean(energies))


def levelled(mel: Floats, floor_below_db: float) -> tuple[int, Floats] | None:
    """Return `begin` and `bands` of the Sound that mel energies make; None as for `utterance`."""
    found = _spoken(mel, floor_below_db)
    return (found[0], _without_mean(found[1])) if found else None


def _spoken(mel: Floats, floor_below_db: float) -> tuple[int, Floats] | None:
    """Return where speech may begin, and the log energies from there to where it may end."""
    energies = log_energies(mel, loud_floor(mel, floor_below_db))
    span = speech_span(energies)
    return (span[0], energies[span[0] : span[1]]) if span else None


def _without_mean(energies: Floats) -> Floats:
    levels = Levels(0.0)
    levels.learn(energies)
    return levels.apply(energies)
