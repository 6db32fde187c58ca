"""The satellite's clock, as the protocol tells time."""

import time


def now_us() -> int:
    """Return the time, microseconds since 1970."""
    return time.time_ns() // 1000
