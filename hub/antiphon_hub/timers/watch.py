"""Notices that a wall clock was set (pure)."""

from typing import Final

JUMP_US: Final = 2_000_000
"""NTP's slewing stays far below it; who sets a clock, or wakes a machine, does not."""


class ClockWatch:
    """Compares a wall clock with a steady one."""

    def __init__(self, wall_us: int, steady_s: float) -> None:
        """Begin.

        Args:
            wall_us: The wall clock, microseconds since 1970.
            steady_s: A clock that nobody sets, seconds.
        """
        self._ahead_us = wall_us - round(steady_s * 1e6)

    def jump_us(self, wall_us: int, steady_s: float) -> int:
        """Return by how much the wall clock was set since the last call; 0: it was not."""
        ahead_us = wall_us - round(steady_s * 1e6)
        jump = ahead_us - self._ahead_us
        # Followed also when it only drifts: years of it are no jump.
        self._ahead_us = ahead_us
        return jump if abs(jump) >= JUMP_US else 0
