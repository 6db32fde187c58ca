"""One Relay job: somebody's own voice, from the stream that it was heard in to a playback."""

from typing import Final

import numpy as np

from antiphon_engines.intake import Hole
from antiphon_engines.resample import Resampler
from antiphon_engines.sender import Play, Report, Sender
from antiphon_engines.streams import Reader, Streams, StreamStalledError
from antiphon_protocol.audio import FRAME_SAMPLES, SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.messages.work import FramesMissing, Relay, WorkBegan

ENGINE: Final = "own-voice"
"""What stands for an engine in what is told of such a job."""
LOUD_DBFS: Final = -20.0
"""Level of the loud windows afterwards: that of the house's own voices."""
GAIN_DB_MAX: Final = 30.0
"""For who speaks from the far end of a room; more would only bring up the room's own noise."""
PEAK: Final = 0.89
"""No sample is louder than this share of full scale: 1 dB is left for the resampler."""
FADE_SAMPLES: Final = SAMPLE_RATE_HZ // 50
"""20 ms at both ends, so that a cut in the room's noise does not click."""


class Relaying:
    """One job."""

    slot = None
    """It needs no engine."""

    def __init__(
        self,
        job: Relay,
        *,
        worker: str,
        streams: Streams,
        lead_s: float,
        report: Report,
        play: Play,
    ) -> None:
        self._job = job
        self._worker = worker
        self._report = report
        self._sender = Sender(job, lead_s=lead_s, report=report, play=play)
        self._reader = streams.read(job.satellite, job.stream, self._report_hole)

    async def run(self) -> None:
        """Do the job, up to the last frame.

        Raises:
            StreamStalledError: the stream is not here, or not all of it.
            LinkDownError: the house is not reachable.
        """
        job = self._job
        self._report(WorkBegan(job=job.job, worker=self._worker, engine=ENGINE))
        pcm = levelled(await _part(self._reader, job.begin, job.end))
        resampler = Resampler(SAMPLE_RATE_HZ, job.format.rate_hz)
        await self._sender.feed(resampler.feed(pcm, last=True), ENGINE)
        await self._sender.end(ENGINE)
        self._sender.tell_end()

    def close(self) -> None:
        """Read the stream no longer; call it when the job is over."""
        self._reader.close()

    def _report_hole(self, hole: Hole) -> None:
        job = self._job
        self._report(
            FramesMissing(job=job.job, stream=job.stream, first=hole.first, last=hole.last)
        )


async def _part(reader: Reader, begin: int, end: int) -> bytes:
    """Return a stream's samples from position `begin` up to `end`, or up to its own end."""
    heard = bytearray()
    while len(heard) < end * SAMPLE_BYTES and (pcm := await reader.next()):
        heard += pcm
    part = bytes(heard[begin * SAMPLE_BYTES : end * SAMPLE_BYTES])
    if not part:
        raise StreamStalledError("there is nothing in that part of the stream")
    return part


def levelled(pcm: bytes) -> bytes:
    """Return 16-bit samples as loud as the house's own voice, with soft ends."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
    samples *= _gain(samples)
    fade = min(FADE_SAMPLES, len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    samples[:fade] *= ramp
    samples[len(samples) - fade :] *= ramp[::-1]
    return bytes((np.clip(samples, -PEAK, PEAK) * 32767.0).astype("<i2").tobytes())


def _gain(samples: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> float:
    """Return what brings the loud windows to their level, and no peak far over full scale."""
    windows = [samples[at : at + FRAME_SAMPLES] for at in range(0, len(samples), FRAME_SAMPLES)]
    powers = sorted(float(np.mean(window**2)) for window in windows)
    loud = powers[int(0.9 * (len(powers) - 1))]
    if loud <= 0.0:
        return 1.0
    wanted_db = LOUD_DBFS - 10.0 * np.log10(loud)
    peak = float(np.percentile(np.abs(samples), 99.9))
    return float(min(10.0 ** (min(wanted_db, GAIN_DB_MAX) / 20.0), PEAK / peak))
