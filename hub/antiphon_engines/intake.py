"""Puts one stream's frames back in order (pure; `now_s` is any steady clock).

What comes out is the same bytes whatever order, repetition or grouping the frames came in. A hole
is reported after a moment's grace, again and again while it stays, and then given up: silence of
its length takes its place, so that positions stay true, and it is counted. These waits are clock
time and not audio time, for frames sent again travel at the network's pace, and a recording may be
sent faster than it was spoken.
"""

from collections import deque
from typing import Final

import msgspec

from antiphon_codecs.joiner import Joiner
from antiphon_protocol.audio import FRAME_SAMPLES, Frame, acceptable
from antiphon_protocol.limits import STREAM_FRAMES_MAX

GRACE_S: Final = 0.02
"""Frames that overtook each other arrive within this; what is missing longer was lost."""
RETRY_S: Final = 0.3
"""What was sent again may be lost, too; on a home's worst Wi-Fi it is back well within this."""
GIVE_UP_S: Final = 4.0
"""From the first report on. Behind two seconds without a network there is time left for what is
lost once more when it is sent again."""


class Hole(msgspec.Struct, frozen=True):
    """Frames that are missing, both ends included."""

    first: int
    last: int


class Intake:
    """One reader's way through one stream. Holds at most what is behind a hole."""

    def __init__(self) -> None:
        self._ahead: dict[int, Frame] = {}
        self._ready: deque[Frame] = deque()
        self._joiner = Joiner()
        self._rest = b""
        self._next = 0
        self._position = 0
        self._count: int | None = None
        self._hole: Hole | None = None
        self._due_s = 0.0
        self._give_up_s = 0.0
        self._reported = False
        self.duplicates = 0
        """Frames that came again."""
        self.lost_samples = 0
        """Silence that stands for what never came, and for what the sender itself lacked."""
        self.given_up = 0
        """Frames that never came, however often they were asked for."""
        self.given_up_samples = 0
        """What they held; at the end of a stream each counts as one of 32 ms."""

    @property
    def lacking_samples(self) -> int:
        """How much silence there is in place of what was said, as far as it was taken."""
        return self.given_up_samples + self._joiner.damaged_samples

    @property
    def lacking(self) -> str:
        """The same in words."""
        return (
            f"{self.given_up} frames never came, and "
            f"{self._joiner.damaged_samples} samples were damaged"
        )

    def put(self, frame: Frame, now_s: float) -> bool:
        """Take in a frame in any order; return False for one that is not wanted (any more)."""
        if not acceptable(frame) or (self._count is not None and frame.sequence >= self._count):
            return False
        if frame.sequence < self._next or frame.sequence in self._ahead:
            self.duplicates += 1
            return False
        self._ahead[frame.sequence] = frame
        if frame.last:
            self._set_count(frame.sequence + 1)
        self._advance(now_s)
        return True

    def finish(self, frames: int, now_s: float) -> None:
        """Learn how many frames the stream has; a last frame says the same."""
        if self._count is None:
            self._set_count(frames)
            self._look_for_hole(now_s)

    @property
    def ended(self) -> bool:
        """True when everything there is was made ready."""
        return self._count is not None and self._next >= self._count

    @property
    def position(self) -> int:
        """Samples of the stream that were made ready so far."""
        return self._position

    def take(self, limit_bytes: int) -> bytes:
        """Return the next samples, at most so many bytes; empty when none are ready.

        Raises:
            CodecMissingError: the stream's codec is not on this machine.
        """
        pieces, size = [self._rest], len(self._rest)
        while self._ready and size < limit_bytes:
            pieces.append(self._joiner.put(self._ready.popleft()))
            size += len(pieces[-1])
        pcm = b"".join(pieces)
        self._rest = pcm[limit_bytes:]
        return pcm[:limit_bytes]

    @property
    def due_s(self) -> float | None:
        """When `poll` has something to do next; None while there is no hole."""
        return None if self._hole is None else self._due_s

    def poll(self, now_s: float) -> Hole | None:
        """Return the hole to report now, if any; one that is old enough is given up instead."""
        if self._hole is None or now_s < self._due_s:
            return None
        if not self._reported:
            self._reported, self._give_up_s = True, now_s + GIVE_UP_S
        if now_s < self._give_up_s:
            self._due_s = min(now_s + RETRY_S, self._give_up_s)
            return self._hole
        self._skip(self._hole)
        self._advance(now_s)
        return None

    def _set_count(self, frames: int) -> None:
        self._count = min(frames, STREAM_FRAMES_MAX)
        self._ahead = {key: one for key, one in self._ahead.items() if key < self._count}

    def _advance(self, now_s: float) -> None:
        while (frame := self._ahead.pop(self._next, None)) is not None:
            self._silence_until(frame.position)
            self._ready.append(frame)
            self._position += frame.samples
            self._next += 1
        self._look_for_hole(now_s)

    def _look_for_hole(self, now_s: float) -> None:
        hole = self._find_hole()
        if hole is None or self._hole is None or hole.first != self._hole.first:
            self._due_s, self._reported = now_s + GRACE_S, False
        self._hole = hole

    def _find_hole(self) -> Hole | None:
        if self._ahead:
            return Hole(self._next, min(self._ahead) - 1)
        if self._count is not None and self._next < self._count:
            return Hole(self._next, self._count - 1)
        return None

    def _skip(self, hole: Hole) -> None:
        self._next = hole.last + 1
        count = hole.last - hole.first + 1
        lost = count * FRAME_SAMPLES
        if frame := self._ahead.get(self._next):
            lost = max(0, frame.position - self._position)
            self._silence_until(frame.position)
        self.given_up += count
        self.given_up_samples += lost

    def _silence_until(self, position: int) -> None:
        """Count up to a position: a sender that lost samples itself leaves such a gap, too."""
        missing = position - self._position
        if missing > 0:
            self._position = position
            self.lost_samples += missing
