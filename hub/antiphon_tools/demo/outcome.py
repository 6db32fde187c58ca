"""Which turn is the answer to what was just spoken in a room. Pure; the caller waits."""

from typing import Final

from antiphon_protocol.messages.event import Event, TurnEnded, TurnStarted
from antiphon_tools.demo.results import Unheard

WAKE_GRACE_S: Final = 2.5
"""From the end of the speech to the last moment that a wake engine's call may come."""
ANSWER_LIMIT_S: Final = 60.0
"""From the end of the speech to the end of the longest reply that is waited for."""


class Outcome:
    """Follows the facts of one satellite from the first spoken sample on.

    A false wake in mid-sentence may begin a turn of its own, or supersede the first: the answered
    turn counts, else the one that ended last.
    """

    def __init__(self, satellite: str) -> None:
        self._satellite = satellite
        self._running: set[str] = set()
        self._ended: TurnEnded | None = None
        self._spoken_at_s: float | None = None

    def apply(self, event: Event) -> None:
        """Take in a fact of the house."""
        if isinstance(event, TurnStarted) and event.satellite == self._satellite:
            self._running.add(event.turn)
        elif isinstance(event, TurnEnded) and event.turn in self._running:
            self._running.discard(event.turn)
            if self._ended is None or self._ended.outcome != "answered":
                self._ended = event

    def spoken(self, now_s: float) -> None:
        """Note that the last sample was spoken."""
        self._spoken_at_s = now_s

    def decide(self, now_s: float) -> TurnEnded | Unheard | None:
        """Return what came of it; None while something may still come."""
        if self._spoken_at_s is None:
            return None
        waited_s = now_s - self._spoken_at_s
        if self._running:
            return "no-answer" if waited_s >= ANSWER_LIMIT_S else None
        if self._ended is not None and (
            self._ended.outcome == "answered" or waited_s >= WAKE_GRACE_S
        ):
            return self._ended
        return "no-wake" if waited_s >= WAKE_GRACE_S else None
