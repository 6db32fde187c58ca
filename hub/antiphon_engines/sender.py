"""A playback's audio on its way to the satellites: framed, paced, and its begin told."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from antiphon_engines import pacing
from antiphon_engines.framing import Framer
from antiphon_protocol.audio import SAMPLE_BYTES, AudioFrame
from antiphon_protocol.limits import PLAYBACK_SECONDS_MAX
from antiphon_protocol.messages.work import (
    Relay,
    SpeechBegan,
    SpeechSynthesized,
    Synthesize,
    WorkFact,
)

log = logging.getLogger(__name__)

Play = Callable[[str, str, AudioFrame], Awaitable[None]]
"""Sends a frame, given the group and the playback."""
Report = Callable[[WorkFact], None]


class Sender:
    """One job's audio: samples in, frames out, at most `lead_s` ahead of real time."""

    def __init__(
        self, job: Synthesize | Relay, *, lead_s: float, report: Report, play: Play
    ) -> None:
        self._job = job
        self._lead_s = lead_s
        self._report = report
        self._play = play
        self._taken_s = time.perf_counter()  # the loop's clock may tick in milliseconds
        self._began_s: float | None = None
        self._framer = Framer()
        self._room = int(PLAYBACK_SECONDS_MAX * job.format.rate_hz) * SAMPLE_BYTES

    async def feed(self, pcm: bytes, engine: str) -> None:
        """Send samples of this engine; what is longer than a playback may be is cut off.

        Raises:
            LinkDownError: the house is not reachable.
        """
        if len(pcm) > self._room:
            log.warning("%s: the audio is cut at %g s", self._job.job, PLAYBACK_SECONDS_MAX)
        for frame in self._framer.feed(pcm[: self._room]):
            await self._send(frame, engine)
        self._room -= len(pcm[: self._room])

    async def end(self, engine: str) -> None:
        """Send what is left; raises as `feed`."""
        await self._send(self._framer.end(), engine)

    def tell_end(self) -> None:
        """Tell that this was all: the job's last word."""
        framer = self._framer
        self._report(
            SpeechSynthesized(job=self._job.job, samples=framer.samples, frames=framer.frames)
        )

    async def _send(self, frame: AudioFrame, engine: str) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._began_s is None:
            self._began_s = now_s
            engine_ms = (time.perf_counter() - self._taken_s) * 1e3
            # The sound first: telling of it takes time that a person would hear.
            await self._play(self._job.group, self._job.playback, frame)
            self._report(SpeechBegan(job=self._job.job, engine=engine, engine_ms=engine_ms))
            return
        wait_s = pacing.wait_s(
            sent_samples=frame.position,
            rate_hz=self._job.format.rate_hz,
            elapsed_s=now_s - self._began_s,
            lead_s=self._lead_s,
        )
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await self._play(self._job.group, self._job.playback, frame)
