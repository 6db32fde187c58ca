"""The stages of a turn's `timings`: what to call them, who spends the time, in which colour."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec


class Spender(StrEnum):
    """Whose time a stage is."""

    RULE = "rule"
    """Waiting on purpose, to be sure that the person has finished."""
    ENGINE = "engine"
    """Recognition and speech synthesis."""
    OURS = "ours"
    """Bus, routing, understanding, journal, playback: all that is neither."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the wait between the last spoken word and the first word of the reply."""

    key: str
    """Its name in `timings`."""
    label: str
    spender: Spender
    colour: str


STAGES: Final = (
    Stage(key="endpoint", label="pause", spender=Spender.RULE, colour="#6c7380"),
    Stage(key="recognise_engine", label="recognition", spender=Spender.ENGINE, colour="#56b6f2"),
    Stage(key="ours", label="ours", spender=Spender.OURS, colour="#f2994a"),
    Stage(
        key="synthesize_engine", label="speech synthesis", spender=Spender.ENGINE, colour="#bb9af7"
    ),
)
"""In the order of their happening; each millisecond of the wait is in exactly one of them."""


def wait_ms(timings: Mapping[str, float]) -> float:
    """Return how long the person waited for the reply's first sample, ms."""
    return sum(timings.get(stage.key, 0.0) for stage in STAGES)
