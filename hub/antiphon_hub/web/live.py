"""Pages that are open: what changes in a room goes to all of them, rendered once."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from antiphon_hub.web.board import Board, RoomNow
from antiphon_protocol.messages.event import Event
from antiphon_protocol.messages.satellite import SatelliteFact
from antiphon_protocol.messages.wake import WakeHeard

VIEWERS_MAX: Final = 256
"""Open pages at a time; policy: reject, the page says that it is not live and tries again."""
WAITING_MAX: Final = 64
"""Updates that wait for one page; policy: end its stream and count. It comes back, and gets all."""
GATHER_S: Final = 0.05
"""Changes go out together, so late at most: a turn has about ten, and pages need no more."""
BEAT_S: Final = 15.0
"""A comment as a sign of life, so that both ends notice a connection that is gone."""

Render = Callable[[RoomNow, bool], str]
"""Makes a room's card; with the words that were said, or without."""


class Viewer:
    """One open page."""

    def __init__(self, *, words: bool) -> None:
        self.words = words
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=WAITING_MAX)

    def put(self, chunk: bytes) -> bool:
        """Hand it an update; False when too many wait already."""
        if self.queue.full():
            return False
        self.queue.put_nowait(chunk)
        return True


class Live:
    """The board, and who looks at it."""

    def __init__(self) -> None:
        self.board = Board()
        self._viewers: set[Viewer] = set()
        self._changed: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._render: Render = lambda room, words: room.name  # noqa: ARG005 - until `show_with`
        self.counts: Counter[str] = Counter()
        """updates, slow (pages that were sent away), refused (beyond the bound)."""

    def show_with(self, render: Render) -> None:
        """Render cards so."""
        self._render = render

    def __len__(self) -> int:
        return len(self._viewers)

    def happened(self, event: Event) -> None:
        """Take in a fact of the house; returns at once."""
        self._note(self.board.apply(event, time.time()))

    def told(self, satellite: str, fact: SatelliteFact | WakeHeard) -> None:
        """Take in what a satellite says of itself; returns at once."""
        self._note(self.board.told(satellite, fact, time.time()))

    async def stream(self, *, words: bool) -> AsyncIterator[bytes]:
        """Yield server-sent events: first every room, then what changes, until the page goes."""
        if len(self._viewers) >= VIEWERS_MAX:
            self.counts["refused"] += 1
            yield b"retry: 30000\n\n"
            return
        viewer = Viewer(words=words)
        self._viewers.add(viewer)
        try:
            yield b"retry: 2000\nevent: hello\ndata: \n\n"
            for room in tuple(self.board.rooms.values()):
                yield self._update(room, words=words)
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        chunk = await viewer.queue.get()
                except TimeoutError:
                    yield b": here\n\n"
                    continue
                if chunk is None:
                    return
                yield chunk
        finally:
            self._viewers.discard(viewer)

    def close(self) -> None:
        """Send all pages away."""
        if self._timer is not None:
            self._timer.cancel()
        for viewer in self._viewers:
            self._end(viewer)

    # -- inside -----------------------------------------------------------------------------------

    def _note(self, room: str | None) -> None:
        if room is None or not self._viewers:
            return
        self._changed[room.strip().lower()] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._flush)

    def _flush(self) -> None:
        self._timer = None
        changed, self._changed = self._changed, {}
        for key in changed:
            room = self.board.rooms.get(key)
            if room is None:
                continue
            chunks = {words: self._update(room, words=words) for words in self._wanted()}
            self.counts["updates"] += 1
            for viewer in tuple(self._viewers):
                if not viewer.put(chunks[viewer.words]):
                    self.counts["slow"] += 1
                    self._viewers.discard(viewer)
                    self._end(viewer)

    def _wanted(self) -> set[bool]:
        return {viewer.words for viewer in self._viewers}

    def _update(self, room: RoomNow, *, words: bool) -> bytes:
        shown = room if words else _without_words(room)
        return sent("room", room.name, self._render(shown, words))

    @staticmethod
    def _end(viewer: Viewer) -> None:
        while viewer.queue.full():
            viewer.queue.get_nowait()
        viewer.queue.put_nowait(None)


def sent(event: str, key: str, html: str) -> bytes:
    """Return a server-sent event whose data is JSON: which part of the page, and what it is now."""
    data = msgspec.json.encode({"key": key.strip().lower(), "html": html})
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def _without_words(room: RoomNow) -> RoomNow:
    return msgspec.structs.replace(room, partial="", heard="", reply="")
