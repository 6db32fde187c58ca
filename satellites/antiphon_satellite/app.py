"""The satellite program: everything is built here, from the settings or from given parts."""

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import msgspec

from antiphon_link import backoff, membership
from antiphon_link.link import Link, Resolver, Will
from antiphon_link.resolve import resolver
from antiphon_protocol.messages.satellite import Fault, Restart, SatelliteCommand, ShowScores
from antiphon_satellite.alarms.ringer import Ringer
from antiphon_satellite.alarms.shelf import Shelf
from antiphon_satellite.clock import now_us
from antiphon_satellite.conductor import Conductor
from antiphon_satellite.device.button import Button, ConsoleButton, NoButton
from antiphon_satellite.device.health import Health
from antiphon_satellite.device.identity import Identity, identity
from antiphon_satellite.device.indicator import ConsoleIndicator, Indicator, NullIndicator
from antiphon_satellite.errors import RestartAskedError, SoundDeviceError
from antiphon_satellite.inbox import Inbox
from antiphon_satellite.link import House, LinkMaker
from antiphon_satellite.listen.meter import Meter
from antiphon_satellite.listen.microphone import Microphone, PcmFrame
from antiphon_satellite.listen.sources import open_microphone
from antiphon_satellite.machine import Event, State
from antiphon_satellite.packing import Packing
from antiphon_satellite.settings import Settings
from antiphon_satellite.speak.player import Player
from antiphon_satellite.speak.sinks import open_speaker
from antiphon_satellite.speak.speaker import Speaker
from antiphon_satellite.streams import Streams
from antiphon_satellite.twin import Changed, Twin

log = logging.getLogger(__name__)


class Devices(msgspec.Struct, frozen=True):
    """What a satellite is made of, besides its program."""

    microphone: Microphone
    speaker: Speaker
    indicator: Indicator
    button: Button


class Satellite:
    """One satellite: hears, calls, plays."""

    def __init__(
        self,
        settings: Settings,
        who: Identity,
        make_link: LinkMaker,
        devices: Devices,
        state_dir: Path | None = None,
    ) -> None:
        """Put the parts together; without `state_dir` nothing outlives the program.

        Raises:
            NoWakeEngineError: the wake word shall be heard here, and no engine is installed.
            EarsError: an engine that the settings name is missing or knows not the phrase.
        """
        self._devices = devices
        self._inbox = Inbox()
        self._twin = Twin(settings, who.room, state_dir, who.satellite)
        settings = self._twin.settings
        self._ear = self._twin.engines.ear()
        self._meter = Meter(self._ear)
        self._restart = asyncio.Event()
        self._house = House(
            make_link,
            msgspec.structs.replace(who, room=settings.satellite.room),
            wake=settings.wake.mode,
            phrases=settings.wake.phrases if settings.wake.mode == "local" else (),
            commanded=self._commanded,
            hub_changed=self._hub_changed,
            desired=self._twin.want,
            reported=self._twin.report,
        )
        self._packing = Packing(
            lambda: self._twin.settings.audio.codec, lambda: self._house.codecs, self._house.tell
        )
        self._player = Player(
            self._house,
            devices.speaker,
            gain_db=settings.speaker.gain_db,
            changed=self._inbox.put,
        )
        self._ringer = Ringer(self._house, self._player, Shelf(state_dir, who.satellite))
        self._conductor = self._conducted(who.satellite)
        self._health = self._watched()

    def _conducted(self, satellite: str) -> Conductor:
        return Conductor(
            self._inbox,
            self._house,
            self._ear,
            self._player,
            self._ringer,
            streams=Streams(self._house, satellite, self._packing),
            indicator=self._devices.indicator,
            satellite=satellite,
            cues=self._twin.settings.speaker.cues,
            while_playing=lambda: self._twin.settings.wake.while_playing,
        )

    def _watched(self) -> Health:
        health = Health(self._house, lambda: self._ear.noise_dbfs)
        health.watch("link", lambda: self._house.link.counts)
        health.watch("inbox", lambda: self._inbox.counts)
        health.watch("conversation", lambda: self._conductor.counts)
        health.watch("player", lambda: self._player.counts)
        health.watch("microphone", lambda: {"dropped": self._devices.microphone.dropped})
        return health

    @property
    def state(self) -> State:
        """Where the conversation is."""
        return self._conductor.state

    @property
    def turn(self) -> str:
        """The turn that the hub made of the last call; empty before it did."""
        return self._conductor.turn

    @property
    def calls(self) -> int:
        """How many calls there were so far, those that found no hub included."""
        return self._conductor.counts["calls"]

    @property
    def level_dbfs(self) -> float:
        """Level of the last microphone frame, dB relative to full scale."""
        return self._ear.level_dbfs

    @property
    def resting(self) -> bool:
        """Whether nothing is under way: no call, no playback expected or sounding."""
        return self.state in (State.IDLE, State.AWAY, State.MISSED) and not self._player.busy

    async def wait_until(self, true: Callable[[], bool]) -> None:
        """Return once something holds that depends on the conversation."""
        while not true():
            await self._conductor.moved.wait()

    async def run(self) -> None:
        """Be a satellite until cancelled, or until the microphone's source has ended.

        Raises:
            SoundDeviceError: the speaker cannot be used.
            ExceptionGroup: of SoundDeviceError, when the microphone cannot be opened, of
                LinkRefusedError, when the broker refuses us for a reason that no retry mends, and
                of RestartAskedError, when the hub wants the program to start anew.
        """
        await self._devices.speaker.check()
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(part(), name=name)
                for name, part in (
                    ("house", self._house.run),
                    ("player", self._player.run),
                    ("conductor", self._conductor.run),
                    ("ringer", self._ringer.run),
                    ("health", self._health.run),
                    ("button", self._watch_button),
                    ("settings", self._keep_set),
                    ("restart", self._await_restart),
                )
            ]
            try:
                self._devices.indicator.show(self.state)
                await self._listen()
            finally:
                self._health.stopping()
                for task in reversed(background):
                    task.cancel()

    async def _listen(self) -> None:
        """Hear; a microphone that worked and went away is opened again and again."""
        attempt, ever = 0, False
        while True:
            try:
                async with aclosing(self._devices.microphone.frames()) as frames:
                    async for frame in frames:
                        if not ever:
                            ever = True
                            self._health.ready(f"hears through {self._devices.microphone.name}")
                        attempt = 0
                        self._hear(frame)
            except SoundDeviceError as error:
                if not ever:
                    raise
                self._complain(error, attempt)
                await asyncio.sleep(backoff.wait_s(attempt, lambda: 1.0))
                attempt += 1
            else:
                self._conductor.source_ended()
                return await self._rest()

    def _hear(self, frame: PcmFrame) -> None:
        self._health.heard_frame()
        self._conductor.hear(frame)
        if (scores := self._meter.heard(_now_s())) is not None:
            self._house.show_scores(scores)

    def _commanded(self, command: SatelliteCommand) -> None:
        match command:
            case ShowScores():
                self._meter.show(command.lease_s, _now_s())
            case Restart():
                self._restart.set()
            case _:
                self._inbox.put(command)

    def _hub_changed(self, here: bool) -> None:
        self._inbox.put(Event.HUB_CAME if here else Event.HUB_WENT)
        if here:
            self._packing.codec()  # what is wrong with it is to be known before the first call

    async def _keep_set(self) -> None:
        await self._twin.run(self._change, self._house.report, self._house.tell)

    def _change(self, changed: Changed) -> None:
        self._player.gain_db = changed.settings.speaker.gain_db
        self._packing.codec()
        if changed.engines is not None:
            self._ear.listen_with(changed.engines.wake, changed.engines.gate)

    async def _await_restart(self) -> None:
        await self._restart.wait()
        raise RestartAskedError("the hub wants this satellite to start anew")

    def _complain(self, error: SoundDeviceError, attempt: int) -> None:
        log.log(logging.ERROR if attempt == 0 else logging.DEBUG, "%s; trying again", error)
        self._house.tell(Fault(code="microphone", text=str(error)[:500]))

    async def _rest(self) -> None:
        """Let what is under way come to its end; every state has a limit, so it does."""
        await self.wait_until(lambda: self.resting)

    async def _watch_button(self) -> None:
        async with aclosing(self._devices.button.presses()) as presses:
            async for _ in presses:
                self._inbox.put(self._ear.pressed(now_us()))


def broker_link(resolve: Resolver) -> LinkMaker:
    """Return a maker of links to the broker that the resolver finds."""

    def make(client_id: str, will: Callable[[], Will]) -> Link:
        return Link(resolve, client_id=client_id, will=will, name="satellite")

    return make


def build(settings: Settings) -> Satellite:
    """Return the satellite that the settings describe.

    Raises:
        SatelliteError: a device or an engine is missing or misnamed.
        EarsError: an engine that the settings name is missing or knows not the phrase.
        WavError: a WAV file is not what a satellite would record.
        SettingsError: the broker's address or account cannot be read.
        TopicError: the id is no slug.
    """
    who = identity(settings.satellite.id, settings.satellite.room)
    light = settings.indicator.light == "console" and sys.stderr.isatty()
    button = settings.indicator.button == "console" and sys.stdin.isatty()
    devices = Devices(
        open_microphone(settings.microphone),
        open_speaker(settings.speaker),
        ConsoleIndicator(who.satellite) if light else NullIndicator(),
        ConsoleButton() if button else NoButton(),
    )
    member = membership.load(settings.state_dir(), "satellite", who.satellite)
    link = broker_link(resolver(settings.broker, member))
    return Satellite(settings, who, link, devices, settings.state_dir())


def _now_s() -> float:
    return asyncio.get_running_loop().time()
