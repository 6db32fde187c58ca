"""Saying something: one playback to one or more satellites, from any worker with a voice.

A reply goes to one satellite and waits for nothing. An announcement goes to all rooms that are free
at the same moment, each keeping the same time; rooms that are busy hear it when they are free.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import Final, Literal

import msgspec

from antiphon_hub.clock import now_us
from antiphon_hub.errors import JobTimeoutError, WorkerLostError
from antiphon_hub.turns.ending import TurnFailedError
from antiphon_hub.turns.expect import Expectations
from antiphon_hub.turns.ports import Command, Job, Place, Pool, Rooms, Satellite
from antiphon_hub.turns.record import Spoken, TurnRecord
from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.ids import new_id
from antiphon_protocol.limits import TEXT_CHARS_MAX
from antiphon_protocol.messages.satellite import (
    Play,
    PlaybackKind,
    PlaybackReady,
    Played,
    StopPlaying,
)
from antiphon_protocol.messages.work import (
    Relay,
    SpeechBegan,
    SpeechSynthesized,
    Synthesize,
    WorkFailed,
)
from antiphon_protocol.topic import EVERY_SATELLITE

log = logging.getLogger(__name__)

READY_S: Final = 1.0
"""A satellite that has not subscribed by then will not hear it."""
BACK_S: Final = 6.0
"""One that was here when the turn began, and went: its turn waits as long for it."""
VOICE_S: Final = 1.5
"""How long a reply waits for a worker with a voice."""
FIRST_AUDIO_S: Final = 3.0
SPEECH_S: Final = 190.0
"""The longest text spoken slowly, and some."""
TAIL_S: Final = 5.0
"""Buffers and network between the last frame sent and the last sample played."""
TOGETHER_S: Final = 3.0
"""How long rooms that are free wait for those that are busy, to hear it at the same moment."""
START_S: Final = 0.5
"""From the first audio to the common begin: the way of the audio and of the begin's time."""
LATEST_S: Final = READY_S + FIRST_AUDIO_S + START_S
"""When those begin that never hear of the common begin."""


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """Something to say."""

    turn: str
    playback: str
    text: str
    kind: PlaybackKind = "reply"
    spoken: Spoken | None = None
    """Play this in place of the text, as long as a worker has it."""


PlaybackKey = tuple[str, str, str]
"""`ready` or `played`, playback, satellite."""


class Mouth:
    """Says things through the workers and the satellites' speakers, where the room is free."""

    def __init__(self, pool: Pool, command: Command, language: str, rooms: Rooms) -> None:
        self._pool = pool
        self._rooms = rooms
        self._command = command
        self._language = language
        self._expected: Expectations[PlaybackKey, PlaybackReady | Played] = Expectations()
        self._ready: dict[str, set[str]] = {}
        self._away: set[str] = set()

    def announce(self, playback: str) -> None:
        """A satellite was told of this playback already: remember who is ready for it."""
        self._ready.setdefault(playback, set())

    def forget(self, playback: str) -> None:
        """The playback will not be used (again)."""
        self._ready.pop(playback, None)
        if not self._ready:
            self._away.clear()

    def left(self, satellite: str) -> None:
        """A satellite is gone; if it comes back, it gets ready once more."""
        for ready in self._ready.values():
            if satellite in ready:
                ready.discard(satellite)
                self._away.add(satellite)

    def joined(self, satellite: str) -> None:
        """A satellite is here."""
        self._away.discard(satellite)

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
        """Say it where one satellite heard, or in several rooms; returns behind the last sample.

        Raises:
            TurnFailedError: no satellite can play, no worker has a voice, the room is busy, or the
                speech broke off.
        """
        speakers = {one.id: one for one in map(self._rooms.output, satellites) if one.speaks}
        several = list(speakers.values())
        if len(several) == 1:
            await self._reply(speech, several[0], record)
        elif several and "played" not in (await self.tell(speech, several, record)).values():
            raise TurnFailedError("no-speaker", detail="the reply was not played to its end")

    async def _reply(self, speech: Speech, speaker: Satellite, record: TurnRecord) -> None:
        self.announce(speech.playback)
        try:
            with self._rooms.place(speaker.room, speech.kind) as place:
                if not await place.wait():
                    raise TurnFailedError("busy", detail=f"{place.room}: {place.taken}")
                heard = await self._say_now(speech, {place: [speaker.id]}, record)
                if place.taken:
                    raise TurnFailedError("busy", detail=f"{place.room}: {place.taken}")
        finally:
            self.forget(speech.playback)
        if not heard:
            raise TurnFailedError("no-speaker", detail="the reply was not played to its end")

    async def tell(
        self, speech: Speech, satellites: Sequence[Satellite], record: TurnRecord
    ) -> dict[str, str]:
        """Say it in all these satellites' rooms, at the same moment where they are free.

        Returns what became of it by room: `played`, `no-speaker`, or why the room was not had.

        Raises:
            TurnFailedError: no worker has a voice.
        """
        came: dict[str, str] = {}
        rooms = {one.room: [o.id for o in satellites if o.room == one.room] for one in satellites}
        async with AsyncExitStack() as stack:
            held: dict[Place, ExitStack] = {}
            for room in rooms:
                own = stack.enter_context(ExitStack())
                held[own.enter_context(self._rooms.place(room, speech.kind))] = own
            while held:
                await _settled(list(held))
                here = {place: rooms[place.room] for place in held if place.here}
                heard = await self._tell_group(speech, here, record) if here else set()
                for place, own in list(held.items()):
                    if result := _result(place, tried=place in here, heard=place in heard):
                        came[place.room] = result
                        del held[place]
                        own.close()
        return came

    async def _tell_group(
        self, speech: Speech, held: Mapping[Place, Sequence[str]], record: TurnRecord
    ) -> set[Place]:
        speech = msgspec.structs.replace(speech, playback=new_id("play"))
        self.announce(speech.playback)
        try:
            return await self._say_now(speech, held, record)
        except TurnFailedError as error:
            if error.code != "no-speaker":
                raise
            return set()
        finally:
            self.forget(speech.playback)

    async def _say_now(
        self, speech: Speech, held: Mapping[Place, Sequence[str]], record: TurnRecord
    ) -> set[Place]:
        """Say it on these satellites as one; return the places where it was heard to its end."""
        ids = [one for many in held.values() for one in many]
        group = _Group(self._command, speech, ids)
        with ExitStack() as stack:
            played = {
                one: stack.enter_context(self._expected.expect(("played", speech.playback, one)))
                for one in ids
            }
            group.begin()
            try:
                async with _while_any_is_here(held, group.stop):
                    ready = await self._until_ready(speech.playback, ids)
                    samples = await self._synthesize(speech, record, group)
                    left_s = samples / AudioFormat().rate_hz + TAIL_S
                    await asyncio.wait([played[one] for one in ready], timeout=left_s)
            except BaseException:
                group.stop(ids)
                raise
            facts = {one: future.result() for one, future in played.items() if future.done()}
        return self._heard(held, facts, record)

    def _heard(
        self,
        held: Mapping[Place, Sequence[str]],
        facts: Mapping[str, PlaybackReady | Played],
        record: TurnRecord,
    ) -> set[Place]:
        record.mark("played")
        ends = {one: fact for one, fact in facts.items() if isinstance(fact, Played)}
        record.trace["underruns"] = sum(fact.underruns for fact in ends.values())
        whole = {one for one, fact in ends.items() if fact.complete}
        return {place for place, ids in held.items() if whole.intersection(ids)}

    async def _until_ready(self, playback: str, ids: Sequence[str]) -> list[str]:
        with ExitStack() as stack:
            missing = [
                stack.enter_context(self._expected.expect(("ready", playback, one)))
                for one in ids
                if one not in self._ready[playback]
            ]
            if missing:
                away = not self._away.isdisjoint(ids)
                await asyncio.wait(missing, timeout=BACK_S if away else READY_S)
        ready = [one for one in ids if one in self._ready[playback]]
        if not ready:
            raise TurnFailedError(
                "no-speaker", detail=f"{', '.join(ids)} did not get ready to play"
            )
        return ready

    async def _synthesize(self, speech: Speech, record: TurnRecord, group: "_Group") -> int:
        """Have a worker speak it; return how many samples it sent."""
        tried: set[tuple[str, int]] = set()
        failure = TurnFailedError("no-voice", detail="no worker with a voice is connected")
        kind: Literal["stt", "tts"] = "stt" if speech.spoken else "tts"
        while True:
            worker = await self._pool.find(kind, self._language, tried=tried, within_s=VOICE_S)
            if worker is None:
                raise failure
            with worker.job() as job:
                job.tell(self._request(job, speech, group.name))
                try:
                    return await self._follow(job, record, group)
                except (WorkerLostError, JobTimeoutError) as error:
                    failure = TurnFailedError("no-voice", detail=str(error))
            if group.sounding:
                raise failure  # half of it was heard: saying it again would confuse
            if speech.spoken is not None:  # whoever heard it is gone: then in our voice
                speech, kind = msgspec.structs.replace(speech, spoken=None), "tts"
                record.trace["relay"] = failure.detail
            else:
                tried.add(worker.incarnation)

    def _request(self, job: Job, speech: Speech, group: str) -> Synthesize | Relay:
        if (spoken := speech.spoken) is not None:
            return Relay(
                job=job.id,
                turn=speech.turn,
                playback=speech.playback,
                group=group,
                satellite=spoken.satellite,
                stream=spoken.stream,
                begin=spoken.begin,
                end=spoken.end,
            )
        chosen = job.worker.engine("tts", self._language)
        return Synthesize(
            job=job.id,
            turn=speech.turn,
            playback=speech.playback,
            group=group,
            text=speech.text[:TEXT_CHARS_MAX],
            language=self._language,
            engine=chosen.engine,
            voice=chosen.voice,
        )

    async def _follow(self, job: Job, record: TurnRecord, group: "_Group") -> int:
        wait_s = FIRST_AUDIO_S
        while True:
            fact = await job.next(wait_s)
            match fact:
                case SpeechBegan():
                    record.mark("reply-began")
                    record.engine_ms["synthesize"] = fact.engine_ms
                    record.trace["voice"] = fact.engine
                    group.sounds()
                    wait_s = SPEECH_S
                case SpeechSynthesized():
                    job.done = True
                    return fact.samples
                case WorkFailed():
                    job.done = True
                    raise WorkerLostError(f"{fact.code}: {fact.text}")
                case _:
                    pass  # WorkBegan says nothing that the reply waits for


class _Group:
    """Satellites that play one playback; more than one keep time together."""

    def __init__(self, command: Command, speech: Speech, ids: Sequence[str]) -> None:
        self._command = command
        self._speech = speech
        self._ids = ids
        self.sounding = False

    @property
    def name(self) -> str:
        """What its audio's topic calls it; what one plays, only that one may read."""
        return self._ids[0] if len(self._ids) == 1 else EVERY_SATELLITE

    def begin(self) -> None:
        """Have them subscribe; who is never told a better time begins at the latest one."""
        self._play(LATEST_S)

    def sounds(self) -> None:
        """There is audio: let them begin at the same moment."""
        self.sounding = True
        if len(self._ids) > 1:
            self._play(START_S)

    def stop(self, ids: Sequence[str]) -> None:
        """Stop some of them."""
        for one in ids:
            self._command(one, StopPlaying(playback=self._speech.playback))

    def _play(self, in_s: float) -> None:
        together = len(self._ids) > 1
        play = Play(
            playback=self._speech.playback,
            kind=self._speech.kind,
            format=AudioFormat(),
            turn=self._speech.turn,
            at_us=now_us() + round(in_s * 1e6) if together else 0,
        )
        for one in self._ids:
            self._command(one, play)


@asynccontextmanager
async def _while_any_is_here(
    held: Mapping[Place, Sequence[str]], stop: Callable[[Sequence[str]], None]
) -> AsyncIterator[None]:
    """Run the block as long as one of the rooms is ours; a lost one is silent at once."""
    async with AsyncExitStack() as stack:
        scope = asyncio.timeout(None)

        def lost(ids: Sequence[str]) -> None:
            stop(ids)
            if not any(place.here for place in held):
                scope.reschedule(0.0)

        for place, ids in held.items():
            place.when_lost(partial(lost, ids))
            stack.callback(place.when_lost, None)
        try:
            async with scope:
                yield
        except TimeoutError:
            if not scope.expired():
                raise


async def _settled(places: Sequence[Place]) -> None:
    """Return when all rooms are ours or out of reach; soon, if that holds for some of them."""
    waits = [asyncio.ensure_future(place.wait()) for place in places]
    try:
        done, _ = await asyncio.wait(waits, timeout=TOGETHER_S)
        if not done:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


def _result(place: Place, *, tried: bool, heard: bool) -> str:
    """Return what became of it in a room; empty while the room is still to be had."""
    if heard:
        return "played"
    if place.taken:
        return place.taken
    return "no-speaker" if tried and place.here else ""
