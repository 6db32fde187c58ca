"""When a device may be paired (pure): a window of minutes, for one device, with few wrong codes."""

from typing import Final

import msgspec

TRIES: Final = 5
"""Runs with a wrong code that one window bears."""
MINUTES: Final = 5.0
MINUTES_MAX: Final = 60.0


class PairingWindow(msgspec.Struct, frozen=True):
    """The time in which one device may be paired."""

    code: str
    until_s: float
    """Seconds since 1970."""
    tries: int
    """Wrong codes that are still borne."""
    outcome: str = ""
    """How it ended, for people; empty: it has not."""


def opened(code: str, minutes: float, now_s: float) -> PairingWindow:
    """Return a fresh window."""
    minutes = min(max(minutes, 0.5), MINUTES_MAX)
    return PairingWindow(code=code, until_s=now_s + 60 * minutes, tries=TRIES)


def is_open(window: PairingWindow | None, now_s: float) -> bool:
    """Tell whether a device may try now."""
    return window is not None and not window.outcome and now_s < window.until_s


def tried(window: PairingWindow) -> PairingWindow:
    """Return the window after a run began: it counts as failed until it is proven."""
    return msgspec.structs.replace(window, tries=window.tries - 1)


def failed(window: PairingWindow) -> PairingWindow:
    """Return the window after a proof was wrong."""
    return window if window.tries > 0 else ended(window, "closed: the code was wrong too often")


def ended(window: PairingWindow, outcome: str) -> PairingWindow:
    """Return the window after its end; the code is forgotten."""
    return msgspec.structs.replace(window, code="", outcome=outcome)
