"""How far apart speakers sound that announce together, beside each playing when it gets it.

Everything of the satellite that keeps time is real: House, OffsetEstimator, Player, Jitter,
Timeline; so are the hub's times and the worker's framing and pace. Network, sound cards and clocks
are simulated, in virtual time: each message is 0-80 ms on its way, each computer's and each sound
card's crystal is up to 100 ppm wrong, and the cards report what they hold within 2 ms.
"""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from statistics import median
from typing import Any

from antiphon_engines.framing import Framer
from antiphon_engines.pacing import wait_s
from antiphon_hub.turns.speaking import LATEST_S, START_S
from antiphon_link.fake import FakeLink
from antiphon_protocol.audio import SAMPLE_RATE_HZ, AudioFormat, AudioFrame
from antiphon_protocol.messages.config import ReportedSettings, SatelliteSettings
from antiphon_protocol.messages.presence import TimeAsked, TimeTold, Welcome
from antiphon_protocol.messages.satellite import Play, PlaybackReady, Played, SatelliteFact
from antiphon_protocol.topics import (
    EVERY_SATELLITE,
    HUB_PRESENCE,
    PLAYBACK_AUDIO,
    SATELLITE_DID,
    SATELLITE_DO,
)
from antiphon_protocol.version import OURS
from antiphon_satellite.device.identity import identity
from antiphon_satellite.link import House
from antiphon_satellite.speak.player import Player
from tests.support import virtual_time
from tests.support.late_bus import LateBus
from tests.support.satellite_world import links
from tests.support.speakers import Crystal, SimulatedSpeaker, marked

LEAD_S = 2.0
"""The worker's default: audio that may be under way."""
PLAYBACK = "play-together"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--homes", type=int, default=5, help="announcements, each in a new home")
    parser.add_argument("--speakers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it speaks")
    parser.add_argument("--ppm", type=float, default=100.0, help="drift of the crystals")
    parser.add_argument("--jitter-ms", type=float, default=80.0)
    parser.add_argument("--known-s", type=float, default=30.0, help="how long they were there")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Announce in some homes; return how far apart the speakers were."""
    together, alone = (
        [home(args, seed, together=mode) for seed in range(args.seed, args.seed + args.homes)]
        for mode in (True, False)
    )
    return {
        "speakers": args.speakers,
        "homes": args.homes,
        "seconds": args.seconds,
        **figures(together),
        "each_when_it_gets_it": figures(alone),
    }


def figures(homes: list[list[float]]) -> dict[str, float]:
    """Return the spread between the first and the last speaker, over all milliseconds of audio."""
    spreads = sorted(spread for one in homes for spread in one)
    return {
        "max_ms": round(1e3 * spreads[-1], 2),
        "p95_ms": round(1e3 * spreads[int(0.95 * (len(spreads) - 1))], 2),
        "median_ms": round(1e3 * median(spreads), 2),
    }


def home(args: argparse.Namespace, seed: int, *, together: bool) -> list[float]:
    """Return the spread of each millisecond of one announcement, seconds."""
    return virtual_time.run(_announce(args, Random(seed), together=together))


class _Hub:
    """The hub's part: tells the time, and when to play."""

    def __init__(self, bus: LateBus, random: Random) -> None:
        self._clock = Crystal(random, 0.0)
        self.link = FakeLink(bus, client_id="hub")
        self.link.on(SATELLITE_DID, lambda fact, envelope: self._did(envelope.ids, fact))
        self.ready: set[str] = set()
        self.played: dict[str, Played] = {}
        self._heard = asyncio.Event()

    def _did(self, ids: dict[str, str], fact: SatelliteFact) -> None:
        satellite = ids["satellite"]
        match fact:
            case TimeAsked():
                now_us = self._clock.now_us()
                told = TimeTold(asked_us=fact.asked_us, received_us=now_us, replied_us=now_us)
                self.link.post(SATELLITE_DO, told, satellite=satellite)
            case PlaybackReady():
                self.ready.add(satellite)
            case Played():
                self.played[satellite] = fact
            case _:
                pass
        self._heard.set()

    async def until_all(self, satellites: list[str], which: Any) -> None:
        while not set(satellites) <= set(which):
            self._heard.clear()
            await self._heard.wait()

    def play(self, satellites: list[str], in_s: float | None) -> None:
        at_us = 0 if in_s is None else self._clock.now_us() + round(1e6 * in_s)
        play = Play(playback=PLAYBACK, kind="announcement", format=AudioFormat(), at_us=at_us)
        for one in satellites:
            self.link.post(SATELLITE_DO, play, satellite=one)

    async def speak(self, seconds: float, satellites: list[str], *, together: bool) -> None:
        framer = Framer()
        frames = [*framer.feed(marked(seconds)), framer.end()]
        loop, began_s = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        for frame in frames:
            await asyncio.sleep(_wait_s(frame, loop.time() - began_s))
            self.link.post(PLAYBACK_AUDIO, frame, group=EVERY_SATELLITE, playback=PLAYBACK)
            if together and frame.sequence == 0:
                self.play(satellites, START_S)


def _wait_s(frame: AudioFrame, elapsed_s: float) -> float:
    return wait_s(
        sent_samples=frame.position, rate_hz=SAMPLE_RATE_HZ, elapsed_s=elapsed_s, lead_s=LEAD_S
    )


async def _announce(args: argparse.Namespace, random: Random, *, together: bool) -> list[float]:
    bus, drift = LateBus(args.jitter_ms / 1e3, random), args.ppm / 1e6
    names = [f"room-{number}" for number in range(args.speakers)]
    hub = _Hub(bus, random)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(hub.link.run())]
        await hub.link.wait_connected()
        await hub.link.send(
            HUB_PRESENCE, Welcome(hub="hub", epoch=1, site="home", protocol=OURS, software="0")
        )
        speakers = []
        for name in names:
            with _satellite(bus, name, random, drift) as (house, player, speaker):
                speakers.append(speaker)
                tasks += [group.create_task(house.run()), group.create_task(player.run())]
        await asyncio.sleep(args.known_s)
        hub.play(names, LATEST_S if together else None)
        await hub.until_all(names, hub.ready)
        await hub.speak(args.seconds, names, together=together)
        await hub.until_all(names, hub.played)
        for task in tasks:
            task.cancel()
    return _spreads(speakers, args.seconds)


@contextmanager
def _satellite(
    bus: LateBus, name: str, random: Random, drift: float
) -> Iterator[tuple[House, Player, SimulatedSpeaker]]:
    clock = Crystal(random, drift)
    players: list[Player] = []
    house = House(
        links(bus),
        identity(name, name),
        wake="none",
        phrases=(),
        commanded=lambda command: players[0].play(command) if isinstance(command, Play) else None,
        hub_changed=lambda _: None,
        desired=lambda _: None,
        reported=lambda: ReportedSettings(version=0, settings=SatelliteSettings()),
        steady=clock.now_us,
    )
    speaker = SimulatedSpeaker(clock, random, drift)
    players.append(Player(house, speaker, gain_db=0.0, changed=lambda _: None, steady=clock.now_us))
    yield house, players[0], speaker


def _spreads(speakers: list[SimulatedSpeaker], seconds: float) -> list[float]:
    times = [one.heard_at_s for one in speakers]
    marks = set.intersection(*(set(one) for one in times))
    wanted = int(1e3 * seconds)
    if len(marks) < 0.98 * wanted:
        raise RuntimeError(f"only {len(marks)} of {wanted} milliseconds sounded everywhere")
    return [max(t[mark] for t in times) - min(t[mark] for t in times) for mark in marks]
