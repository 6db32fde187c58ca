"""Listens along with the microphones of turns that run, and keeps what the turn was about."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final, TypeVar

from antiphon_codecs.errors import CodecMissingError
from antiphon_codecs.joiner import joined
from antiphon_hub.errors import StorageError
from antiphon_hub.recordings.shelf import Shelf
from antiphon_protocol.audio import Frame, acceptable
from antiphon_protocol.wav import write_wav

T = TypeVar("T")

STREAMS_MAX: Final = 64
"""Streams in memory; policy: drop the oldest and count. Twenty rooms may speak at once."""
BYTES_MAX: Final = 32 * 1024 * 1024
"""Frames in memory; policy: as above. A command takes about 0.2 MiB."""
FRAME_OVERHEAD_BYTES: Final = 256
"""What a frame takes besides its audio: many small ones are no way around the bound."""
IDLE_S: Final = 300.0
"""A stream that no turn claimed in this time is forgotten: no turn lasts longer."""

_Key = tuple[str, str]
"""Satellite and stream."""


class Recordings:
    """Streams in memory while their turns run; files of those that became a turn.

    What nobody meant for the house (no wake phrase, no turn) never reaches the disk.
    """

    def __init__(self, shelf: Shelf, clock: Callable[[], float]) -> None:
        """`clock` is monotonic, seconds."""
        self._shelf = shelf
        self._clock = clock
        self._streams: dict[_Key, _Stream] = {}
        self._bytes = 0
        self.counts: Counter[str] = Counter()
        """kept, deleted (files); dropped (streams, for want of room), idle (streams)."""

    def heard(self, satellite: str, stream: str, frame: Frame) -> None:
        """Take in a frame of a microphone's, in any order."""
        now_s = self._clock()
        self._drop_idle(now_s)
        one = self._streams.setdefault((satellite, stream), _Stream())
        one.touched_s = now_s
        self._bytes += one.put(frame)
        while len(self._streams) > STREAMS_MAX or self._bytes > BYTES_MAX:
            self._take(next(iter(self._streams)))
            self.counts["dropped"] += 1

    async def keep(self, turn: str, satellite: str, streams: Sequence[str]) -> None:
        """Keep the audio of a turn that has ended.

        Raises:
            StorageError: it cannot be written.
        """
        for number, stream in enumerate(streams):
            frames = self._take((satellite, stream))
            if frames:
                self.counts["kept"] += await self._on_disk(
                    partial(self._write, turn, number, frames)
                )

    async def turns(self) -> list[str]:
        """Return the turns of which there is audio.

        Raises:
            StorageError: its folder cannot be read.
        """
        return await self._on_disk(self._shelf.turns)

    async def forget(self, turns: Collection[str], now_us: int) -> None:
        """Delete the audio of these turns, and what is too old or too much.

        Raises:
            StorageError: it cannot be deleted.
        """
        gone = await self._on_disk(lambda: self._shelf.sweep(turns, now_us / 1e6))
        self.counts["deleted"] += gone

    def _drop_idle(self, now_s: float) -> None:
        idle = [key for key, one in self._streams.items() if now_s - one.touched_s > IDLE_S]
        for key in idle:
            self._take(key)
            self.counts["idle"] += 1

    def _take(self, key: _Key) -> Sequence[Frame]:
        one = self._streams.pop(key, None)
        if one is None:
            return ()
        self._bytes -= one.size
        return tuple(one.frames.values())

    def _write(self, turn: str, number: int, frames: Sequence[Frame]) -> bool:
        """Write what the frames hold; tell whether it was anything."""
        try:
            pcm = joined(frames)
        except CodecMissingError as error:
            raise StorageError(f"kept audio: {error}") from None
        if pcm:
            self._shelf.put(turn, number, write_wav(pcm))
        return bool(pcm)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(None, work)
        except OSError as error:
            raise StorageError(
                f"kept audio: {error}; is the disk full? [journal] keep_audio_days = 0 keeps none"
            ) from None


class _Stream:
    """Frames by their numbers, as they came; the first of a number counts."""

    def __init__(self) -> None:
        self.frames: dict[int, Frame] = {}
        self.size = 0
        self.touched_s = 0.0

    def put(self, frame: Frame) -> int:
        """Take in a frame; return by how many bytes the stream grew."""
        if not acceptable(frame) or frame.sequence in self.frames:
            return 0
        self.frames[frame.sequence] = frame
        grown = frame.size + FRAME_OVERHEAD_BYTES
        self.size += grown
        return grown
