"""The player: one Played for each PlaybackReady, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from antiphon_link.fake import FakeBus
from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.messages.presence import TimeAsked, TimeTold
from antiphon_protocol.messages.satellite import (
    Chime,
    Duck,
    Fault,
    Play,
    PlaybackKind,
    PlaybackReady,
    Played,
    SetVolume,
    StopPlaying,
)
from antiphon_satellite.app import Devices, Satellite
from antiphon_satellite.device.button import NoButton
from antiphon_satellite.device.identity import identity
from antiphon_satellite.device.indicator import NullIndicator
from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.levels import level_dbfs
from antiphon_satellite.listen.scripted import ScriptedMicrophone
from antiphon_satellite.machine import State
from antiphon_satellite.settings import Settings, WakeSection
from antiphon_satellite.simulate import SimulatedRoom
from antiphon_satellite.speak.cues import cue_pcm
from antiphon_satellite.speak.paced import PacedOutput
from antiphon_satellite.speak.player import AUDIO_WITHIN_S, PLAYBACKS_MAX
from tests.support import virtual_time
from tests.support.satellite_world import HubPart, hub_part, links, simulated, speech

Story = Callable[[SimulatedRoom, HubPart], Awaitable[None]]


def tell(story: Story) -> None:
    async def whole() -> None:
        bus = FakeBus()
        async with hub_part(bus) as hub, simulated(bus) as (room, _):
            await room.wait_ready()
            await story(room, hub)

    virtual_time.run(whole())


def play(playback: str, kind: PlaybackKind = "announcement", gain_db: float = 0.0) -> Play:
    return Play(playback=playback, kind=kind, format=AudioFormat(), gain_db=gain_db)


async def ready(hub: HubPart, playback: str) -> None:
    await hub.until(lambda: any(one.playback == playback for one in hub.all(PlaybackReady)))


def test_an_announcement_is_played_where_nobody_called() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        hub.ask(play("p"))
        await ready(hub, "p")
        hub.say("p", speech(2.0))
        played = await hub.fact(Played)
        assert (played.playback, played.samples, played.complete) == ("p", 32_000, True)
        (sounded,) = room.sounds
        assert (sounded.sound, sounded.drained) == ("p", True)

    tell(story)


def test_two_at_once_sound_one_after_the_other() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        for name in ("p1", "p2"):
            hub.ask(play(name))
            await ready(hub, name)
        for name in ("p2", "p1"):
            hub.say(name, speech(1.0))
        await hub.fact(Played, 1)
        assert [one.pcm for one in room.sounds] == [b"".join(f.pcm for f in speech(1.0))] * 2
        assert [one.complete for one in hub.all(Played)] == [True, True]

    tell(story)


def test_without_audio_it_is_given_up() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        loop = asyncio.get_running_loop()
        hub.ask(play("p"))
        await ready(hub, "p")
        began_s = loop.time()
        played = await hub.fact(Played)
        assert loop.time() - began_s == pytest.approx(AUDIO_WITHIN_S, abs=0.1)
        assert (played.samples, played.complete, played.first_at_us) == (0, False, 0)
        assert not room.sounds

    tell(story)


def test_audio_that_stops_coming_is_no_complete_playback() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        hub.ask(play("p"))
        await ready(hub, "p")
        hub.say("p", speech(1.0)[:-1])
        played = await hub.fact(Played)
        assert (played.samples, played.complete) == (15_872, False)

    tell(story)


def test_a_hole_is_silence_and_the_playback_not_complete() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        hub.ask(play("p"))
        await ready(hub, "p")
        frames = speech(1.0)
        hub.say("p", frames[:10] + frames[12:])
        played = await hub.fact(Played)
        assert (played.samples, played.complete) == (16_000, False)
        (sounded,) = room.sounds
        assert sounded.pcm[10 * 1024 : 12 * 1024] == bytes(2048)

    tell(story)


def test_a_slow_sender_makes_underruns_that_are_counted() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        hub.ask(play("p"))
        await ready(hub, "p")
        frames = speech(1.0)
        hub.say("p", frames[:10])
        await asyncio.sleep(2.0)
        hub.say("p", frames[10:])
        played = await hub.fact(Played)
        assert (played.samples, played.complete, played.underruns) == (16_000, True, 1)

    tell(story)


def test_stopped_it_is_silent_at_once() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        hub.ask(play("p"))
        await ready(hub, "p")
        hub.say("p", speech(20.0))
        await asyncio.sleep(1.0)
        for name in ("p", "p", "never-there"):
            hub.ask(StopPlaying(playback=name))
        played = await hub.fact(Played)
        assert not played.complete
        assert 15_000 < played.samples < 20_000
        assert not room.sounds[0].drained
        await asyncio.sleep(1.0)
        assert len(hub.all(Played)) == 1

    tell(story)


def test_asked_for_twice_it_is_ready_twice_and_played_once() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        hub.ask(play("p"))
        hub.ask(play("p"))
        await hub.fact(PlaybackReady, 1)
        hub.say("p", speech(0.5))
        await hub.fact(Played)
        await asyncio.sleep(1.0)
        assert len(hub.all(Played)) == 1

    tell(story)


def test_too_many_playbacks_are_refused_and_said_so() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        for n in range(PLAYBACKS_MAX + 1):
            hub.ask(play(f"p{n}"))
        refused = await hub.fact(Played)
        assert (refused.playback, refused.complete) == (f"p{PLAYBACKS_MAX}", False)

    tell(story)


def test_volume_gain_and_ducking_make_it_quieter_but_only_music_ducks() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        hub.ask(SetVolume(gain_db=-3.0))
        hub.ask(Duck(level_db=-20.0, lease_s=60.0))
        for name, kind, gain_db in (("a", "music", 0.0), ("b", "reply", 0.0), ("c", "reply", -6.0)):
            hub.ask(play(name, kind, gain_db))  # type: ignore[arg-type]  # of the tuple above
            await ready(hub, name)
            hub.say(name, speech(0.5))
            await hub.until(lambda name=name: any(p.playback == name for p in hub.all(Played)))  # type: ignore[misc]  # a lambda's default
        music, reply, quiet = (level_dbfs(one.pcm) for one in room.sounds)
        whole = level_dbfs(b"".join(frame.pcm for frame in speech(0.5)))
        assert reply == pytest.approx(whole - 3.0, abs=0.1)
        assert music == pytest.approx(reply - 20.0, abs=0.1)
        assert quiet == pytest.approx(reply - 6.0, abs=0.1)

    tell(story)


def told_time(hub: HubPart, asked: TimeAsked, ahead_us: int) -> TimeTold:
    there_us = asked.asked_us + ahead_us
    return TimeTold(asked_us=asked.asked_us, received_us=there_us, replied_us=there_us)


def together(playback: str, at_us: int) -> Play:
    return Play(playback=playback, kind="announcement", format=AudioFormat(), at_us=at_us)


def test_a_common_begin_that_no_clock_could_mean_is_not_kept() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        asked = await hub.fact(TimeAsked)
        hub.ask(told_time(hub, asked, 0))
        hub.ask(together("p", asked.asked_us + 3_600_000_000))
        await ready(hub, "p")
        hub.say("p", speech(0.5))
        played = await hub.fact(Played)
        assert played.complete
        (sounded,) = room.sounds
        assert len(sounded.pcm) == 16_000

    tell(story)


def test_a_chime_is_one_of_the_cues() -> None:
    async def story(room: SimulatedRoom, hub: HubPart) -> None:
        hub.ask(Chime(cue="notice"))
        await room.wait_until(lambda: bool(room.sounds))
        (sounded,) = room.sounds
        assert (sounded.sound, sounded.pcm) == ("cue-notice", cue_pcm("notice"))

    tell(story)


class BrokenSpeaker:
    """A speaker that cannot be opened."""

    name = "broken"

    async def check(self) -> None:
        """It breaks later."""

    @asynccontextmanager
    async def open(self, sound: str, rate_hz: int) -> AsyncIterator[PacedOutput]:
        raise SoundDeviceError(f"speaker broken: no {sound} at {rate_hz} Hz")
        yield PacedOutput(rate_hz, 1.0)


def test_a_broken_speaker_is_told_and_the_satellite_goes_on() -> None:
    async def story() -> None:
        bus = FakeBus()
        devices = Devices(ScriptedMicrophone(), BrokenSpeaker(), NullIndicator(), NoButton())
        settings = Settings(wake=WakeSection(mode="none"))
        satellite = Satellite(settings, identity("sim", "hall"), links(bus), devices)
        async with hub_part(bus) as hub, asyncio.TaskGroup() as group:
            running = group.create_task(satellite.run())
            await satellite.wait_until(lambda: satellite.state is State.IDLE)
            for n, name in enumerate(("p1", "p2")):
                hub.ask(play(name))
                await ready(hub, name)
                hub.say(name, speech(0.5))
                played = await hub.fact(Played, n)
                assert (played.playback, played.complete, played.samples) == (name, False, 0)
                fault = await hub.fact(Fault, n)
                assert fault.code == "speaker"
                assert "broken" in fault.text
            running.cancel()

    virtual_time.run(story())
