"""One playback on its way from the wire to the speaker."""

import asyncio
from typing import Final

import msgspec

from antiphon_link.link import Envelope
from antiphon_protocol.audio import SAMPLE_BYTES, AudioFrame
from antiphon_protocol.messages.satellite import PlaybackKind
from antiphon_satellite.speak.jitter import Jitter
from antiphon_satellite.speak.timeline import Timeline

BEGINS_WITHIN_US: Final = 10_000_000
"""A common begin further away than this is a mistake of a clock, and not kept."""
CLOCK_SET_US: Final = 500_000
"""No estimate of the hub's clock is mended by so much: a clock was set, and ours is as good."""


class Playback(msgspec.Struct, eq=False):
    """What we know of one playback."""

    id: str
    kind: PlaybackKind
    gain_db: float
    patience_s: float
    rate_hz: int
    jitter: Jitter
    fed: asyncio.Event
    moved: asyncio.Event
    at_us: int = 0
    """Common begin, hub's clock; 0: none."""
    timeline: Timeline | None = None
    began: bool = False
    complete: bool = False
    first_at_us: int = 0
    underruns: int = 0
    stopped: bool = False
    scope: asyncio.Timeout | None = None
    """Ends what it waits for or plays, and leaves the task time to unsubscribe."""

    def take(self, frame: AudioFrame, _: Envelope) -> None:
        """Take in a frame from the wire; full, the buffer refuses it and counts."""
        self.jitter.put(frame)
        self.fed.set()

    async def fed_within(self, seconds: float) -> bool:
        """Wait for more frames; tell whether any came in time."""
        self.fed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self.fed.wait()
        except TimeoutError:
            return False
        return True

    def begin_at(self, at_us: int) -> None:
        """The hub tells the common begin, perhaps anew; behind the first sample it is too late."""
        if at_us != self.at_us and not self.began:
            self.at_us, self.timeline = at_us, None
            self.moved.set()

    def keep_time(self, begins_us: int | None, now_us: int) -> Timeline | None:
        """Return the playback's timeline, mended by what is known of the hub's clock by now.

        Args:
            begins_us: The common begin on our steady clock, as it is known now.
            now_us: The time on it.
        """
        if not self.at_us or begins_us is None:
            return self.timeline
        if self.timeline is not None:
            if abs(begins_us - self.timeline.begins_us) < CLOCK_SET_US:
                self.timeline.move(begins_us)
        elif abs(begins_us - now_us) <= BEGINS_WITHIN_US:
            self.timeline = Timeline(self.rate_hz, begins_us)
        return self.timeline

    @property
    def whole(self) -> bool:
        """Everything came, and some of it sounded."""
        left_out = self.timeline.left_out if self.timeline is not None else 0
        return not self.jitter.missing_samples and (not left_out or left_out < self.jitter.samples)

    def position_of(self, pcm: bytes) -> int:
        """Return how many samples of the playback are before those that came out last."""
        return self.jitter.samples - len(pcm) // SAMPLE_BYTES
