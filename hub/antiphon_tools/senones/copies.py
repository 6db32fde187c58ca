"""Recordings in ever other surroundings, as frames with their labels."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.stt.features import FLOOR_BELOW_SPEECH_DB, LOUD_FLOOR_DB, utterance
from antiphon_tools.senones.aligning import Labels
from antiphon_tools.senones.noises import Audio, noises
from antiphon_tools.senones.surroundings import FULL_SCALE, WARPS, placed

NOISES: Final = 270
"""Pieces of noise for one copy of all recordings."""
LOUD_FLOOR_SHARE: Final = 0.15


class Recording(NamedTuple):
    """What is learnt from."""

    samples: Samples
    labels: Labels
    """See Aligner.labels."""
    speaker: str
    real: bool
    """Of a person."""


class Frames(NamedTuple):
    """An utterance in its surroundings."""

    bands: npt.NDArray[np.float16]
    """(n, BANDS)."""
    labels: Labels
    """(n,)."""
    real: bool


def copy(recordings: Sequence[Recording], seed: int) -> list[Frames]:
    """Return each recording in surroundings of its own; the same seed, the same ones."""
    chance = np.random.default_rng(seed)
    speech = [_audio(one) for one in recordings]
    around = noises(NOISES, speech, chance)
    found = []
    for audio, one in zip(speech, recordings, strict=True):
        scene = placed(audio, around, chance)
        floor = LOUD_FLOOR_DB if chance.random() < LOUD_FLOOR_SHARE else FLOOR_BELOW_SPEECH_DB
        warp = float(chance.choice(WARPS))
        sound = utterance(scene.samples.tobytes(), warp, floor)
        if sound is None:
            continue
        at = np.rint((sound.begin + np.arange(len(sound.bands))) * scene.speed).astype(np.int64)
        labels = one.labels[np.minimum(at, len(one.labels) - 1)]
        found.append(Frames(sound.bands.astype(np.float16), labels, one.real))
    return found


def _audio(one: Recording) -> Audio:
    return one.samples.astype(np.float32) / np.float32(FULL_SCALE)
