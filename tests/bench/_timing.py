"""Spreads of measured times."""

import time
from collections.abc import Callable, Sequence
from typing import Any


def spread(values: Sequence[float], digits: int = 4) -> dict[str, Any]:
    """Return median, tails and sample size."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], digits)

    return {"p50": at(0.50), "p95": at(0.95), "p99": at(0.99), "n": len(ordered)}


def microseconds_per_call(call: Callable[[], object], *, calls: int, rounds: int) -> dict[str, Any]:
    """Return the spread over rounds of a call's mean time, microseconds."""
    call()
    times_us = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        for _ in range(calls):
            call()
        times_us.append(1e6 * (time.perf_counter() - began_s) / calls)
    return spread(times_us)
