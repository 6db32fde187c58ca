"""Plays what comes on playbacks, one sound at a time, and the cues.

Each playback lives in a task of its own: subscribe, say PlaybackReady, wait for audio, wait for the
speaker, play, say Played. Whatever happens to it, PlaybackReady is followed by exactly one Played.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from antiphon_link.errors import LinkDownError
from antiphon_link.link import Envelope
from antiphon_protocol.audio import SAMPLE_RATE_HZ, AudioFormat, AudioFrame
from antiphon_protocol.limits import STREAM_SECONDS_MAX
from antiphon_protocol.messages.satellite import (
    CueName,
    Fault,
    Play,
    PlaybackKind,
    PlaybackReady,
    Played,
)
from antiphon_satellite.clock import now_us
from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.levels import amplified
from antiphon_satellite.link import House
from antiphon_satellite.speak.changes import PlaybackChanged
from antiphon_satellite.speak.cues import CUE_PREFIX, cue_pcm
from antiphon_satellite.speak.jitter import Jitter
from antiphon_satellite.speak.speaker import Output, Speaker

log = logging.getLogger(__name__)

PLAYBACKS_MAX: Final = 8
"""Playbacks that wait or sound at a time; more are refused."""
AUDIO_WITHIN_S: Final = 5.0
"""A playback that was asked for ends when no audio came for so long."""
REPLY_WITHIN_S: Final = STREAM_SECONDS_MAX + 30.0
"""A reply is expected from the turn's start on: the person speaks, then the house thinks."""
PLAY_AT_WITHIN_US: Final = 5_000_000
"""A play-at time further away than this is a mistake of a clock, and not kept."""


class _Playback(msgspec.Struct, eq=False):
    """What we know of one playback."""

    id: str
    kind: PlaybackKind
    gain_db: float
    patience_s: float
    rate_hz: int
    jitter: Jitter
    fed: asyncio.Event
    play_at_us: int = 0
    began: bool = False
    complete: bool = False
    first_at_us: int = 0
    underruns: int = 0
    stopped: bool = False
    scope: asyncio.Timeout | None = None
    """Ends what it waits for or plays, and leaves the task time to unsubscribe."""

    def take(self, frame: AudioFrame, _: Envelope) -> None:
        """Take in a frame from the wire; full, the buffer refuses it and counts."""
        self.play_at_us = self.play_at_us or frame.at_us
        self.jitter.put(frame)
        self.fed.set()


class Player:
    """The mouth: owns the speaker."""

    def __init__(
        self,
        house: House,
        speaker: Speaker,
        *,
        gain_db: float,
        changed: Callable[[PlaybackChanged], None],
    ) -> None:
        self._house = house
        self._speaker = speaker
        self._gain_db = gain_db
        self._changed = changed
        self._open: dict[str, _Playback] = {}
        self._cue_task: asyncio.Task[None] | None = None
        self._sounding = asyncio.Lock()
        self._group: asyncio.TaskGroup | None = None
        self._volume_db = 0.0
        self._ducked_db = 0.0
        self._ducked_until_s = 0.0
        self.counts: Counter[str] = Counter()
        """playbacks, playbacks_refused, frames_rejected, samples_missing, underruns, cues,
        cues_dropped, speaker_faults."""

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
        one = _Playback(
            playback, kind, gain_db, wait_s, audio.rate_hz, Jitter(audio.rate_hz), asyncio.Event()
        )
        self._open[playback] = one
        self.counts["playbacks"] += 1
        self._group.create_task(self._live(one), name=f"playback {playback}")

    def _cancel(self, one: _Playback) -> None:
        if not one.stopped and one.scope is not None:
            one.scope.reschedule(0.0)
        one.stopped = True

    async def _live(self, one: _Playback) -> None:
        """Live a playback's life, from the subscription to Played."""
        try:
            async with self._house.following(one.id, one.take):
                self._house.tell(PlaybackReady(playback=one.id))
                await self._until_over(one)
                self._over(one)  # before unsubscribing: the hub waits for it
        except LinkDownError as error:
            log.warning("playback %s: %s", one.id, error)
            self._over(one)

    async def _until_over(self, one: _Playback) -> None:
        try:
            async with asyncio.timeout(0.0 if one.stopped else None) as one.scope:
                if await self._fed(one, one.patience_s):
                    await self._sound(one)
        except TimeoutError:
            log.debug("playback %s: stopped", one.id)
        except SoundDeviceError as error:
            self._fault(error)
        finally:
            one.scope = None

    async def _sound(self, one: _Playback) -> None:
        async with self._sounding, self._speaker.open(one.id, one.rate_hz) as output:
            await self._wait_for_its_time(one)
            try:
                one.complete = await self._pump(one, output)
                await output.drain()
            finally:
                one.first_at_us, one.underruns = output.first_at_us, output.underruns

    async def _pump(self, one: _Playback, output: Output) -> bool:
        """Write until the last sample; False when audio stopped coming before it."""
        while True:
            pcm = one.jitter.take()
            if pcm is None:
                if one.jitter.ended:
                    return not one.jitter.missing_samples
                if not await self._fed(one, AUDIO_WITHIN_S):
                    return False
                continue
            if pcm:
                await output.write(amplified(pcm, self._gain(one)))
            if pcm and not one.began:
                one.began = True
                self._changed(PlaybackChanged(one.id, "began"))

    async def _fed(self, one: _Playback, within_s: float) -> bool:
        """Wait for more frames; tell whether any came in time."""
        one.fed.clear()
        try:
            async with asyncio.timeout(within_s):
                await one.fed.wait()
        except TimeoutError:
            return False
        return True

    async def _wait_for_its_time(self, one: _Playback) -> None:
        offset_us = self._house.hub_offset_us
        if not one.play_at_us or offset_us is None:
            return
        wait_us = one.play_at_us - offset_us - now_us()
        if 0 < wait_us <= PLAY_AT_WITHIN_US:
            await asyncio.sleep(wait_us / 1e6)

    @property
    def _own_gain_db(self) -> float:
        return self._gain_db + self._volume_db

    def _gain(self, one: _Playback) -> float:
        now_s = asyncio.get_running_loop().time()
        ducked = one.kind == "music" and now_s < self._ducked_until_s
        return self._own_gain_db + one.gain_db + (self._ducked_db if ducked else 0.0)

    def _over(self, one: _Playback) -> None:
        del self._open[one.id]
        self.counts["underruns"] += one.underruns
        self.counts["samples_missing"] += one.jitter.missing_samples
        self.counts["frames_rejected"] += one.jitter.rejected
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
