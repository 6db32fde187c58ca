"""How long to wait before trying again: exponential, jittered, capped."""

from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.1
CAP_S: Final = 1.0
"""A home network's broker is back in seconds; a turn that was under way is held for five."""


def wait_s(attempt: int, random: Callable[[], float]) -> float:
    """Return the wait before the attempt-th retry (from 0), seconds; `random` gives [0, 1)."""
    ceiling: float = min(CAP_S, FIRST_S * 2 ** min(attempt, 10))
    return ceiling * (0.5 + 0.5 * random())
