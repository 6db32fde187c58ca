"""The satellite's clocks, as the protocol tells time."""

import time
from typing import Final

_STARTED_US: Final = time.time_ns() // 1000 - time.monotonic_ns() // 1000


def now_us() -> int:
    """Return the time, microseconds since 1970."""
    return time.time_ns() // 1000


def steady_us() -> int:
    """Return the time as it was at the program's start, and as steady since: nobody sets it."""
    return _STARTED_US + time.monotonic_ns() // 1000
