"""Logging for programs: one line an event on standard error, repeats limited."""

import logging
import os
import sys


class Rate:
    """A token bucket: lets a burst pass, then so many a second (pure; `now` in seconds)."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = float(burst)
        self._then = 0.0

    def allows(self, now: float) -> bool:
        """Tell whether one more may pass at this time."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._then) * self._per_s)
        self._then = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


def set_up(*, verbose: bool) -> None:
    """Send logs to standard error; under systemd without a time, the journal has its own."""
    stamp = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format=f"{stamp}%(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("zeroconf").setLevel(logging.WARNING)
