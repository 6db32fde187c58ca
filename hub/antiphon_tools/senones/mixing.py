"""Speech and noise added up where a network hears them, in mel energies. Pure.

Of two sounds that know nothing of each other the energies in a band add up, but for a rest that
depends on how their phases meet (Deng, Droppo & Acero, "Enhancement of log mel power spectra of
speech using a phase-sensitive model of the acoustic environment", 2004). So an utterance meets
other noise each time it is learnt from, for a hundredth of the work of adding up samples.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_engines.stt.features import (
    BANDS,
    FLOOR_BELOW_SPEECH_DB,
    FRAME_SAMPLES,
    LOUD_FLOOR_DB,
    FrontEnd,
    levelled,
    mel_filters,
)
from antiphon_tools.senones.aligning import Labels
from antiphon_tools.senones.rooms import Audio, Chance
from antiphon_tools.senones.surroundings import LOUDEST_SAMPLES, blocks, in_floats, scaled
from antiphon_tools.senones.variants import Variant

Mel = npt.NDArray[np.float32]

SNR_DB: Final = (-5.0, 25.0)
CLEAN_SHARE: Final = 0.12
COLOURED_SHARE: Final = 0.5
"""Of the noises sound otherwise than they were made: as through another wall."""
COLOUR_POINTS: Final = 5
COLOUR_DEVIATION: Final = 0.7
"""Natural logarithm of power."""
TWO_SHARE: Final = 0.15
"""Of the noises have another beside them."""
LOUD_FLOOR_SHARE: Final = 0.15
_LEAST_SHARE: Final = 0.05
"""Of the sum of both energies is left where phases meet worst."""


class Piece(NamedTuple):
    """A piece of noise."""

    mel: Mel
    """(frames, BANDS)."""
    loudness: Mel
    """Energy of each LOUDEST_SAMPLES samples, full scale 1."""


class Frames(NamedTuple):
    """An utterance in its surroundings."""

    bands: Mel
    """Where speech may be, as in `stt.features.Sound`: (n, BANDS)."""
    labels: Labels
    """(n,)."""


def piece(noise: Audio) -> Piece:
    """Return noise as it is mixed in."""
    samples = scaled(noise)
    mel = FrontEnd().feed(samples.tobytes()).astype(np.float32)
    return Piece(mel, blocks(in_floats(samples)))


def surrounded(variant: Variant, noise: Sequence[Piece], chance: Chance) -> Frames | None:
    """Return an utterance as it is heard somewhere; None if nothing in it stands out.

    Args:
        variant: In quiet surroundings.
        noise: What there is to choose from.
        chance: The same generator gives the same surroundings.
    """
    mel = variant.mel
    if chance.random() >= CLEAN_SHARE:
        mel = added(mel, _noise(variant, noise, chance), chance)
    floor_db = LOUD_FLOOR_DB if chance.random() < LOUD_FLOOR_SHARE else FLOOR_BELOW_SPEECH_DB
    found = levelled(mel.astype(np.float64), floor_db)
    if found is None:
        return None
    begin, bands = found
    return Frames(bands.astype(np.float32), variant.labels[begin : begin + len(bands)])


def _noise(variant: Variant, noise: Sequence[Piece], chance: Chance) -> Mel:
    """Return what is added; the ratio is between the loudest frames of both, as the benches do."""
    count, one = len(variant.mel), _one_of(noise, chance)
    begin = int(chance.integers(len(one.mel)))
    found = _from(one.mel, begin, count)
    covered = max(1, count * FRAME_SAMPLES // LOUDEST_SAMPLES)
    loudness = _from(one.loudness, begin * FRAME_SAMPLES // LOUDEST_SAMPLES, covered).max()
    ratio = 10 ** (-float(chance.uniform(*SNR_DB)) / 10)
    gain = variant.loudest / max(1e-9, float(loudness)) * ratio
    found = found * np.float32(gain)
    if chance.random() < COLOURED_SHARE:
        points = chance.normal(0, COLOUR_DEVIATION, COLOUR_POINTS)
        at = np.linspace(0, BANDS - 1, COLOUR_POINTS)
        found *= np.exp(np.interp(np.arange(BANDS), at, points)).astype(np.float32)
    if chance.random() < TWO_SHARE:
        other = _one_of(noise, chance).mel
        more = _from(other, int(chance.integers(len(other))), count)
        found += more * np.float32(gain * chance.uniform(0.1, 1))
    return found


def added(mel: Mel, noise: Mel, chance: Chance) -> Mel:
    """Return the energies of two sounds together, (n, BANDS)."""
    both = mel + noise
    meeting = chance.standard_normal(mel.shape).astype(np.float32) * _MEETING
    met: Mel = np.maximum(both + 2 * np.sqrt(mel * noise) * meeting, _LEAST_SHARE * both)
    return met


def _one_of(noise: Sequence[Piece], chance: Chance) -> Piece:
    return noise[int(chance.integers(len(noise)))]


def _from(values: Mel, begin: int, count: int) -> Mel:
    """Return so many rows, from the start again behind the last."""
    return values[(begin + np.arange(count)) % len(values)]


def _meeting() -> Mel:
    """Return the deviation of the cosine between two sounds' phases, of each band.

    A band is a weighted mean over its bins, of which, by the window's width, two are as one: of two
    noises the front end has 0.49 in the lowest band and 0.19 in the highest.
    """
    filters = mel_filters(1.0)
    bins = filters.sum(axis=1) ** 2 / (filters**2).sum(axis=1)
    return np.asarray(np.sqrt(1.0 / bins), np.float32)


_MEETING: Final = _meeting()
