"""What a search takes of each moment: the Gaussians' rating and the network's, added up."""

from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_engines.hmm.model import Floats
from antiphon_engines.hmm.network import Network
from antiphon_engines.hmm.scorer import WINDOW_FRAMES, Scorer, differences

NETWORK_WEIGHT: Final = 0.6
"""Of the network's log likelihoods beside those of the Gaussians."""

Numbers = Floats | npt.NDArray[np.float64]


class Rater:
    """Rates all senones of a model; immutable, for any thread."""

    def __init__(self, gaussians: Scorer, network: Network | None = None) -> None:
        self._gaussians = gaussians
        self._network = network
        self.reach = max(WINDOW_FRAMES, network.header.reach if network else 0)
        """Frames that must be known to either side."""

    def rate(self, cepstra: Floats, bands: Floats) -> Floats:
        """Return log likelihoods up to what each frame has in common, (frames, senones).

        Args:
            cepstra: (reach + frames + reach, 13), normalised.
            bands: The same of log mel energies without their mean.
        """
        inner = self.reach - WINDOW_FRAMES
        before, frames, after = np.split(
            cepstra[inner : len(cepstra) - inner], (WINDOW_FRAMES, -WINDOW_FRAMES)
        )
        scores = self._gaussians.score(differences(frames, before=before, after=after))
        if self._network is not None:
            inner = self.reach - self._network.header.reach
            scores += NETWORK_WEIGHT * self._network.rate(bands[inner : len(bands) - inner])
        return scores

    def whole(self, cepstra: Numbers, bands: Numbers) -> Floats:
        """Return the same of a whole utterance, its first and last frame repeated at the edges."""
        sides = []
        for frames in (cepstra, bands):
            before, after = (repeated(one, self.reach) for one in (frames[:1], frames[-1:]))
            sides.append(np.concatenate((before, frames, after)).astype(np.float32))
        return self.rate(*sides)


def repeated(frame: Numbers, times: int) -> Floats:
    """Return so many of one frame, (times, values)."""
    return np.repeat(frame, times, axis=0).astype(np.float32)
