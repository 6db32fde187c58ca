"""Pages that are open: what changes in a room goes to all of them, rendered once."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
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
SLICE: Final = 8
SLICE_EVERY_S: Final = 0.004
"""So many pages are written to at a time, so far apart: a hundred at once would hold up a turn by
as many milliseconds as a tenth of them."""
BEAT_S: Final = 15.0
"""A comment as a sign of life, so that both ends notice a connection that is gone."""

Render = Callable[[RoomNow, bool], str]
"""Makes a room's card; with the words that were said, or without."""


MayStay = Callable[[], Awaitable[bool]]


async def _anybody() -> bool:
    return True


class Viewer:
    """One open page."""

    def __init__(self, *, words: bool) -> None:
        self.words = words
        self.waiting: deque[bytes | None] = deque()
        self.due = asyncio.Event()
        """It may take what waits."""

    def put(self, chunk: bytes) -> bool:
        """Hand it an update; False when too many wait already."""
        if len(self.waiting) >= WAITING_MAX:
            return False
        self.waiting.append(chunk)
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

    async def stream(self, *, words: bool, may_stay: MayStay = _anybody) -> AsyncIterator[bytes]:
        """Yield server-sent events: first every room, then what changes, until the page goes.

        Args:
            words: With what was said.
            may_stay: Asked every BEAT_S: whoever was signed out meanwhile sees nothing more.
        """
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
            loop = asyncio.get_running_loop()
            look_s = loop.time() + BEAT_S
            while True:
                try:
                    async with asyncio.timeout_at(look_s):
                        await viewer.due.wait()
                except TimeoutError:
                    if not await may_stay():
                        return
                    look_s = loop.time() + BEAT_S
                    yield b": here\n\n"
                    continue
                viewer.due.clear()
                together = b"".join(one for one in viewer.waiting if one is not None)
                over = None in viewer.waiting
                viewer.waiting.clear()
                if together:
                    yield together
                if over:
                    return
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
            for number, viewer in enumerate(tuple(self._viewers)):
                self._hand(number // SLICE, viewer, chunks[viewer.words])

    def _hand(self, number: int, viewer: Viewer, chunk: bytes) -> None:
        """Hand a page an update, in its slice."""
        if not viewer.put(chunk):
            self.counts["slow"] += 1
            self._viewers.discard(viewer)
            self._end(viewer)
        elif number == 0:
            viewer.due.set()
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(number * SLICE_EVERY_S, viewer.due.set)

    def _wanted(self) -> set[bool]:
        return {viewer.words for viewer in self._viewers}

    def _update(self, room: RoomNow, *, words: bool) -> bytes:
        shown = room if words else _without_words(room)
        return sent("room", room.name, self._render(shown, words))

    @staticmethod
    def _end(viewer: Viewer) -> None:
        viewer.waiting.clear()
        viewer.waiting.append(None)
        viewer.due.set()


def sent(event: str, key: str, html: str) -> bytes:
    """Return a server-sent event whose data is JSON: which part of the page, and what it is now."""
    data = msgspec.json.encode({"key": key.strip().lower(), "html": html})
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def _without_words(room: RoomNow) -> RoomNow:
    return msgspec.structs.replace(room, partial="", heard="", reply="")
