"""Which streams' chunks are computed together next, and when: pure rules.

Chunks go by due time, earliest first (Liu and Layland 1973). A background chunk is due later than
an interactive one of the same moment, so interactive ones go first; but nothing that comes after
its due time can overtake it, so none starves.
"""

from collections import deque
from collections.abc import Hashable
from typing import Annotated, Final, Generic, TypeVar

import msgspec

from antiphon_engines.deepspeech.runtime.port import BATCH_MAX

Lane = TypeVar("Lane", bound=Hashable)
T = TypeVar("T")

_COST_MEMORY: Final = 0.7
"""Share of the old estimate in the new one: a noisy machine's costs, within a few batches."""

Seconds = Annotated[float, msgspec.Meta(ge=0.0)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How patient the schedule is, and how much it takes in."""

    streams_max: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 256
    """Open streams; one more is rejected."""
    ahead_max: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    """Chunks of one stream that wait; who brings one more waits too."""
    batch_max: Annotated[int, msgspec.Meta(ge=1, le=BATCH_MAX)] = BATCH_MAX
    gather_s: Seconds = 0.004
    """A chunk waits so long for others to share the computation with, unless all are there."""
    due_s: Seconds = 0.1
    """An interactive chunk shall be done within this."""
    background_due_s: Seconds = 2.0


class Chunk(msgspec.Struct, Generic[Lane, T], frozen=True, eq=False):
    """A piece of a stream that waits to be computed."""

    lane: Lane
    work: T
    came_s: float
    due_s: float


class Schedule(Generic[Lane, T]):
    """Waiting chunks by stream ("lane"); only a lane's first can be computed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lanes: dict[Lane, bool] = {}
        self._waiting: dict[Lane, deque[Chunk[Lane, T]]] = {}
        self._costs_s: dict[int, float] = {}
        self.rejected = 0
        """Streams that found no room."""
        self.late = 0
        """Chunks that were done after their due time."""

    def __len__(self) -> int:
        return len(self._lanes)

    def open(self, lane: Lane, *, background: bool) -> bool:
        """Let a stream in; False: there are too many."""
        if len(self._lanes) >= self._limits.streams_max:
            self.rejected += 1
            return False
        self._lanes[lane] = background
        return True

    def close(self, lane: Lane) -> list[T]:
        """Let a stream go; return its work that nobody will do."""
        self._lanes.pop(lane, None)
        return [chunk.work for chunk in self._waiting.pop(lane, ())]

    def has_room(self, lane: Lane) -> bool:
        """Return whether the stream may bring another chunk now."""
        return len(self._waiting.get(lane, ())) < self._limits.ahead_max

    def add(self, lane: Lane, work: T, now_s: float) -> None:
        """Put a chunk behind the others of an open stream that has room."""
        patience_s = self._limits.background_due_s if self._lanes[lane] else self._limits.due_s
        chunk = Chunk(lane, work, now_s, now_s + patience_s)
        self._waiting.setdefault(lane, deque()).append(chunk)

    def take(self, now_s: float) -> tuple[Chunk[Lane, T], ...]:
        """Return what to compute now; nothing before `ready_s`."""
        ready_s = self.ready_s()
        if ready_s is None or now_s < ready_s:
            return ()
        heads = sorted((lane[0] for lane in self._waiting.values()), key=lambda one: one.due_s)
        batch = tuple(heads[: self._size(len(heads), heads[0].due_s - now_s)])
        for chunk in batch:
            lane = self._waiting[chunk.lane]
            lane.popleft()
            if not lane:
                del self._waiting[chunk.lane]
        return batch

    def ready_s(self) -> float | None:
        """Return from when on there is something to take; None: not before the next `add`."""
        if not self._waiting:
            return None
        if len(self._waiting) >= min(len(self._lanes), self._limits.batch_max):
            return 0.0
        return min(lane[0].came_s for lane in self._waiting.values()) + self._limits.gather_s

    def done(self, batch: tuple[Chunk[Lane, T], ...], began_s: float, now_s: float) -> None:
        """Learn from a computed batch what its size costs."""
        self.late += sum(now_s > chunk.due_s for chunk in batch)
        size, cost_s = _rung(len(batch)), now_s - began_s
        known_s = self._costs_s.get(size, cost_s)
        self._costs_s[size] = _COST_MEMORY * known_s + (1 - _COST_MEMORY) * cost_s

    def _size(self, count: int, slack_s: float) -> int:
        """Return how many to compute: all, unless fewer keep the most urgent one's due time."""
        most = min(count, self._limits.batch_max)
        size = most
        while size > 1 and self._costs_s.get(_rung(size), 0.0) > slack_s:
            size = _rung(size) // 2
        keeps = self._costs_s.get(_rung(size), 0.0) <= slack_s
        return size if keeps else most


def _rung(size: int) -> int:
    """Return the power of two at or above it: costs are learned by these."""
    return 1 << (size - 1).bit_length()
