"""Streams on their way up: numbers the frames, and keeps them until the hub has heard them. Pure.

The store is bounded by audio time (60 s over all streams, the oldest stream goes first) and by a
lease: what nobody released within half a minute after its end is forgotten.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from antiphon_codecs.port import Maker
from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ, Frame
from antiphon_protocol.limits import AUDIO_FRAME_BYTES_MAX, STREAM_SECONDS_MAX
from antiphon_satellite.listen.microphone import PcmFrame

KEPT_FRAMES_MAX: Final = int(STREAM_SECONDS_MAX * SAMPLE_RATE_HZ / FRAME_SAMPLES)
KEPT_S: Final = 30.0
"""The hub's own patience with a worker is far shorter; nobody asks for the audio after it."""
PREROLL_FRAMES_AT_ONCE: Final = AUDIO_FRAME_BYTES_MAX // FRAME_BYTES
"""What was heard before the call goes in large frames: it is sent in one go, and behind sixty
messages of each caller everybody's first words would wait for their turn."""
ENDED_NAMES_KEPT: Final = 16
"""Ids of past streams: a late `Listen` for one of them must not open the microphone again."""


class _Stream(msgspec.Struct):
    name: str
    maker: Maker
    frames: list[Frame]
    limit_samples: int = KEPT_FRAMES_MAX * FRAME_SAMPLES
    samples: int = 0
    sequence: int = 0
    ended_s: float | None = None
    held_from: int | None = None
    """Paused: the first frame that was kept back."""


class Uplink:
    """The stream that runs, and those whose audio may still be asked for."""

    def __init__(self) -> None:
        self._running: _Stream | None = None
        self._kept: dict[str, _Stream] = {}
        self._past: list[str] = []
        self.counts: Counter[str] = Counter()
        """streams, frames, frames_resent, streams_forgotten."""

    @property
    def running(self) -> str:
        """The id of the stream that runs; empty without one."""
        return self._running.name if self._running else ""

    @property
    def kept_frames(self) -> int:
        """How much is kept, all in all, in frames of the microphone's."""
        return sum(stream.samples for stream in self._kept.values()) // FRAME_SAMPLES

    def knows(self, name: str) -> bool:
        """Tell whether a stream of that id runs or has run lately."""
        return name == self.running or name in self._past

    def open(self, name: str, preroll: Sequence[PcmFrame], maker: Maker) -> list[Frame]:
        """Begin a stream with the pre-roll, in that maker's frames; return the first of them."""
        stream = self._running = self._kept[name] = _Stream(name, maker, [])
        self.counts["streams"] += 1
        made = (self._next(stream, piece) for piece in _grouped(preroll))
        return [frame for frame in made if frame is not None]

    def limit(self, seconds: float) -> None:
        """Let the running stream last at most this much audio from its start, seconds."""
        if self._running:
            frames = int(seconds * SAMPLE_RATE_HZ / FRAME_SAMPLES)
            self._running.limit_samples = min(KEPT_FRAMES_MAX, frames) * FRAME_SAMPLES

    @property
    def full(self) -> bool:
        """Whether the running stream has reached its limit; it should be ended then."""
        running = self._running
        return running is not None and running.samples >= running.limit_samples

    def feed(self, frame: PcmFrame) -> Frame | None:
        """Return the running stream's next frame, to be sent.

        None without a stream, when it is full, or when it is paused: then the frame is only kept;
        also where the maker waits for more.
        """
        if self._running is None or self.full:
            return None
        sent = self._next(self._running, frame)
        return sent if self._running.held_from is None else None

    def pause(self) -> None:
        """Keep back the running stream's frames from here on."""
        if self._running and self._running.held_from is None:
            self._running.held_from = self._running.sequence

    def resume(self) -> tuple[str, int, int] | None:
        """Keep back no more; return the stream and its first and last frame to be sent now."""
        stream = self._running
        if stream is None or stream.held_from is None:
            return None
        first, stream.held_from = stream.held_from, None
        return (stream.name, first, stream.sequence - 1) if first < stream.sequence else None

    def end(self, now_s: float, at_us: int) -> tuple[str, Frame] | None:
        """End the running stream; return its id and last frame, or None if none runs."""
        stream = self._running
        if stream is None:
            return None
        last = stream.maker.end(at_us)
        stream.frames.append(last)
        stream.ended_s = now_s
        self._running = None
        if stream.held_from is not None:
            del self._kept[stream.name]  # what nobody asked for is nobody's business
        self._past = [*self._past, stream.name][-ENDED_NAMES_KEPT:]
        return stream.name, last

    def again(self, name: str, first: int, last: int) -> list[Frame]:
        """Return those kept frames of a stream, both ends included; none if it is forgotten."""
        stream = self._kept.get(name)
        if stream is None:
            return []
        frames = [frame for frame in stream.frames if first <= frame.sequence <= last]
        self.counts["frames_resent"] += len(frames)
        return frames

    def release(self, name: str) -> None:
        """Forget a stream's audio: the hub has heard it. One that still runs is kept."""
        if name != self.running:
            self._kept.pop(name, None)

    def expire(self, now_s: float) -> None:
        """Forget the streams that ended long ago."""
        for stream in tuple(self._kept.values()):
            if stream.ended_s is not None and now_s - stream.ended_s >= KEPT_S:
                self._forget(stream)

    def _next(self, stream: _Stream, frame: PcmFrame) -> Frame | None:
        sent = stream.maker.make(frame.pcm, frame.at_us)
        if sent is None:
            return None
        stream.sequence = sent.sequence + 1
        stream.samples += sent.samples
        stream.frames.append(sent)
        self.counts["frames"] += 1
        while self.kept_frames > KEPT_FRAMES_MAX + 1 and len(self._kept) > 1:
            self._forget(next(iter(self._kept.values())))
        return sent

    def _forget(self, stream: _Stream) -> None:
        del self._kept[stream.name]
        self.counts["streams_forgotten"] += 1


def _grouped(frames: Sequence[PcmFrame]) -> Iterator[PcmFrame]:
    """Yield the same samples in frames as large as they may be."""
    for at in range(0, len(frames), PREROLL_FRAMES_AT_ONCE):
        group = frames[at : at + PREROLL_FRAMES_AT_ONCE]
        yield PcmFrame(b"".join(one.pcm for one in group), group[0].at_us)
