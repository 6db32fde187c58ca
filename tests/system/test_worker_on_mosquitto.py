"""The worker as a program, on a real Mosquitto, with silero on synthesized speech."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import tomli_w

from antiphon_link.link import Link
from antiphon_protocol.messages.presence import WorkerGoodbye, WorkerHello
from antiphon_protocol.messages.work import Heard, SpeechEnded, Transcribe
from antiphon_protocol.topics import WORKER_DO
from antiphon_protocol.wav import read_wav
from tests.support.house import Program
from tests.support.mosquitto import Broker, mosquitto
from tests.support.worker_world import WorkerWorld, frames_of, quiet, running

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("flite") is None, reason="flite speaks here: apt install flite"
    ),
]
ENGINES = {"stt": ["fake"], "tts": ["fake"], "wake": ["fake"], "vad": "silero"}


def say(text: str, folder: Path) -> bytes:
    """Return synthesized speech, 16 kHz."""
    path = folder / "speech.wav"
    flite = str(shutil.which("flite"))
    subprocess.run([flite, "-voice", "slt", "-t", text, "-o", str(path)], check=True)
    return read_wav(path)


@asynccontextmanager
async def worker_on(broker: Broker, folder: Path) -> AsyncIterator[tuple[WorkerWorld, Program]]:
    config = folder / "worker.toml"
    config.write_text(
        tomli_w.dumps({"engines": ENGINES, "worker": {"state_dir": str(folder / "state")}}),
        encoding="utf-8",
    )

    async def resolve() -> object:
        return broker.address

    address = f"{broker.address.host}:{broker.address.port}"
    program = Program(
        "worker", ["--config", str(config), "--broker", address, "--id", "w1"], folder / "w.log"
    )
    world = WorkerWorld(Link(resolve, client_id="hub"), None, None)
    async with running(world.link.run()):
        await world.link.wait_connected()
        await program.start()
        try:
            await world.until(lambda: world.presence or None)
            yield world, program
        finally:
            await program.make_sure()


async def test_a_worker_hears_speech_and_ends_in_order(tmp_path: Path) -> None:
    speech = say("turn on the light in the kitchen", tmp_path)
    async with mosquitto(tmp_path) as broker, worker_on(broker, tmp_path) as (world, program):
        assert isinstance(world.presence[0], WorkerHello)
        assert {one.name for one in world.presence[0].engines} == {"fake", "silero"}
        world.speak(frames_of(quiet(0.5) + speech + quiet(1.5)))
        world.do(Transcribe(job="job-1", turn="turn-1", satellite="hall", stream="stream-1"))
        heard = await world.fact(Heard)
        assert heard.text == "turn on the light"
        ended = await world.fact(SpeechEnded)
        assert ended.why == "silence"
        said_s = 0.5 + len(speech) / 2 / 16_000
        assert said_s - 0.5 < ended.position / 16_000 < said_s + 0.25
        world.link.post(
            WORKER_DO, Transcribe(job="job-2", turn="t", satellite="hall", stream="s"), worker="w1"
        )
        assert await program.end() == 0
        await world.until(lambda: world.presence[1:] or None)
        last = world.presence[-1]
        assert isinstance(last, WorkerGoodbye)
        assert last.reason == "stopped"


async def test_a_killed_worker_leaves_its_will(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, worker_on(broker, tmp_path) as (world, program):
        program.process.send_signal(signal.SIGKILL)
        await world.until(lambda: world.presence[1:] or None)
        last, first = world.presence[-1], world.presence[0]
        assert isinstance(last, WorkerGoodbye)
        assert (last.reason, last.epoch) == ("lost", first.epoch)
        await asyncio.wait_for(program.process.wait(), 5)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"engines": {"stt": ["ghost"]}}, "no stt engine 'ghost'"),
        ({"engines": {**ENGINES, "vad": "ghost"}}, "no vad engine is called 'ghost'"),
        ({"worker": {"capacity": 0}, "engine": {}, "broker": {"port": 5}}, "3 mistake(s)"),
        ({"engines": ENGINES, "options": {"fake": {"tex": "x"}}}, "tex"),
    ],
    ids=["engine", "vad", "several mistakes", "engine option"],
)
async def test_bad_settings_end_in_a_clear_error(
    settings: dict[str, object], says: str, tmp_path: Path
) -> None:
    config = tmp_path / "worker.toml"
    config.write_text(tomli_w.dumps(settings), encoding="utf-8")
    arguments = ["--config", str(config), "--broker", "127.0.0.1:1", "--id", "w1"]
    program = await Program("worker", arguments, tmp_path / "w.log").start()
    assert await asyncio.wait_for(program.process.wait(), 20) == 1
    assert says in program.log
    assert "Traceback" not in program.log
