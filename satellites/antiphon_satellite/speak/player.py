"""Plays what comes on playbacks, one sound at a time, and the cues.

Each playback lives in a task of its own: subscribe, say PlaybackReady, wait for audio, wait for the
speaker, play, say Played. Whatever happens to it, PlaybackReady is followed by exactly one Played.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from antiphon_link.errors import LinkDownError
from antiphon_protocol.audio import SAMPLE_RATE_HZ, AudioFormat
from antiphon_protocol.limits import STREAM_SECONDS_MAX
from antiphon_protocol.messages.satellite import (
    CueName,
    Fault,
    Play,
    PlaybackKind,
    PlaybackReady,
    Played,
)
from antiphon_satellite.clock import now_us, steady_us
from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.levels import amplified
from antiphon_satellite.link import House
from antiphon_satellite.speak.changes import PlaybackChanged
from antiphon_satellite.speak.cues import CUE_PREFIX, cue_pcm
from antiphon_satellite.speak.jitter import Jitter
from antiphon_satellite.speak.playback import Playback
from antiphon_satellite.speak.speaker import Output, Speaker
from antiphon_satellite.speak.timeline import Timeline

log = logging.getLogger(__name__)

PLAYBACKS_MAX: Final = 8
"""Playbacks that wait or sound at a time; more are refused."""
AUDIO_WITHIN_S: Final = 5.0
"""A playback that was asked for ends when no audio came for so long."""
REPLY_WITHIN_S: Final = STREAM_SECONDS_MAX + 30.0
"""A reply is expected from the turn's start on: the person speaks, then the house thinks."""
LEAD_IN_S: Final = 0.35
"""Before a common begin the speaker plays silence, so that its buffers are full and known."""


class Player:
    """The mouth: owns the speaker."""

    def __init__(
        self,
        house: House,
        speaker: Speaker,
        *,
        gain_db: float,
        changed: Callable[[PlaybackChanged], None],
        steady: Callable[[], int] = steady_us,
    ) -> None:
        self._steady_us = steady
        self._house = house
        self._speaker = speaker
        self.gain_db = gain_db
        """Everything is played so much louder, from the next samples on."""
        self._changed = changed
        self._open: dict[str, Playback] = {}
        self._cue_task: asyncio.Task[None] | None = None
        self._sounding = asyncio.Lock()
        self._music = asyncio.Lock()
        self._group: asyncio.TaskGroup | None = None
        self._volume_db = 0.0
        self._ducked_db = 0.0
        self._ducked_until_s = 0.0
        self.counts: Counter[str] = Counter()
        """playbacks, playbacks_refused, frames_rejected, samples_missing, samples_stretched,
        samples_left_out, underruns, cues, cues_dropped, speaker_faults."""

    @property
    def busy(self) -> bool:
        """Whether a playback is expected, waits or sounds, or a cue sounds."""
        return bool(self._open) or self._cue_task is not None

    async def run(self) -> None:
        """Play until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await asyncio.Event().wait()

    def expect(self, playback: str) -> None:
        """Be ready for a turn's reply, in the protocol's own format."""
        self._begin(playback, "reply", AudioFormat(), 0.0, REPLY_WITHIN_S)

    def play(self, asked: Play) -> None:
        """Be ready for a playback; its audio must come soon."""
        self._begin(asked.playback, asked.kind, asked.format, asked.gain_db, AUDIO_WITHIN_S)
        if asked.at_us and (one := self._open.get(asked.playback)):
            one.begin_at(asked.at_us)

    def forget(self, playback: str) -> None:
        """Give a playback up, unless it sounds already."""
        one = self._open.get(playback)
        if one is not None and not one.began:
            self._cancel(one)

    def stop(self, playback: str) -> None:
        """Stop a playback at once."""
        if playback in self._open:
            self._cancel(self._open[playback])

    def stop_all(self) -> None:
        """Stop everything that sounds, waits or is expected."""
        for one in tuple(self._open.values()):
            self._cancel(one)

    def set_volume(self, gain_db: float) -> None:
        """Play everything at this volume from the next samples on."""
        self._volume_db = gain_db

    def duck(self, level_db: float, lease_s: float, now_s: float) -> None:
        """Play music quieter, until the lease ends."""
        self._ducked_db, self._ducked_until_s = level_db, now_s + lease_s

    def cue(self, cue: CueName) -> None:
        """Sound a cue, unless something sounds already (policy: reject, counted)."""
        if self._group is None or self._sounding.locked() or self._cue_task is not None:
            self.counts["cues_dropped"] += 1
            return
        self._cue_task = self._group.create_task(self._sound_cue(cue), name=f"cue {cue}")

    async def sound(self, name: str, pcm: bytes) -> None:
        """Sound something of our own, behind what sounds now; cancelled, it is cut off at once.

        Args:
            name: Its name as a sound: `cue-failed`.
            pcm: Signed 16-bit mono samples at 16 kHz.
        """
        try:
            async with self._sounding, self._speaker.open(name, SAMPLE_RATE_HZ) as output:
                await output.write(amplified(pcm, self._own_gain_db))
                await output.drain()
        except SoundDeviceError as error:
            self._fault(error)

    # -- inside -----------------------------------------------------------------------------------

    def _begin(
        self, playback: str, kind: PlaybackKind, audio: AudioFormat, gain_db: float, wait_s: float
    ) -> None:
        if playback in self._open:
            # Asked for twice: by Listen, then by Play. The first subscription serves.
            self._open[playback].gain_db = gain_db
            self._house.tell(PlaybackReady(playback=playback))
            return
        if self._group is None or len(self._open) >= PLAYBACKS_MAX:
            self.counts["playbacks_refused"] += 1
            self._house.tell(Played(playback=playback, samples=0, complete=False))
            return
        one = Playback(
            id=playback,
            kind=kind,
            gain_db=gain_db,
            patience_s=wait_s,
            rate_hz=audio.rate_hz,
            jitter=Jitter(audio.rate_hz),
            fed=asyncio.Event(),
            moved=asyncio.Event(),
        )
        self._open[playback] = one
        self.counts["playbacks"] += 1
        self._group.create_task(self._live(one), name=f"playback {playback}")

    def _cancel(self, one: Playback) -> None:
        if not one.stopped and one.scope is not None:
            one.scope.reschedule(0.0)
        one.stopped = True

    async def _live(self, one: Playback) -> None:
        """Live a playback's life, from the subscription to Played."""
        try:
            async with self._house.following(one.id, one.take):
                self._house.tell(PlaybackReady(playback=one.id))
                await self._until_over(one)
                self._over(one)  # before unsubscribing: the hub waits for it
        except LinkDownError as error:
            log.warning("playback %s: %s", one.id, error)
            self._over(one)

    async def _until_over(self, one: Playback) -> None:
        try:
            async with asyncio.timeout(0.0 if one.stopped else None) as one.scope:
                if await one.fed_within(one.patience_s):
                    await self._sound(one)
        except TimeoutError:
            log.debug("playback %s: stopped", one.id)
        except SoundDeviceError as error:
            self._fault(error)
        finally:
            one.scope = None

    async def _sound(self, one: Playback) -> None:
        await self._wait_for_its_time(one)
        async with self._lane(one.kind), self._speaker.open(one.id, one.rate_hz) as output:
            try:
                one.complete = await self._pump(one, output)
                await output.drain()
            finally:
                one.first_at_us = one.first_at_us or output.first_at_us
                one.underruns = output.underruns

    async def _pump(self, one: Playback, output: Output) -> bool:
        """Write until the last sample; False when audio stopped coming before it."""
        while True:
            pcm = one.jitter.take()
            if pcm is None:
                if one.jitter.ended:
                    return one.whole
                if not await one.fed_within(AUDIO_WITHIN_S):
                    return False
                continue
            if pcm and await self._write(one, output, pcm) and not one.began:
                one.began = True
                self._changed(PlaybackChanged(one.id, "began"))

    async def _write(self, one: Playback, output: Output, pcm: bytes) -> bool:
        """Write samples, in time with others if there are any; False: they were too late."""
        timeline = self._timeline(one)
        if timeline is not None:
            position = one.position_of(pcm)
            while silence := timeline.silence(position, self._steady_us() + output.ahead_us):
                await output.write(silence)
            pcm = timeline.fit(pcm, position, self._steady_us() + output.ahead_us)
            one.first_at_us = one.first_at_us or now_us() + output.ahead_us
        if pcm:
            await output.write(amplified(pcm, self._gain(one)))
        return bool(pcm)

    def _timeline(self, one: Playback) -> Timeline | None:
        if not one.at_us:
            return None
        self._house.clock.ask_soon()
        return one.keep_time(self._house.clock.steady_time_of(one.at_us), self._steady_us())

    def _lane(self, kind: PlaybackKind) -> asyncio.Lock:
        return self._music if kind == "music" else self._sounding

    async def _wait_for_its_time(self, one: Playback) -> None:
        while timeline := self._timeline(one):
            wait_s = (timeline.begins_us - self._steady_us()) / 1e6 - LEAD_IN_S
            if wait_s <= 0:
                return
            one.moved.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await one.moved.wait()

    @property
    def _own_gain_db(self) -> float:
        return self.gain_db + self._volume_db

    def _gain(self, one: Playback) -> float:
        now_s = asyncio.get_running_loop().time()
        ducked = one.kind == "music" and now_s < self._ducked_until_s
        return self._own_gain_db + one.gain_db + (self._ducked_db if ducked else 0.0)

    def _over(self, one: Playback) -> None:
        del self._open[one.id]
        self.counts["underruns"] += one.underruns
        self.counts["samples_missing"] += one.jitter.missing_samples
        self.counts["frames_rejected"] += one.jitter.rejected
        if one.timeline is not None:
            self.counts["samples_stretched"] += one.timeline.stretched
            self.counts["samples_left_out"] += one.timeline.left_out
        self._house.tell(
            Played(
                playback=one.id,
                samples=one.jitter.samples if one.began else 0,
                complete=one.complete,
                first_at_us=one.first_at_us,
                underruns=one.underruns,
            )
        )
        self._changed(PlaybackChanged(one.id, "ended" if one.began else "dropped"))

    async def _sound_cue(self, cue: CueName) -> None:
        self.counts["cues"] += 1
        try:
            await self.sound(f"{CUE_PREFIX}{cue}", cue_pcm(cue))
        finally:
            self._cue_task = None
            self._changed(PlaybackChanged(f"{CUE_PREFIX}{cue}", "cue-over"))

    def _fault(self, error: SoundDeviceError) -> None:
        log.error("%s", error)
        self.counts["speaker_faults"] += 1
        self._house.tell(Fault(code="speaker", text=str(error)[:500]))
