"""Recordings in other rooms, faster or slower, of other voices, through other lines. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.stt.features import FrontEnd
from antiphon_tools.senones.aligning import Labels
from antiphon_tools.senones.rooms import Chance
from antiphon_tools.senones.surroundings import blocks, in_floats, placed

WARPS: Final = (0.88, 0.94, 1.0, 1.0, 1.0, 1.06, 1.12)
"""Of the frequencies (see FrontEnd): lower and higher voices than the model's."""


class Recording(NamedTuple):
    """What is learnt from."""

    samples: Samples
    labels: Labels
    """See Aligner.labels."""
    speaker: str
    real: bool
    """Of a person."""


class Variant(NamedTuple):
    """A recording as it might have been made elsewhere."""

    mel: npt.NDArray[np.float32]
    """Mel energies, (n, BANDS)."""
    labels: Labels
    """(n,)."""
    loudest: float
    """Energy of the loudest LOUDEST_SAMPLES samples, full scale 1."""


def variants(
    recordings: Iterable[Recording], count: int, chance: Chance
) -> list[Sequence[Variant]]:
    """Return each recording as it is, and elsewhere, so many in all; the same chance, the same."""
    return [
        [variant(one, chance, elsewhere=number > 0) for number in range(count)]
        for one in recordings
    ]


def variant(recording: Recording, chance: Chance, *, elsewhere: bool) -> Variant:
    """Return one recording as it is, or as it might have been made elsewhere."""
    scene = placed(in_floats(recording.samples), chance, elsewhere=elsewhere)
    warp = float(chance.choice(WARPS)) if elsewhere else 1.0
    mel = FrontEnd(warp).feed(scene.samples.tobytes()).astype(np.float32)
    at = np.rint(np.arange(len(mel)) * scene.speed).astype(np.int64)
    labels = recording.labels[np.minimum(at, len(recording.labels) - 1)]
    loudest = float(blocks(in_floats(scene.samples)).max())
    return Variant(mel, labels, loudest)
