"""Which turn is the answer to what was just spoken in a room. Pure; the caller waits."""

from typing import Final

from antiphon_protocol.messages.event import Event, TurnEnded, TurnStarted
from antiphon_tools.demo.results import Unheard

FACTS_WITHIN_S: Final = 5.0
"""From the room's coming to rest to the last fact about what happened there."""


class Outcome:
    """Follows the facts of one satellite from the first spoken sample on.

    A false wake in mid-sentence may begin a turn of its own, or supersede the first: the answered
    turn counts, else the one that ended last.
    """

    def __init__(self, satellite: str) -> None:
        self._satellite = satellite
        self._running: set[str] = set()
        self._ended: TurnEnded | None = None

    def apply(self, event: Event) -> None:
        """Take in a fact of the house."""
        if isinstance(event, TurnStarted) and event.satellite == self._satellite:
            self._running.add(event.turn)
        elif isinstance(event, TurnEnded) and event.turn in self._running:
            self._running.discard(event.turn)
            if self._ended is None or self._ended.outcome != "answered":
                self._ended = event

    def decide(self, *, called: bool, waited_s: float) -> TurnEnded | Unheard | None:
        """Return what came of it; None while a fact may still come.

        Args:
            called: The satellite noticed a call.
            waited_s: Time since all was spoken and the room came to rest, seconds.
        """
        if not self._running and self._ended is not None:
            return self._ended
        if not self._running and not called:
            return "no-wake"
        return "no-answer" if waited_s >= FACTS_WITHIN_S else None
