"""Which calls had their turn (pure). One call is one turn, however often a satellite says it.

A satellite calls again, with the same stream, when the hub was gone for a moment. The turn's id
follows from the stream's, so that also a hub that was started again, or another one, knows the turn
by it: what was acted on is in the journal under that id.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from antiphon_protocol.messages.event import TurnOutcome

CALLS_REMEMBERED: Final = 512
"""The oldest is forgotten; a satellite calls again within seconds."""


def turn_of(stream: str) -> str:
    """Return the id of the turn that a call with this stream begins."""
    return f"turn-{stream.removeprefix('stream-')}"[:64]


class Calls:
    """The calls of late, by turn, with the outcome of those whose turn is over."""

    def __init__(self) -> None:
        self._outcomes: OrderedDict[str, TurnOutcome | None] = OrderedDict()

    def begin(self, turn: str) -> bool:
        """Note a call; False if it was here before."""
        if turn in self._outcomes:
            return False
        self._note(turn, None)
        return True

    def over(self, turn: str, outcome: TurnOutcome) -> None:
        """Note how its turn ended."""
        self._note(turn, outcome)

    def outcome(self, turn: str) -> TurnOutcome | None:
        """Return how the turn of that id ended; None while it runs, or when it is forgotten."""
        return self._outcomes.get(turn)

    def recall(self, turns: Iterable[tuple[str, TurnOutcome]]) -> None:
        """Learn of turns that were had in an earlier life, oldest first."""
        for turn, outcome in turns:
            self._note(turn, outcome)

    def recall_acted(self, turn: str) -> None:
        """Learn that another hub was about to act on a turn; whether it did is not known."""
        self._note(turn, "failed")

    def _note(self, turn: str, outcome: TurnOutcome | None) -> None:
        self._outcomes[turn] = outcome
        self._outcomes.move_to_end(turn)
        while len(self._outcomes) > CALLS_REMEMBERED:
            self._outcomes.popitem(last=False)
