"""95 % intervals for counts: no figure without one."""

import math
from collections.abc import Callable

_Z = 1.959964
"""Two-sided 95 % of the normal distribution."""


def share_interval(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, JASA 22, 1927); (0, 1) for nothing tried."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def rate_interval(events: int, exposure: float) -> tuple[float, float]:
    """Return the 95 % interval of events per unit of exposure (Garwood, Biometrika 28, 1936)."""
    if exposure <= 0:
        return 0.0, math.inf
    low = _mean_where(lambda mean: 1 - _at_most(events - 1, mean) > 0.025) if events else 0.0
    high = _mean_where(lambda mean: _at_most(events, mean) < 0.025)
    return low / exposure, high / exposure


def _at_most(events: int, mean: float) -> float:
    """Return the Poisson probability of at most so many events."""
    term = total = math.exp(-mean)
    for count in range(1, events + 1):
        term *= mean / count
        total += term
    return total


def _mean_where(condition: Callable[[float], bool]) -> float:
    """Return the smallest mean for which a condition holds that stays true from there on."""
    low, high = 0.0, 1.0
    while not condition(high):
        high *= 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if condition(middle) else (middle, high)
    return high
