"""Trying engines without a turn: a recording for a recogniser, a text for a voice.

The workers need not know: the recording is a stream like a satellite's, the speech a playback that
nobody but us may read.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import msgspec

from antiphon_hub.errors import JobTimeoutError, WorkError
from antiphon_hub.workers.pool import Job, Worker, WorkerPool
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ, AudioFormat, AudioFrame
from antiphon_protocol.ids import new_id
from antiphon_protocol.limits import AUDIO_FRAME_BYTES_MAX, PLAYBACK_SECONDS_MAX
from antiphon_protocol.messages.presence import EngineOffer
from antiphon_protocol.messages.work import (
    Endpointing,
    Finish,
    FramesMissing,
    Heard,
    SpeechBegan,
    SpeechSynthesized,
    Synthesize,
    Transcribe,
    WorkFact,
    WorkFailed,
)

log = logging.getLogger(__name__)

RECORDING_S_MAX: Final = 30.0
"""A longer recording is not taken."""
SATELLITE: Final = "hub-trial"
"""Whose stream a recording is."""
HEAR_S: Final = 40.0
"""A recogniser that says nothing for so long is given up."""
SPEAK_S: Final = 20.0
"""The same for a voice; what it speaks is paced as for a room."""
LATE_S: Final = 1.0
"""Frames that are not here so long after the last word are lost."""
_WHOLE: Final = Endpointing(
    silence_s=RECORDING_S_MAX,
    complete_silence_s=RECORDING_S_MAX,
    may_go_on_silence_s=RECORDING_S_MAX,
    unfinished_silence_s=RECORDING_S_MAX,
    no_speech_s=RECORDING_S_MAX,
    limit_s=2 * RECORDING_S_MAX,
)
"""Hear the recording to its end: whoever made it has chosen that."""
_QUIET: Final = bytes(SAMPLE_RATE_HZ // 4 * SAMPLE_BYTES)
_PCM_BYTES_MAX: Final = int(PLAYBACK_SECONDS_MAX * SAMPLE_RATE_HZ) * SAMPLE_BYTES


class Air(Protocol):
    """Audio on the bus."""

    async def send(self, satellite: str, stream: str, frame: AudioFrame) -> None:
        """Send a frame of a microphone's stream.

        Raises:
            LinkDownError: the broker is away.
        """
        ...

    def following(
        self, group: str, playback: str, take: Callable[[AudioFrame], None]
    ) -> AbstractAsyncContextManager[None]:
        """Hear a playback inside the block.

        Raises:
            LinkDownError: the broker is away.
        """
        ...


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """What a voice made of a text."""

    pcm: bytes
    """Signed 16-bit mono samples at 16 kHz, as rooms get them."""
    engine: str
    engine_ms: float
    """From the job to the engine's first samples."""


class Trials:
    """One at a time: people's turns go on beside it."""

    def __init__(self, pool: WorkerPool, air: Air, language: str = "en") -> None:
        """Try the engines of these workers; `language` is the house's."""
        self._pool = pool
        self._language = language
        self._air = air
        self._turn = asyncio.Lock()

    def candidates(self, kind: str, engine: str = "") -> list[tuple[Worker, EngineOffer]]:
        """Return the engines that can be tried, each once a machine: `stt` or `tts`."""
        found: dict[tuple[str, str], tuple[Worker, EngineOffer]] = {}
        for worker in self._pool:
            for offer in worker.offers:
                wanted = offer.kind == kind and engine in ("", offer.name)
                if wanted and not worker.retiring:
                    found.setdefault((worker.hello.host, offer.name), (worker, offer))
        return list(found.values())

    async def hear(self, worker: Worker, engine: str, pcm: bytes, language: str) -> Heard:
        """Have an engine hear a recording: signed 16-bit mono samples at 16 kHz.

        An engine's empty name is the worker's own choice.

        Raises:
            WorkError: it could not; the message says why.
            LinkDownError: the broker is away.
        """
        async with self._turn:
            stream, frames = new_id("trial"), _frames(pcm)
            with worker.job() as job:
                await self._send(stream, frames)
                job.tell(
                    Transcribe(
                        job=job.id,
                        turn=stream,
                        satellite=SATELLITE,
                        stream=stream,
                        language=language,
                        engine=engine,
                        context=self._pool.context,
                        endpointing=_WHOLE,
                    )
                )
                job.tell(Finish(job=job.id, frames=len(frames)))
                return await self._heard(job, stream, frames)

    async def settle(self, worker: Worker) -> None:
        """Return once a worker that has just come can hear: with the home's grammar loaded.

        Raises:
            WorkError: it cannot; the message says why.
            LinkDownError: the broker is away.
        """
        if any(offer.kind == "stt" for offer in worker.offers):
            await self.hear(worker, "", _QUIET, self._language)

    async def speak(
        self, worker: Worker, engine: str, voice: str, text: str, language: str
    ) -> Spoken:
        """Have a voice speak a text.

        Raises:
            WorkError: it could not; the message says why.
            LinkDownError: the broker is away.
        """
        group, playback = new_id("trial"), new_id("play")
        record = _Record()
        async with self._turn, self._air.following(group, playback, record.take):
            with worker.job() as job:
                job.tell(
                    Synthesize(
                        job=job.id,
                        turn=group,
                        playback=playback,
                        group=group,
                        text=text,
                        language=language,
                        engine=engine,
                        voice=voice,
                        format=AudioFormat(),
                    )
                )
                began = await self._spoken(job)
            await record.whole()
        return Spoken(pcm=record.pcm, engine=began.engine, engine_ms=began.engine_ms)

    # -- inside -----------------------------------------------------------------------------------

    async def _send(self, stream: str, frames: Sequence[AudioFrame]) -> None:
        for frame in frames:
            await self._air.send(SATELLITE, stream, frame)

    async def _heard(self, job: Job, stream: str, frames: Sequence[AudioFrame]) -> Heard:
        while True:
            match fact := await _next(job, HEAR_S):
                case Heard():
                    job.done = True
                    return fact
                case FramesMissing():
                    await self._send(stream, frames[fact.first : fact.last + 1])
                case _:
                    pass

    async def _spoken(self, job: Job) -> SpeechBegan:
        began: SpeechBegan | None = None
        while True:
            match fact := await _next(job, SPEAK_S):
                case SpeechBegan():
                    began = fact
                case SpeechSynthesized():
                    job.done = True
                    return began or SpeechBegan(job=job.id, engine="", engine_ms=0.0)
                case _:
                    pass


async def _next(job: Job, within_s: float) -> WorkFact:
    """Return what the worker says next.

    Raises:
        WorkError: it could not do the job, or says nothing in time.
    """
    fact = await job.next(within_s)
    if isinstance(fact, WorkFailed):
        job.done = True
        raise WorkError(fact.text or fact.code)
    return fact


class _Record:
    """A playback's frames, in their order; what never came is left out."""

    def __init__(self) -> None:
        self._frames: dict[int, AudioFrame] = {}
        self._bytes = 0
        self._changed = asyncio.Event()

    def take(self, frame: AudioFrame) -> None:
        """Keep a frame; one beyond the longest playback is dropped."""
        self._bytes += len(frame.pcm)
        if self._bytes <= _PCM_BYTES_MAX:
            self._frames.setdefault(frame.sequence, frame)
        self._changed.set()

    async def whole(self) -> None:
        """Return once all is here, or what is late can be taken for lost.

        Raises:
            JobTimeoutError: nothing came at all.
        """
        try:
            async with asyncio.timeout(LATE_S):
                while not self._is_whole():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            log.warning("of a trial's speech %d frames came, and not all", len(self._frames))
        if not self._frames:
            raise JobTimeoutError("the voice said that it spoke, and nothing was heard")

    @property
    def pcm(self) -> bytes:
        """All samples that came."""
        return b"".join(self._frames[number].pcm for number in sorted(self._frames))

    def _is_whole(self) -> bool:
        last = next((number for number, one in self._frames.items() if one.last), None)
        return last is not None and len(self._frames) > last


def _frames(pcm: bytes) -> list[AudioFrame]:
    count = max(1, math.ceil(len(pcm) / AUDIO_FRAME_BYTES_MAX))
    pieces = [
        pcm[at * AUDIO_FRAME_BYTES_MAX : (at + 1) * AUDIO_FRAME_BYTES_MAX] for at in range(count)
    ]
    return [
        AudioFrame(
            number,
            number * AUDIO_FRAME_BYTES_MAX // SAMPLE_BYTES,
            0,
            piece,
            last=number == count - 1,
        )
        for number, piece in enumerate(pieces)
    ]
