"""A large house: what is ours of the wait when twenty speak at once and two hundred listen.

Real Mosquitto, hub and worker, each a process; the satellites are light: the real link and uplink,
without ear and mouth. `added_ms`: from sending the frame with which the end of speech was decided
to the reply's first audio back at the satellite, less what recogniser and voice computed. By
default both are scripted, and take the time that the closed grammar's engine was measured to take.
`rss_mib` is of broker, hub and worker together, after the last round, `rss_mib_course` on the way
there; `drops` are the hub's own counters of what its queues dropped, and those of all satellites'
links.
"""

import argparse
import asyncio
import random
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import psutil
import tomli_w

from antiphon_link.broker import BrokerAddress
from antiphon_link.link import Envelope, Link
from antiphon_link.program import settle
from antiphon_protocol.audio import FRAME_SAMPLES
from antiphon_protocol.messages.work import Heard, SpeechBegan, SpeechEnded, WorkFact
from antiphon_protocol.topics import TURN_WORK
from antiphon_satellite.listen.preroll import PREROLL_FRAMES
from antiphon_tools import speech
from tests.bench._timing import spread
from tests.support.house import Program
from tests.support.light_satellite import Answer, LightSatellite
from tests.support.mosquitto import Broker
from tests.support.waiting import eventually
from tests.support.worker_world import loud, quiet

COMMAND = "what time is it"
START_S = 120.0
JOIN_AT_A_TIME = 20
MIB = 1 << 20
COURSE = 12
"""So many readings of memory are shown, spread over the rounds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--idle", type=int, default=200, help="idle satellites (default 200)")
    parser.add_argument("--speaking", type=int, default=20, help="speaking at once (default 20)")
    parser.add_argument("--rounds", type=int, default=10, help="commands each (default 10)")
    parser.add_argument("--seed", type=int, default=1, help="when each begins (default 1)")
    parser.add_argument("--engines", choices=("fake", "real"), default="fake")
    parser.add_argument(
        "--stt-ms", type=float, default=20.0, help="the fake's tail, milliseconds (default 20)"
    )


class Engines:
    """Notes what engines took, by turn."""

    def __init__(self, link: Link) -> None:
        self.ended: dict[str, int] = {}
        self.took_s: dict[str, float] = {}
        link.on(TURN_WORK, self._take)

    def _take(self, fact: WorkFact, envelope: Envelope) -> None:
        turn = envelope.ids["turn"]
        match fact:
            case SpeechEnded():
                self.ended[turn] = fact.decided_at
            case Heard():
                self.took_s[turn] = self.took_s.get(turn, 0.0) + fact.tail_ms / 1e3
            case SpeechBegan():
                self.took_s[turn] = self.took_s.get(turn, 0.0) + fact.engine_ms / 1e3
            case _:
                pass

    def added_ms(self, answer: Answer) -> float | None:
        """Return what was ours of the wait; None when there was no reply."""
        if not answer.first_s or answer.turn not in self.ended:
            return None
        live = -(-self.ended[answer.turn] // FRAME_SAMPLES) - 1 - PREROLL_FRAMES
        decided_s = answer.sent_s[min(max(0, live), len(answer.sent_s) - 1)]
        return 1e3 * (answer.first_s - decided_s - self.took_s.get(answer.turn, 0.0))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the bench; return its figures."""
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = await Broker(folder, settings=("max_queued_messages 4096",)).start()
        hub = await _program(folder, "hub", _hub(broker.address, folder)).start()
        worker = await _program(folder, "worker", _worker(broker.address, folder, args)).start()
        try:
            pids = (broker.pid, hub.process.pid, worker.process.pid)
            ready = folder / "hub" / "hub.json"
            await eventually(ready.exists, START_S)
            metrics = msgspec.json.decode(ready.read_bytes())["metrics"]
            return await _house(args, broker.address, pids, metrics)
        finally:
            for program in (worker, hub):
                await program.make_sure()
            broker.stop()


def _program(folder: Path, name: str, settings: dict[str, Any]) -> Program:
    config = folder / f"{name}.toml"
    config.write_text(tomli_w.dumps(settings), encoding="utf-8")
    return Program(name, ("--config", str(config)), folder / f"{name}.log")


def _hub(address: BrokerAddress, folder: Path) -> dict[str, Any]:
    return {
        "broker": {"address": str(address)},
        "hub": {"id": "hub", "state_dir": str(folder / "hub")},
        "discovery": {"announce": False},
        "workers": {"local": 0},
        "metrics": {"listen": "127.0.0.1:0"},
    }


def _worker(address: BrokerAddress, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "broker": {"address": str(address)},
        "worker": {"id": "worker-1", "state_dir": str(folder / "worker"), "capacity": 64},
        "streams": {"streams": 128},
    }
    if args.engines == "fake":
        settings["engines"] = {"stt": ["fake"], "tts": ["fake"], "wake": ["fake"], "vad": "fake"}
        settings["options"] = {"fake": {"text": COMMAND, "cost_ms": args.stt_ms}}
    return settings


async def _house(
    args: argparse.Namespace, address: BrokerAddress, pids: tuple[int, ...], metrics: str
) -> dict[str, Any]:
    async def resolve() -> BrokerAddress:
        return address

    watch = Link(resolve, client_id="bench-watch")
    engines = Engines(watch)
    count = args.idle + args.speaking
    house = [LightSatellite(resolve, f"sat-{number}") for number in range(count)]
    pcm = quiet(0.2) + loud(1.0)
    if args.engines == "real":
        pcm = speech.say(COMMAND, speech.voices()[0])
    answers: list[Answer] = []
    rss: list[float] = []
    tasks = [asyncio.create_task(watch.run())]
    try:
        for number, satellite in enumerate(house):
            tasks.append(asyncio.create_task(satellite.run()))
            if number % JOIN_AT_A_TIME == JOIN_AT_A_TIME - 1:
                await asyncio.wait_for(satellite.ready.wait(), START_S)
        for satellite in house:
            await asyncio.wait_for(satellite.ready.wait(), START_S)
        settle()  # the bench's own pauses would count as ours
        dice = random.Random(args.seed)
        for _ in range(args.rounds):
            answers += await _round(dice.sample(house, args.speaking), pcm, dice)
            rss.append(_rss_mib(pids))
        page = await asyncio.to_thread(_read, metrics)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    added = [ms for ms in map(engines.added_ms, answers) if ms is not None]
    return {
        "engines": args.engines,
        "satellites": {"idle": args.idle, "speaking": args.speaking},
        "commands": len(answers),
        "answered": sum(answer.whole for answer in answers),
        "added_ms": spread(added),
        "rss_mib": round(rss[-1], 1),
        "rss_mib_course": [round(one, 1) for one in rss[:: max(1, len(rss) // COURSE)]],
        "drops": _drops(page, house),
    }


async def _round(speakers: list[LightSatellite], pcm: bytes, dice: random.Random) -> list[Answer]:
    async def one(satellite: LightSatellite, after_s: float) -> Answer:
        await asyncio.sleep(after_s)
        return await satellite.call(pcm)

    return await asyncio.gather(*(one(each, dice.uniform(0.0, 1.0)) for each in speakers))


def _rss_mib(pids: tuple[int, ...]) -> float:
    return float(sum(psutil.Process(pid).memory_info().rss for pid in pids) / MIB)


def _read(metrics: str) -> str:
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as page:
        return str(page.read().decode())


def _drops(page: str, house: list[LightSatellite]) -> dict[str, int]:
    drops: dict[str, int] = {}
    for line in page.splitlines():
        if line.startswith("antiphon_queue_drops") and "created" not in line:
            name, _, value = line.rpartition(" ")
            if float(value):
                drops[name] = int(float(value))
    for name in ("posts_refused", "posts_lost"):
        if lost := sum(one.house.link.counts[name] for one in house):
            drops[f"satellites: {name}"] = lost
    return drops
