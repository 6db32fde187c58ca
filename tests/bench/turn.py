"""A whole turn on loopback: each stage's share, and what is ours.

A real hub with its own Mosquitto and worker, a real satellite with a scripted microphone. What is
ours: from the end-of-speech decision to the reply's first sample at the speaker, less the time that
the engines compute.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from antiphon_link.broker import BrokerAddress
from antiphon_link.link import Link
from antiphon_protocol.messages.event import Event, TurnEnded
from antiphon_protocol.messages.satellite import Played, SatelliteFact
from antiphon_protocol.messages.work import Heard, SpeechBegan, SpeechEnded, WorkFact
from antiphon_protocol.topics import EVENT, SATELLITE_DID, TURN_WORK
from antiphon_satellite.simulate import SimulatedRoom
from antiphon_tools import speech
from tests.support.house import House

COMMAND = "turn on the kitchen light"
HUB_STAGES = ("endpoint", "hear", "understand", "journal", "act", "voice")
FAKE = {"text": COMMAND}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--turns", type=int, default=30, help="turns to measure (default 30)")
    parser.add_argument(
        "--engines",
        choices=("real", "fake"),
        default="real",
        help="pocketsphinx and espeak-ng, or scripted ones that cost nothing",
    )


class Watch:
    """Notes when facts of a turn pass by on the bus, seconds on the wall clock."""

    def __init__(self, address: BrokerAddress) -> None:
        async def resolve() -> BrokerAddress:
            return address

        self.link = Link(resolve, client_id="bench-watch")
        self.link.on(TURN_WORK, lambda message, _: self._work(message))
        self.link.on(SATELLITE_DID, lambda message, _: self._did(message))
        self.link.on(EVENT, lambda message, _: self._event(message), kind="turn-ended")
        self.over = asyncio.Event()
        self.clear()

    def clear(self) -> None:
        self.ended_at = 0.0
        self.heard: Heard | None = None
        self.began: SpeechBegan | None = None
        self.first_at = 0.0
        self.timings: dict[str, float] = {}
        self.over.clear()

    def _event(self, event: Event) -> None:
        if isinstance(event, TurnEnded):
            self.timings = event.timings
            self.over.set()

    def _work(self, fact: WorkFact) -> None:
        match fact:
            case SpeechEnded():
                self.ended_at = time.time()
            case Heard():
                self.heard = fact
            case SpeechBegan():
                self.began = fact
            case _:
                pass

    def _did(self, fact: SatelliteFact) -> None:
        if isinstance(fact, Played):
            self.first_at = fact.first_at_us / 1e6

    def stages_ms(self) -> dict[str, float]:
        """Return milliseconds: the whole way, what the engines took of it, and what is ours."""
        if self.heard is None or self.began is None or not self.first_at:
            raise RuntimeError("the turn was not answered")
        whole = 1e3 * (self.first_at - self.ended_at)
        engines = {"recognise": self.heard.tail_ms, "synthesize": self.began.engine_ms}
        ours = {"whole": whole, **engines, "ours": whole - sum(engines.values())}
        return ours | {name: self.timings[name] for name in HUB_STAGES}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the bench; return its figures."""
    return asyncio.run(_run(args.turns, args.engines))


async def _run(turns: int, engines: str) -> dict[str, Any]:
    pcm = speech.say(COMMAND, speech.voices()[0])
    settings = {}
    if engines == "fake":
        settings = {"workers": {"stt": ["fake"], "tts": ["fake"], "options": {"fake": FAKE}}}
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), settings)
        try:
            await house.open()
            rows = await _speak(house.broker, pcm, turns)
        finally:
            await house.close()
    ours = sorted(row["ours"] for row in rows)
    return {
        "engines": engines,
        "n": len(rows),
        "ours_ms": {"p50": _at(ours, 0.5), "p95": _at(ours, 0.95), "max": round(ours[-1], 2)},
        "stages_ms.p50": {
            name: round(median(row[name] for row in rows), 2)
            for name in ("whole", "recognise", "synthesize", "ours")
        },
        "from_hub_ms.p50": {
            name: round(median(row[name] for row in rows), 2) for name in HUB_STAGES
        },
    }


async def _speak(address: BrokerAddress, pcm: bytes, turns: int) -> list[dict[str, float]]:
    async def resolve() -> BrokerAddress:
        return address

    watch = Watch(address)
    room = SimulatedRoom(resolve, satellite="bench", room="kitchen", wake="none")
    rows: list[dict[str, float]] = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(watch.link.run()), group.create_task(room.run())]
        await watch.link.wait_connected()
        await room.wait_ready()
        for number in range(turns + 1):
            watch.clear()
            said = await room.speak(pcm, press_button=True)
            if not said.reply_complete:
                raise RuntimeError(f"turn {said.turn} was not answered")
            async with asyncio.timeout(5):
                await watch.over.wait()
            if number:  # the first one warms caches that a house has warm
                rows.append(watch.stages_ms())
        for task in tasks:
            task.cancel()
    return rows


def _at(ordered: list[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))], 2)
