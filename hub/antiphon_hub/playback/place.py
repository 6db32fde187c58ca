"""A place in a room's playback: asked for, granted, perhaps taken away."""

import asyncio
from collections.abc import Callable
from typing import Literal

from antiphon_hub.playback.room import Why
from antiphon_protocol.messages.satellite import PlaybackKind


class Place:
    """One place. Whoever holds it sounds only while `here`, and leaves when it is over."""

    def __init__(self, place_id: str, room: str, kind: PlaybackKind) -> None:
        self.id = place_id
        self.room = room
        self.kind = kind
        self.here = False
        """It may sound now."""
        self.taken: Why | Literal[""] = ""
        """Why it will not sound (again); empty while it may hope."""
        self._moved = asyncio.Event()
        self._on_lost: Callable[[], None] | None = None

    def when_lost(self, call: Callable[[], None] | None) -> None:
        """Have this called, at once, when the room is taken away while it sounds."""
        self._on_lost = call

    async def wait(self) -> bool:
        """Return when it may sound (True) or never will (False)."""
        while not self.here and not self.taken:
            self._moved.clear()
            await self._moved.wait()
        return self.here

    def granted(self) -> None:
        """The room is ours."""
        self.here = True
        self._moved.set()

    def lost(self, why: Why | Literal[""]) -> None:
        """The room is taken away: for good with a reason, else until it is granted again."""
        was_here, self.here, self.taken = self.here, False, why
        self._moved.set()
        if was_here and self._on_lost is not None:
            self._on_lost()
