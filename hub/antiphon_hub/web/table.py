"""The table of all deeds."""

from typing import Final

from antiphon_hub.web.deed import Deed
from antiphon_hub.web.deeds import (
    callers,
    conversations,
    engines,
    home,
    pairing,
    people,
    rooms,
    satellites,
    sentences,
    system,
    timers,
)

TOPICS: Final = (
    rooms,
    conversations,
    callers,
    satellites,
    pairing,
    timers,
    sentences,
    home,
    engines,
    system,
    people,
)
DEEDS: Final[tuple[Deed, ...]] = tuple(
    one for topic in TOPICS for one in vars(topic).values() if isinstance(one, Deed)
)
BY_NAME: Final = {one.name: one for one in DEEDS}
