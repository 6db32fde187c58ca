"""A turn's stages as bars on one axis of time. Pure."""

from typing import Final

import msgspec

from antiphon_hub.turns.history import StoredTurn
from antiphon_hub.turns.record import STAGES

INSIDE: Final = (
    ("endpoint", "endpoint", "speech-ended"),
    ("recognise", "recognise_engine", "heard"),
    ("synthesize", "synthesize_engine", "reply-began"),
)
"""Shares of a stage: name, the timing that says how long, the mark where it ends."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


class Bar(msgspec.Struct, frozen=True):
    """One stretch of a turn, milliseconds from its begin."""

    name: str
    begin_ms: float
    end_ms: float
    inside: bool = False
    """A share of the stage above it: an engine's time, the wait for the end of speech."""

    @property
    def ms(self) -> float:
        """How long it took."""
        return self.end_ms - self.begin_ms


def bars(turn: StoredTurn) -> list[Bar]:
    """Return the stages that the turn reached, in their order, each with its shares below it."""
    out: list[Bar] = []
    for name, begin, end in STAGES:
        if begin not in turn.marks or end not in turn.marks:
            continue
        out.append(Bar(name, turn.marks[begin], turn.marks[end]))
        out += [
            Bar(share, max(0.0, turn.marks[end] - turn.timings[timing]), turn.marks[end], True)
            for share, timing, mark in INSIDE
            if mark == end and timing in turn.timings
        ]
    return out


def drawn(bar: Bar, total_ms: float, columns: int) -> str:
    """Return the bar as text of so many columns at most, blank up to its begin.

    A stage too short to be seen is still drawn, as the thinnest line.
    """
    if total_ms <= 0.0:
        return ""
    scale = columns * 8 / total_ms
    begin = min(round(bar.begin_ms * scale), columns * 8 - 1)
    end = min(max(round(bar.end_ms * scale), begin + 1), columns * 8)
    # A block can begin only at a column's left edge: what is before it there is rounded away.
    first = begin // 8
    full, rest = divmod(end - first * 8, 8)
    return " " * first + _EIGHTHS[8] * full + (_EIGHTHS[rest] if rest else "")
