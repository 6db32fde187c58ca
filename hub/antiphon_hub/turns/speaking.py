"""Saying something: one playback to one or more satellites, from any worker with a voice."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Final

import msgspec

from antiphon_hub.errors import JobTimeoutError, WorkerLostError
from antiphon_hub.turns.ending import TurnFailedError
from antiphon_hub.turns.expect import Expectations
from antiphon_hub.turns.ports import Command, Job, Pool, Satellite
from antiphon_hub.turns.record import TurnRecord
from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.limits import TEXT_CHARS_MAX
from antiphon_protocol.messages.satellite import (
    Play,
    PlaybackKind,
    PlaybackReady,
    Played,
    StopPlaying,
)
from antiphon_protocol.messages.work import (
    SpeechBegan,
    SpeechSynthesized,
    Synthesize,
    WorkFailed,
)

log = logging.getLogger(__name__)

READY_S: Final = 1.0
"""A satellite that has not subscribed by then will not hear it."""
VOICE_S: Final = 1.5
"""How long a reply waits for a worker with a voice."""
FIRST_AUDIO_S: Final = 3.0
SPEECH_S: Final = 190.0
"""The longest text spoken slowly, and some."""
TAIL_S: Final = 5.0
"""Buffers and network between the last frame sent and the last sample played."""
WAITING_MAX: Final = 8
"""Announcements that wait for one satellite; policy: reject."""


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """Something to say."""

    turn: str
    playback: str
    text: str
    kind: PlaybackKind = "reply"


PlaybackKey = tuple[str, str, str]
"""`ready` or `played`, playback, satellite."""


class Mouth:
    """Says things through the workers and the satellites' speakers, one at a time in each room."""

    def __init__(self, pool: Pool, command: Command, language: str) -> None:
        self._pool = pool
        self._command = command
        self._language = language
        self._expected: Expectations[PlaybackKey, PlaybackReady | Played] = Expectations()
        self._ready: dict[str, set[str]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}

    def announce(self, playback: str) -> None:
        """A satellite was told of this playback already: remember who is ready for it."""
        self._ready.setdefault(playback, set())

    def forget(self, playback: str) -> None:
        """The playback will not be used (again)."""
        self._ready.pop(playback, None)

    def did(self, satellite: str, fact: PlaybackReady | Played) -> None:
        """A satellite is ready for a playback, or has played it."""
        if isinstance(fact, PlaybackReady):
            if fact.playback in self._ready:
                self._ready[fact.playback].add(satellite)
            self._expected.met(("ready", fact.playback, satellite), fact)
        else:
            self._expected.met(("played", fact.playback, satellite), fact)

    async def say(
        self, speech: Speech, satellites: Sequence[Satellite], record: TurnRecord
    ) -> None:
        """Say it; returns when the last satellite has played the last sample.

        Raises:
            TurnFailedError: no satellite can play, no worker has a voice, the room is busy, or the
                speech broke off.
        """
        speakers = sorted((one for one in satellites if one.speaks), key=lambda one: one.id)
        if not speakers:
            return
        self.announce(speech.playback)
        try:
            async with AsyncExitStack() as stack:
                for one in speakers:
                    await stack.enter_async_context(_Place(self, one.id))
                await self._say_now(speech, [one.id for one in speakers], record)
        finally:
            self.forget(speech.playback)

    async def _say_now(self, speech: Speech, ids: Sequence[str], record: TurnRecord) -> None:
        with ExitStack() as stack:
            played = {
                one: stack.enter_context(self._expected.expect(("played", speech.playback, one)))
                for one in ids
            }
            for one in ids:
                self._command(one, _play(speech))
            ready = await self._until_ready(speech.playback, ids)
            try:
                samples = await self._synthesize(speech, record)
                left_s = samples / AudioFormat().rate_hz + TAIL_S
                await self._until_played([played[one] for one in ready], left_s, record)
            except BaseException:
                for one in ids:
                    self._command(one, StopPlaying(playback=speech.playback))
                raise

    async def _until_ready(self, playback: str, ids: Sequence[str]) -> list[str]:
        with ExitStack() as stack:
            missing = [
                stack.enter_context(self._expected.expect(("ready", playback, one)))
                for one in ids
                if one not in self._ready[playback]
            ]
            if missing:
                await asyncio.wait(missing, timeout=READY_S)
        ready = [one for one in ids if one in self._ready[playback]]
        if not ready:
            raise TurnFailedError(
                "no-speaker", detail=f"{', '.join(ids)} did not get ready to play"
            )
        return ready

    async def _synthesize(self, speech: Speech, record: TurnRecord) -> int:
        """Have a worker speak it; return how many samples it sent."""
        tried: set[tuple[str, int]] = set()
        failure = TurnFailedError("no-voice", detail="no worker with a voice is connected")
        while True:
            worker = await self._pool.find("tts", self._language, tried=tried, within_s=VOICE_S)
            if worker is None:
                raise failure
            with worker.job() as job:
                job.tell(self._request(job, speech))
                try:
                    return await self._follow(job, record)
                except (WorkerLostError, JobTimeoutError) as error:
                    failure = TurnFailedError("no-voice", detail=str(error))
            tried.add(worker.incarnation)
            if "reply-began" in record.marks:
                raise failure  # half of it was heard: saying it again would confuse

    def _request(self, job: Job, speech: Speech) -> Synthesize:
        return Synthesize(
            job=job.id,
            turn=speech.turn,
            playback=speech.playback,
            text=speech.text[:TEXT_CHARS_MAX],
            language=self._language,
        )

    async def _follow(self, job: Job, record: TurnRecord) -> int:
        wait_s = FIRST_AUDIO_S
        while True:
            fact = await job.next(wait_s)
            match fact:
                case SpeechBegan():
                    record.mark("reply-began")
                    record.engine_ms["synthesize"] = fact.engine_ms
                    record.trace["voice"] = fact.engine
                    wait_s = SPEECH_S
                case SpeechSynthesized():
                    job.done = True
                    return fact.samples
                case WorkFailed():
                    job.done = True
                    raise WorkerLostError(f"{fact.code}: {fact.text}")
                case _:
                    pass  # WorkBegan says nothing that the reply waits for

    async def _until_played(
        self,
        played: Sequence[asyncio.Future[PlaybackReady | Played]],
        within_s: float,
        record: TurnRecord,
    ) -> None:
        done, _ = await asyncio.wait(played, timeout=within_s)
        facts = [fact for fact in (one.result() for one in done) if isinstance(fact, Played)]
        record.mark("played")
        record.trace["underruns"] = sum(fact.underruns for fact in facts)
        if not any(fact.complete for fact in facts):
            raise TurnFailedError("no-speaker", detail="the reply was not played to its end")


class _Place:
    """A place in the queue of one satellite's speaker."""

    def __init__(self, mouth: Mouth, satellite: str) -> None:
        self._waiting = mouth._waiting  # noqa: SLF001 - one queue in two classes of one file
        self._lock = mouth._turns.setdefault(satellite, asyncio.Lock())  # noqa: SLF001 - as above
        self._satellite = satellite

    async def __aenter__(self) -> None:
        waiting = self._waiting.get(self._satellite, 0)
        if waiting >= WAITING_MAX:
            raise TurnFailedError("busy", detail=f"{waiting} things wait for {self._satellite}")
        self._waiting[self._satellite] = waiting + 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting[self._satellite] -= 1

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


def _play(speech: Speech) -> Play:
    return Play(playback=speech.playback, kind=speech.kind, format=AudioFormat(), turn=speech.turn)
