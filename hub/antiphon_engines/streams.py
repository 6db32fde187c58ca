"""The last streams of all satellites, kept so that no frame between a call and its job is lost."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from antiphon_engines.intake import Hole, Intake
from antiphon_engines.settings import StreamsSection
from antiphon_protocol.audio import (
    FRAME_SAMPLES,
    SAMPLE_BYTES,
    SAMPLE_RATE_HZ,
    Frame,
    acceptable,
)

TAKE_BYTES: Final = SAMPLE_RATE_HZ // 2 * SAMPLE_BYTES
"""One helping for the recogniser: half a second, so that a cancelled job ends soon."""

GIVEN_UP_MAX: Final = 3 * FRAME_SAMPLES
"""Samples of a stream that may be silence instead, some 0.1 s: lost for good, or damaged.

With more, words are missing, and the rest may mean something else: the turn must fail, and say so.
"""

Key = tuple[str, str]
"""Satellite and stream."""


class StreamStalledError(Exception):
    """A stream cannot be heard (any further); caught by the job that reads it."""


class _Stream(msgspec.Struct, eq=False):
    frames: dict[int, Frame] = {}
    bytes: int = 0
    last_s: float = 0.0


class Streams:
    """Keeps frames by stream, the last changed at the end.

    Policy of the bounds: drop-oldest, counted as `streams_dropped`. `now_s` is the loop's clock.
    """

    def __init__(self, settings: StreamsSection) -> None:
        self._settings = settings
        self._streams: OrderedDict[Key, _Stream] = OrderedDict()
        self._readers: dict[Key, set[Reader]] = {}
        self._bytes = 0
        self.counts: Counter[str] = Counter()
        """frames, frames_repeated, frames_refused (over the stream's limit), streams_dropped,
        streams_expired."""

    @property
    def kept_bytes(self) -> int:
        """Bytes of audio that are kept."""
        return self._bytes

    def put(self, satellite: str, stream: str, frame: Frame, now_s: float) -> None:
        """Keep a frame and hand it to the stream's readers."""
        if not acceptable(frame):
            self.counts["frames_refused"] += 1
            return
        key = (satellite, stream)
        self.counts["frames"] += 1
        self._keep(key, frame, now_s)
        for reader in self._readers.get(key, ()):
            reader.put(frame)

    def read(self, satellite: str, stream: str, on_hole: Callable[[Hole], None]) -> "Reader":
        """Return a reader from the stream's first frame on; close it afterwards."""
        key = (satellite, stream)
        reader = Reader(self._settings.stall_s, on_hole, lambda one: self._leave(key, one))
        kept = self._streams.get(key)
        for frame in kept.frames.values() if kept else ():
            reader.put(frame)
        self._readers.setdefault(key, set()).add(reader)
        return reader

    def expire(self, now_s: float) -> None:
        """Drop streams that got nothing new for long."""
        while self._streams:
            oldest = next(iter(self._streams.values()))
            if now_s - oldest.last_s < self._settings.kept_s:
                return
            self._drop_oldest("streams_expired")

    def _keep(self, key: Key, frame: Frame, now_s: float) -> None:
        kept = self._streams.setdefault(key, _Stream())
        if frame.sequence in kept.frames:
            self.counts["frames_repeated"] += 1
            return
        kept.frames[frame.sequence] = frame
        kept.bytes += frame.size
        kept.last_s = now_s
        self._streams.move_to_end(key)
        self._bytes += frame.size
        while (
            len(self._streams) > self._settings.streams or self._bytes > self._settings.kept_bytes
        ):
            self._drop_oldest("streams_dropped")

    def _drop_oldest(self, count: str) -> None:
        _, oldest = self._streams.popitem(last=False)
        self._bytes -= oldest.bytes
        self.counts[count] += 1

    def _leave(self, key: Key, reader: "Reader") -> None:
        readers = self._readers[key]
        readers.discard(reader)
        if not readers:
            del self._readers[key]


class Reader:
    """One job's way through a stream: samples in order, waiting for what is not there yet."""

    def __init__(
        self,
        stall_s: float,
        on_hole: Callable[[Hole], None],
        on_close: Callable[["Reader"], None],
    ) -> None:
        self._stall_s = stall_s
        self._on_hole = on_hole
        self._on_close = on_close
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._last_s = self._loop.time()
        self.intake = Intake()

    def put(self, frame: Frame) -> None:
        """Take in a frame in any order; only new ones show that the stream lives."""
        now_s = self._loop.time()
        if self.intake.put(frame, now_s):
            self._last_s = now_s
            self._arrived.set()

    def finish(self, frames: int) -> None:
        """Learn how many frames the stream has."""
        self._last_s = self._loop.time()
        self.intake.finish(frames, self._last_s)
        self._arrived.set()

    async def next(self) -> bytes:
        """Return the next samples, half a second at most; empty at the stream's end.

        Raises:
            StreamStalledError: nothing came for `stall_s` and the stream has not ended, or too much
                of it never came or was damaged.
            CodecMissingError: the stream's codec is not on this machine.
        """
        while True:
            now_s = self._loop.time()
            if hole := self.intake.poll(now_s):
                self._on_hole(hole)
            pcm = self.intake.take(TAKE_BYTES)
            if self.intake.lacking_samples > GIVEN_UP_MAX:
                raise StreamStalledError(self.intake.lacking)
            if pcm:
                return pcm
            if self.intake.ended:
                return b""
            await self._wait(now_s)

    def close(self) -> None:
        """Take in nothing more."""
        self._on_close(self)

    async def _wait(self, now_s: float) -> None:
        due_s = self.intake.due_s
        stalls_s = self._last_s + self._stall_s
        # While a hole waits to be filled or given up, the intake's own bound applies.
        if due_s is None and now_s >= stalls_s:
            raise StreamStalledError(f"no audio for {self._stall_s:g} s")
        self._arrived.clear()
        timer = self._loop.call_at(stalls_s if due_s is None else due_s, self._arrived.set)
        try:
            await self._arrived.wait()
        finally:
            timer.cancel()
