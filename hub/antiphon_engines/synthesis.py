"""One Synthesize job: from a text to paced audio on a playback's topic."""

import asyncio
from collections.abc import Generator
from typing import Final

from antiphon_engines import sentences
from antiphon_engines.rack import Rack, Slot, Voice
from antiphon_engines.resample import Resampler
from antiphon_engines.sender import Play, Report, Sender
from antiphon_engines.speech_cache import SpeechCache, SpeechKey
from antiphon_engines.tts.port import TtsEngine
from antiphon_protocol.messages.work import Synthesize, WorkBegan

PIECES_MAX: Final = 8192
"""Pieces of samples between engine and sender: the longest reply in pieces of 22 ms, so that the
engine is free for others while this reply is paced. Policy: block; the engine waits."""


class TextEmptyError(Exception):
    """There is nothing to say; caught by the jobs' table."""


class Synthesis:
    """One job."""

    def __init__(
        self,
        job: Synthesize,
        *,
        worker: str,
        rack: Rack,
        cache: SpeechCache,
        lead_s: float,
        report: Report,
        play: Play,
    ) -> None:
        self._job = job
        self._worker = worker
        self._rack = rack
        self._cache = cache
        self._report = report
        self._sender = Sender(job, lead_s=lead_s, report=report, play=play)
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(PIECES_MAX)
        self.slot: Slot[TtsEngine] | None = None
        """The synthesizer, once it is chosen."""

    async def run(self) -> None:
        """Do the job, up to the last frame.

        Raises:
            TextEmptyError: there is no text.
            EngineMissingError: no engine here can do it.
            ModelError: the engine has no such voice.
            LinkDownError: the house is not reachable.
            Exception: what the engine broke with.
        """
        job = self._job
        texts = sentences.split(job.text)
        if not texts:
            raise TextEmptyError("there is no text to speak")
        voice = self._rack.voice(job.engine, job.language)
        self.slot = voice.slot
        self._report(WorkBegan(job=job.job, worker=self._worker, engine=voice.slot.name))
        speaking = asyncio.create_task(self._speak(voice, texts), name=f"{job.job}: speak")
        try:
            await self._send_all(voice.slot.name)
            await speaking  # raises what the engine broke with
            await self._sender.end(voice.slot.name)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        self._sender.tell_end()

    # -- the engine's side ------------------------------------------------------------------------

    async def _speak(self, voice: Voice, texts: list[str]) -> None:
        """Put all samples into the queue, None behind the last, also when the engine broke."""
        try:
            for text in texts:
                await self._sentence(voice, text)
        except Exception:
            await self._pieces.put(None)
            raise
        await self._pieces.put(None)

    async def _sentence(self, voice: Voice, text: str) -> None:
        job = self._job
        key = SpeechKey(voice.slot.name, job.voice, job.language, text, job.format.rate_hz)
        if await self._put_known(key):
            return
        whole = bytearray()
        async with voice.turn:
            if await self._put_known(key):  # another job has just had the same said
                return
            with voice.slot.lease() as engine:
                pieces = _pieces(engine, text, job)
                try:
                    while (piece := await voice.thread.run(next, pieces, None)) is not None:
                        whole += piece
                        await self._pieces.put(piece)
                finally:
                    # In its thread, thus after a call that a cancelled job left there: the engine
                    # must have ended this sentence before it gets another.
                    await voice.thread.run(pieces.close)
            self._cache.put(key, bytes(whole))

    async def _put_known(self, key: SpeechKey) -> bool:
        """Put the sentence into the queue if it was spoken before; tell whether it was."""
        pcm = self._cache.get(key)
        if pcm is not None:
            await self._pieces.put(pcm)
        return pcm is not None

    # -- the house's side -------------------------------------------------------------------------

    async def _send_all(self, engine: str) -> None:
        while (pcm := await self._pieces.get()) is not None:
            await self._sender.feed(pcm, engine)


def _pieces(engine: TtsEngine, text: str, job: Synthesize) -> Generator[bytes, None, None]:
    """Yield a sentence's samples at the job's rate; each step blocks while the engine computes."""
    resampler = Resampler(engine.rate_hz, job.format.rate_hz)
    for pcm in engine.synthesize(text, language=job.language, voice=job.voice):
        if ready := resampler.feed(pcm):
            yield ready
    if rest := resampler.feed(b"", last=True):
        yield rest
