"""A satellite with the hub's part played by a test: in memory and virtual time, or on a broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from antiphon_link.errors import NotFoundError
from antiphon_link.fake import FakeBus, FakeLink
from antiphon_link.link import Envelope, Link, Will
from antiphon_protocol.audio import AudioFrame, Frame
from antiphon_protocol.messages.config import (
    DesiredSettings,
    ReportedSettings,
    SatelliteSettings,
    WakeScores,
)
from antiphon_protocol.messages.presence import Farewell, Hello, SatellitePresence, Welcome
from antiphon_protocol.messages.satellite import (
    Listen,
    PlaybackReady,
    SatelliteCommand,
    SatelliteFact,
    StopListening,
)
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.topics import (
    HUB_PRESENCE,
    PLAYBACK_AUDIO,
    SATELLITE_AUDIO,
    SATELLITE_DESIRED,
    SATELLITE_DID,
    SATELLITE_DO,
    SATELLITE_OPUS,
    SATELLITE_PRESENCE,
    SATELLITE_REPORTED,
    SATELLITE_SCORES,
    SATELLITE_WAKE,
)
from antiphon_protocol.version import OURS
from antiphon_satellite.device.indicator import NullIndicator
from antiphon_satellite.link import LinkMaker
from antiphon_satellite.machine import State
from antiphon_satellite.settings import WakeMode
from antiphon_satellite.simulate import SimulatedRoom

F = TypeVar("F", bound=SatelliteFact)


async def nowhere() -> None:
    raise NotFoundError("a test on a bus in memory resolves nothing")


class Light(NullIndicator):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[State] = []

    def show(self, state: State) -> None:
        self.shown.append(state)


class HubPart:
    """What a hub says and hears, one call of a test at a time."""

    def __init__(self, link: Link, satellite: str = "sim") -> None:
        self.satellite = satellite
        self.calls: list[WakeHeard] = []
        self.facts: list[SatelliteFact] = []
        self.frames: dict[str, list[Frame]] = {}
        self.presences: list[SatellitePresence] = []
        self.reports: list[ReportedSettings] = []
        self.scores: list[WakeScores] = []
        self.codecs: tuple[str, ...] = ("opus",)
        self._heard = asyncio.Event()
        self.link = link
        self.link.on(SATELLITE_WAKE, self._on_wake)
        self.link.on(SATELLITE_DID, self._on_fact)
        self.link.on(SATELLITE_AUDIO, self._on_frame)
        self.link.on(SATELLITE_OPUS, self._on_frame)
        self.link.on(SATELLITE_PRESENCE, self._on_presence)
        self.link.on(SATELLITE_REPORTED, self._on_report)
        self.link.on(SATELLITE_SCORES, self._on_scores)

    def _on_wake(self, call: WakeHeard, _: Envelope) -> None:
        self.calls.append(call)
        self._heard.set()

    def _on_fact(self, fact: SatelliteFact, _: Envelope) -> None:
        self.facts.append(fact)
        self._heard.set()

    def _on_frame(self, frame: Frame, envelope: Envelope) -> None:
        self.frames.setdefault(envelope.ids["stream"], []).append(frame)
        self._heard.set()

    def _on_presence(self, presence: SatellitePresence, _: Envelope) -> None:
        self.presences.append(presence)
        self._heard.set()

    def _on_report(self, report: ReportedSettings, _: Envelope) -> None:
        self.reports.append(report)
        self._heard.set()

    def _on_scores(self, scores: WakeScores, _: Envelope) -> None:
        self.scores.append(scores)
        self._heard.set()

    async def want(self, version: int, **settings: Any) -> ReportedSettings:
        """Want something to be set; return what the satellite reports behind that."""
        reports = len(self.reports)
        desired = DesiredSettings(version=version, settings=SatelliteSettings(**settings))
        await self.link.send(SATELLITE_DESIRED, desired, satellite=self.satellite)
        await self.until(lambda: len(self.reports) > reports)
        return self.reports[-1]

    async def until(self, true: Callable[[], object], within_s: float = 60.0) -> None:
        """Return once something holds that depends on what the satellite said."""
        async with asyncio.timeout(within_s):
            while not true():
                self._heard.clear()
                await self._heard.wait()

    def rooms(self) -> list[str]:
        return [one.room for one in self.presences if isinstance(one, Hello)]

    def all(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def call(self, number: int = 0) -> WakeHeard:
        await self.until(lambda: len(self.calls) > number)
        return self.calls[number]

    async def fact(self, kind: type[F], number: int = 0) -> F:
        await self.until(lambda: len(self.all(kind)) > number)
        return self.all(kind)[number]

    async def welcome(self) -> None:
        hello = Welcome(
            hub="hub", epoch=1, site="test", protocol=OURS, software="0", codecs=self.codecs
        )
        await self.link.send(HUB_PRESENCE, hello)

    async def farewell(self) -> None:
        await self.link.send(HUB_PRESENCE, Farewell(hub="hub", epoch=1, reason="stopped"))

    def ask(self, command: SatelliteCommand) -> None:
        self.link.post(SATELLITE_DO, command, satellite=self.satellite)

    async def listen(self, number: int = 0, turn: str = "turn-1") -> WakeHeard:
        """Take a call, as a hub does."""
        call = await self.call(number)
        playback = f"play-{turn}"
        self.ask(Listen(turn=turn, stream=call.stream, playback=playback, limit_s=15.0))
        await self.until(lambda: any(fact.playback == playback for fact in self.all(PlaybackReady)))
        return call

    def stop(self, call: WakeHeard, reason: str = "speech-ended") -> None:
        self.ask(StopListening(stream=call.stream, reason=reason))  # type: ignore[arg-type]  # a test's word

    def say(self, playback: str, frames: Sequence[AudioFrame]) -> None:
        for frame in frames:
            self.link.post(PLAYBACK_AUDIO, frame, group=self.satellite, playback=playback)


def speech(seconds: float = 1.0, frame_samples: int = 512) -> list[AudioFrame]:
    """Return a reply's frames: a ramp, so that no two samples near each other are equal."""
    count = int(seconds * 16_000)
    pcm = b"".join((1 + n % 30_000).to_bytes(2, "little") for n in range(count))
    cuts = range(0, count, frame_samples)
    return [
        AudioFrame(n, at, 0, pcm[2 * at : 2 * (at + frame_samples)], last=at == cuts[-1])
        for n, at in enumerate(cuts)
    ]


def links(bus: FakeBus) -> LinkMaker:
    """Return a maker of links on the bus."""

    def make(client_id: str, will: Callable[[], Will]) -> Link:
        return FakeLink(bus, client_id=client_id, will=will, name=client_id)

    return make


@asynccontextmanager
async def simulated(
    bus: FakeBus,
    *,
    wake: WakeMode = "local",
    satellite: str = "sim",
    room: str = "kitchen",
    codec: Literal["pcm", "opus"] = "pcm",
    state_dir: Path | None = None,
) -> AsyncIterator[tuple[SimulatedRoom, Light]]:
    """Have a simulated room on the bus inside the block; its wake engine hears `marker()`."""

    light = Light()
    sim = SimulatedRoom(
        nowhere,  # type: ignore[arg-type]  # never called
        satellite=satellite,
        room=room,
        wake=wake,
        engines=("fake",),
        gate="fake",
        codec=codec,
        indicator=light,
        make_link=links(bus),
        state_dir=state_dir,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(sim.run())
        try:
            yield sim, light
        finally:
            task.cancel()


@asynccontextmanager
async def hub_part(bus: FakeBus, satellite: str = "sim") -> AsyncIterator[HubPart]:
    """Have a hub on the bus inside the block, already announced."""
    hub = HubPart(FakeLink(bus, client_id="hub", name="hub"), satellite)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hub.link.run())
        await hub.link.wait_connected()
        await hub.welcome()
        try:
            yield hub
        finally:
            task.cancel()
