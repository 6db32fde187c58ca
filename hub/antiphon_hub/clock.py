"""The wall clock, in the unit that the wire uses."""

import time


def now_us() -> int:
    """Return microseconds since 1970."""
    return time.time_ns() // 1000
