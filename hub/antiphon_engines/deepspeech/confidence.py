"""How sure a hypothesis is: a probability of being right, from what the decoders measured. Pure.

Source: Platt 1999 (a logistic curve fitted to what came out right and what did not).
"""

import math
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
import numpy as np

from antiphon_engines.deepspeech.hypotheses import Decoding

_STEPS: Final = 50
_RIDGE: Final = 0.05
"""Keeps the fit finite where all examples are right, or all wrong."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The curve: P(right) = posterior / (1 + exp(-(bias - slope * deficit)))."""

    bias: float = 3.0
    slope: Annotated[float, msgspec.Meta(ge=0.0)] = 4.0
    """For each nat a letter by which the text is less likely than what was heard freely."""


def confidences(decoding: Decoding, calibration: Calibration) -> list[float]:
    """Return each hypothesis's probability of being right, 0..1."""
    if not math.isfinite(decoding.deficit):
        return [0.0 for _ in decoding.hypotheses]
    fits = _logistic(calibration.bias - calibration.slope * max(0.0, decoding.deficit))
    return [fits * one.posterior for one in decoding.hypotheses]


def fit(deficits: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Return the curve that fits examples best: Newton's method on the logistic likelihood.

    Args:
        deficits: Of the best hypotheses, nats a letter; negative ones count as 0.
        right: Whether each was what had been said.
    """
    x = np.stack([np.ones(len(right)), -np.maximum(0.0, deficits)], axis=1)
    y = np.asarray(right, np.float64)
    theta = np.zeros(2)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ theta, -30, 30)))
        gradient = x.T @ (y - p) - _RIDGE * theta
        curve = (x * (p * (1 - p))[:, None]).T @ x + _RIDGE * np.eye(2)
        theta = theta + np.clip(np.linalg.solve(curve, gradient), -2, 2)
    return Calibration(bias=float(theta[0]), slope=max(0.0, float(theta[1])))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))
