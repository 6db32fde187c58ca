"""What jobs say to the house: the port between them and the bus."""

from typing import Protocol

from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.messages.work import WorkFact


class Outlet(Protocol):
    """Facts and audio out."""

    def report(self, turn: str, fact: WorkFact) -> None:
        """Publish what came of a job; never waits, in order."""
        ...

    async def reported(self) -> None:
        """Return once all that was reported has left, or soon in any case."""
        ...

    async def play(self, group: str, playback: str, frame: AudioFrame) -> None:
        """Publish a frame of a group's playback; waits while the line is full.

        Raises:
            LinkDownError: the house is not reachable.
        """
        ...
