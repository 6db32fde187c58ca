"""What a satellite costs: CPU seconds per second of audio and memory, in each of its states.

`antiphon satellite` as a process of its own, on a real Mosquitto, hearing a WAV of faint noise in
real time; the hub's part is played here. One core is 1.0.
"""

import argparse
import asyncio
import random
import tempfile
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from antiphon_ears.registry import installed_vad, installed_wake
from antiphon_link.link import Link
from antiphon_protocol.audio import SAMPLE_RATE_HZ, AudioFormat
from antiphon_protocol.limits import PLAYBACK_SECONDS_MAX
from antiphon_protocol.messages.satellite import (
    Listen,
    ListenEnded,
    Play,
    PlaybackReady,
    Played,
    StopListening,
    StopPlaying,
)
from antiphon_protocol.wav import write_wav
from tests.support.house import Program
from tests.support.mosquitto import Broker, mosquitto
from tests.support.satellite_world import HubPart, speech
from tests.support.waiting import eventually

SETTLE_S = 2.0
"""Behind the Hello, so that loading and warming up are not counted."""
NOISE_PEAK = 60
"""About -60 dBFS: a quiet room."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--seconds", type=float, default=10.0, help="per state (default 10)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the bench; return its figures."""
    return asyncio.run(_run(min(50.0, args.seconds)))


async def _run(seconds: float) -> dict[str, Any]:
    states: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with mosquitto(folder) as broker:
            for engine in installed_wake():
                settings = f'[wake]\nengines = ["{engine}"]\n'
                async with _satellite(broker, folder, settings) as (_, process):
                    states[f"idle_{engine}"] = await _cost(process, seconds)
            for engine in installed_vad():
                settings = f'[wake]\nmode = "hub"\n[gate]\nengine = "{engine}"\nthreshold = 0.99\n'
                async with _satellite(broker, folder, settings) as (_, process):
                    states[f"idle_gate_{engine}"] = await _cost(process, seconds)
            async with _satellite(broker, folder, '[wake]\nmode = "none"\n') as (hub, process):
                states["idle_button"] = await _cost(process, seconds)
                await _stream(hub)
                states["streaming"] = await _cost(process, seconds)
                hub.ask(StopListening(stream="bench-stream", reason="cancelled"))
                await hub.fact(ListenEnded)
                await _play(hub)
                states["playing"] = await _cost(process, seconds)
                await _stop_playing(hub, seconds)
    return {"seconds_per_state": seconds, "states": states}


@asynccontextmanager
async def _satellite(
    broker: Broker, folder: Path, settings: str
) -> AsyncIterator[tuple[HubPart, psutil.Process]]:
    """Run a satellite and a hub inside the block."""

    async def resolve() -> Any:
        return broker.address

    hub = HubPart(Link(resolve, client_id="hub"), "bench")
    config = folder / "satellite.toml"
    config.write_text(_settings(broker, _noise(folder)) + settings, encoding="utf-8")
    program = await Program("satellite", ["--config", str(config)], folder / "log").start()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hub.link.run())
        try:
            await hub.link.wait_connected()
            await hub.welcome()
            await eventually(lambda: program.ended or hub.rooms(), 30.0)
            if program.ended:
                raise RuntimeError(program.log)
            await asyncio.sleep(SETTLE_S)
            yield hub, psutil.Process(program.process.pid)
        finally:
            await program.end()
            task.cancel()


def _settings(broker: Broker, wav: Path) -> str:
    return (
        f'[broker]\naddress = "127.0.0.1:{broker.address.port}"\n'
        f'[satellite]\nid = "bench"\n[microphone]\nsource = "wav:{wav}"\n'
        '[speaker]\nsink = "null"\n[indicator]\nlight = "none"\nbutton = "none"\n'
    )


def _noise(folder: Path) -> Path:
    chance = random.Random(1)
    samples = [chance.randint(-NOISE_PEAK, NOISE_PEAK) for _ in range(120 * SAMPLE_RATE_HZ)]
    path = folder / "noise.wav"
    path.write_bytes(write_wav(array("h", samples).tobytes()))
    return path


async def _stream(hub: HubPart) -> None:
    hub.ask(Listen(turn="t", stream="bench-stream", playback="reply", limit_s=60.0))
    await hub.until(lambda: hub.frames.get("bench-stream"))


async def _play(hub: HubPart) -> None:
    hub.ask(Play(playback="bench-play", kind="reply", format=AudioFormat()))
    await hub.until(lambda: any(one.playback == "bench-play" for one in hub.all(PlaybackReady)))
    hub.say("bench-play", speech(PLAYBACK_SECONDS_MAX / 2))
    await asyncio.sleep(1.0)


async def _stop_playing(hub: HubPart, seconds: float) -> None:
    hub.ask(StopPlaying(playback="bench-play"))
    await hub.until(lambda: any(one.playback == "bench-play" for one in hub.all(Played)))
    played = hub.all(Played)[-1]
    if played.samples < seconds * SAMPLE_RATE_HZ:
        raise RuntimeError(f"it did not play all the time: {played}")


async def _cost(process: psutil.Process, seconds: float) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    began_s, before = loop.time(), process.cpu_times()
    await asyncio.sleep(seconds)
    after, audio_s = process.cpu_times(), loop.time() - began_s
    used_s = after.user + after.system - before.user - before.system
    return {
        "cpu_s_per_audio_s": round(used_s / audio_s, 4),
        "rss_mib": round(process.memory_info().rss / 2**20, 1),
    }
