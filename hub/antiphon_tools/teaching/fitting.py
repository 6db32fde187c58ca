"""What sets the household's calls apart from other speech: a linear discriminant (Fisher 1936)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_ears.wake.household import STEPS, Likeness
from antiphon_tools.teaching.background import Background
from antiphon_tools.teaching.embedding import windows

Array = npt.NDArray[np.float64]

CALLS_MIN: Final = 3
"""Fewer say too little about how anybody calls."""
AFTER: Final = 4
"""Windows of a call: the one in which a wake engine fired, and those of the next quarter second."""
KEPT: Final = STEPS + AFTER - 1
"""Embeddings kept of a call: no more than those windows need."""
_SHRINK: Final = 0.3
"""Share of the mean variance that is added in every direction: a few calls tell few directions."""
_AGREES_AT: Final = 9.0
"""Standard deviations of speech in general from which on a call is one of the household's; chosen
on recordings, see docs/measurements.md."""
_AGREES: Final = 0.1
"""Score there: as other engines' are judged (`[listening] check_threshold`)."""


def fit(calls: Sequence[Array], background: Background) -> Likeness:
    """Return the likeness of some calls, each as KEPT embeddings around it, `around` has cut."""
    seen = np.concatenate([windows(one)[-AFTER:] for one in calls])
    times, features = _shrunk(background.times), _shrunk(background.features)
    apart = seen.mean(axis=0) - background.mean
    weights = np.linalg.solve(times, np.linalg.solve(features, apart.T).T)
    variance = float(np.sum((background.times @ weights @ background.features) * weights))
    weights /= np.sqrt(variance)
    odds = np.log(_AGREES / (1.0 - _AGREES))
    bias = odds - _AGREES_AT - float(np.sum(weights * background.mean))
    return Likeness(weights.ravel().tolist(), float(bias))


def around(found: Array, at: int) -> Array:
    """Return the embeddings around a call: KEPT of them, the AFTER last from `at` on.

    Args:
        found: One every 80 ms.
        at: The one in which a wake engine fired; what lies beyond either end is as the end is.
    """
    last = at + AFTER - 1
    places = np.clip(np.arange(last - KEPT + 1, last + 1), 0, len(found) - 1)
    cut: Array = found[places]
    return cut


def _shrunk(covariance: Array) -> Array:
    more = _SHRINK * np.trace(covariance) / len(covariance)
    shrunk: Array = covariance + more * np.eye(len(covariance))
    return shrunk
