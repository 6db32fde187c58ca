"""What a search takes of each moment: the Gaussians' rating and the network's, added up."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_engines.hmm.model import Floats
from antiphon_engines.hmm.network import Along, Network
from antiphon_engines.hmm.scorer import WINDOW_FRAMES, Scorer, differences

WEIGHT: Final = 0.8
"""Of all log likelihoods beside a grammar's odds: frames are no independent witnesses."""
NETWORK_SHARE: Final = 0.5
"""Of the weight has the network, where there is one; the Gaussians have the rest."""

Numbers = Floats | npt.NDArray[np.float64]


class Rated(NamedTuple):
    """An utterance as it sounds under one assumption."""

    begin: int
    """The frame of the recording that it begins with."""
    scores: Floats
    """Log likelihoods, (frames, senones)."""


def mean_of(first: Rated, others: Iterable[Rated]) -> Floats:
    """Return the mean of looks at one recording over the frames of the first, (frames, senones).

    Where another look has no frame, because speech begins later or ends sooner in it, the first's
    own stands in its place. The others are taken one at a time: each has 2 MB a second.
    """
    total, count = first.scores.copy(), 1
    end = first.begin + len(first.scores)
    for one in others:
        begin = min(max(first.begin, one.begin), end)
        stop = max(begin, min(end, one.begin + len(one.scores)))
        look = first.scores.copy()
        look[begin - first.begin : stop - first.begin] = one.scores[
            begin - one.begin : stop - one.begin
        ]
        total += look
        count += 1
    total /= np.float32(count)
    return total


class Rater:
    """Rates all senones of a model; immutable, for any thread."""

    def __init__(self, gaussians: Scorer, network: Network | None = None) -> None:
        self._gaussians = gaussians
        self._network = network

    def along(self) -> "Rating":
        """Return what rates one utterance as its frames come."""
        return Rating(self._gaussians, self._network)

    def whole(self, cepstra: Numbers, bands: Numbers) -> Floats:
        """Return log likelihoods up to what each frame has in common, (frames, senones).

        Args:
            cepstra: Of a whole utterance, (frames, 13), normalised.
            bands: Its log mel energies without their mean.
        """
        rating = self.along()
        return np.concatenate((rating.push(cepstra, bands), rating.finish()))


class Rating:
    """Rates one utterance; its first and last frame are taken to go on beyond its edges."""

    def __init__(self, gaussians: Scorer, network: Network | None) -> None:
        self._gaussians = gaussians
        self._network = Along(network) if network else None
        self._gaussians_weight = np.float32(WEIGHT * (1 - NETWORK_SHARE) if network else WEIGHT)
        self._reach = network.header.reach if network else 0
        self._cepstra: Floats | None = None
        """Those not rated yet, and what their differences need in front of them."""
        self._last_bands: Floats | None = None

    def push(self, cepstra: Numbers, bands: Numbers) -> Floats:
        """Take more frames, at least one; return the ratings of those seen far enough ahead.

        Takes and returns what `Rater.whole` does.
        """
        levels = bands.astype(np.float32)
        self._last_bands = levels[-1:]
        if self._cepstra is None:
            self._cepstra = _repeated(cepstra[:1], WINDOW_FRAMES)
            levels = np.concatenate((_repeated(levels[:1], self._reach), levels))
        return self._rated(cepstra, levels)

    def finish(self) -> Floats:
        """Return the ratings of the frames that are left."""
        if self._cepstra is None or self._last_bands is None:
            return np.zeros((0, self._gaussians.senones), np.float32)
        return self._rated(
            _repeated(self._cepstra[-1:], WINDOW_FRAMES), _repeated(self._last_bands, self._reach)
        )

    def _rated(self, cepstra: Numbers, bands: Floats) -> Floats:
        assert self._cepstra is not None  # noqa: S101 - both callers have seen to it
        known = np.concatenate((self._cepstra, cepstra), dtype=np.float32)
        by_network = self._network.push(bands) if self._network else None
        count = max(0, len(known) - 2 * WINDOW_FRAMES) if by_network is None else len(by_network)
        if not count:
            self._cepstra = known
            return np.zeros((0, self._gaussians.senones), np.float32)
        before, frames, after = np.split(
            known[: count + 2 * WINDOW_FRAMES], (WINDOW_FRAMES, WINDOW_FRAMES + count)
        )
        self._cepstra = known[count:]
        scores = self._gaussians.score(differences(frames, before=before, after=after))
        scores *= self._gaussians_weight
        if by_network is not None:
            scores += np.float32(WEIGHT * NETWORK_SHARE) * by_network
        return scores


def _repeated(frame: Numbers, times: int) -> Floats:
    """Return so many of one frame, (times, values)."""
    return np.repeat(frame, times, axis=0).astype(np.float32)
