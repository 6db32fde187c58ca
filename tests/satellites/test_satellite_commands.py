"""The commands as a person uses them: settings, mistakes, a turn on a hub that a test plays."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antiphon_link.broker import BrokerAddress
from antiphon_link.errors import SettingsError
from antiphon_link.link import Link
from antiphon_link.settings import load
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.event import TurnEnded
from antiphon_protocol.messages.presence import Hello, Welcome
from antiphon_protocol.messages.satellite import Listen, PlaybackReady, Played, StopListening
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.topics import (
    EVENT,
    HUB_PRESENCE,
    PLAYBACK_AUDIO,
    SATELLITE_DID,
    SATELLITE_DO,
    SATELLITE_PRESENCE,
    SATELLITE_WAKE,
)
from antiphon_protocol.version import OURS
from antiphon_protocol.wav import read_wav, write_wav
from antiphon_satellite.commands.satellite import RESTART_CODE, overridden, start_anew
from antiphon_satellite.errors import NoWakeEngineError
from antiphon_satellite.listen.engines import load_engines
from antiphon_satellite.settings import GateSection, Settings, WakeSection
from tests.support.mosquitto import Broker
from tests.support.satellite_world import speech

COMMANDS = [sys.executable, "-m", "antiphon_link"]


def antiphon(*arguments: str, timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMANDS, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        stdin=subprocess.DEVNULL,
    )


# -- settings -------------------------------------------------------------------------------------


def test_a_file_is_read_and_the_command_line_wins(tmp_path: Path) -> None:
    path = tmp_path / "satellite.toml"
    path.write_text('[satellite]\nid = "shelf"\nroom = "hall"\n[wake]\nmode = "hub"\n')
    chosen = overridden(
        load(path, Settings), {"satellite": {"id": "", "room": "kitchen"}, "wake": {"mode": ""}}
    )
    assert (chosen.satellite.id, chosen.satellite.room) == ("shelf", "kitchen")
    assert chosen.wake.mode == "hub"


def test_all_mistakes_of_a_command_line_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        overridden(Settings(), {"satellite": {"id": "Living Room"}, "wake": {"mode": "loud"}})
    assert len(caught.value.mistakes) == 2


def test_every_setting_says_in_the_docs_what_it_is_for() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "satellite.md").read_text(encoding="utf-8")
    for section in Settings.__struct_fields__:
        assert f"`[{section}]`" in docs
        if section != "broker":
            part = getattr(Settings(), section)
            assert all(f"`{name}`" in docs for name in part.__struct_fields__)


def test_without_an_engine_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon_satellite.listen.engines.installed_wake", tuple)
    with pytest.raises(NoWakeEngineError, match=r"microwake.*--wake hub.*--wake none"):
        load_engines(WakeSection(), GateSection())


# -- weight ---------------------------------------------------------------------------------------


def test_the_program_is_thin() -> None:
    heavy = ["numpy", "torch", "rich", "typer", "onnxruntime", "sounddevice", "pymicro_wakeword"]
    code = (
        "import sys, antiphon_satellite.app, antiphon_satellite.simulate; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


# -- mistakes -------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--microphone", "jack"], "no such source"),
        (["--microphone", "wav:/nonexistent.wav"], "cannot be read"),
        (["--speaker", "nowhere"], "no such sink"),
        (["--wake", "loud", "--id", "No Slug"], "2 mistake(s)"),
        (["--microphone", "alsa:nothing-here", "--wake", "none"], "arecord -L"),
        (["--broker", "h:99999", "--microphone", "none", "--wake", "none"], "no port"),
        (["--config", "/nonexistent.toml"], "cannot be read"),
        (["--speaker", "alsa:nothing-here", "--wake", "none"], "aplay -L"),
    ],
)
def test_a_satellite_that_cannot_start_says_why(arguments: list[str], told: str) -> None:
    defaults = ["--microphone", "none", "--speaker", "null", "--broker", "127.0.0.1:9"]
    ended = antiphon("satellite", *defaults, *arguments)
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.system
def test_wrong_use_is_exit_code_two() -> None:
    assert antiphon("satellite", "--nonsense").returncode == 2
    assert antiphon("turn", "a.wav").returncode == 2


@pytest.mark.system
def test_a_turn_needs_a_wav_as_a_satellite_records_it(tmp_path: Path) -> None:
    for name, data, told in (
        ("fast.wav", write_wav(bytes(3200), 48_000), "48000 Hz"),
        ("text.wav", b"hello", "not a WAV file"),
        ("empty.wav", write_wav(b""), "no samples"),
        ("cut.wav", write_wav(bytes(3200))[:-100], "cut short"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        ended = antiphon("turn", str(path), "--room", "hall", "--broker", "127.0.0.1:9")
        assert ended.returncode == 1
        assert told in ended.stderr
        assert "Traceback" not in ended.stderr


# -- a turn ---------------------------------------------------------------------------------------


class ScriptedHub:
    """Answers every call of any satellite with half a second of sound."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.rooms: dict[str, str] = {}
        self.joined = asyncio.Event()
        link.on(SATELLITE_PRESENCE, self._on_presence)
        link.on(SATELLITE_WAKE, self._on_wake)
        link.on(SATELLITE_DID, self._on_fact)
        link.on_connected(self._greet)

    async def _greet(self) -> None:
        hello = Welcome(hub="hub", epoch=1, site="test", protocol=OURS, software="0")
        await self.link.send(HUB_PRESENCE, hello)

    def _on_presence(self, presence: object, _: object) -> None:
        if isinstance(presence, Hello):
            self.rooms[presence.satellite] = presence.room
            self.joined.set()

    def _on_wake(self, call: WakeHeard, _: object) -> None:
        sat = call.satellite
        asked = Listen(turn="turn-1", stream=call.stream, playback=f"play-{sat}", limit_s=5.0)
        self.link.post(SATELLITE_DO, asked, satellite=sat)
        stop = StopListening(stream=call.stream, reason="speech-ended")
        self.link.post(SATELLITE_DO, stop, satellite=sat)

    def _on_fact(self, fact: object, _: object) -> None:
        if isinstance(fact, PlaybackReady):
            for frame in speech(0.5):
                self.link.post(PLAYBACK_AUDIO, frame, group="all", playback=fact.playback)
        if isinstance(fact, Played):
            sat = fact.playback.removeprefix("play-")
            ended = TurnEnded(
                turn="turn-1",
                room=self.rooms[sat],
                satellite=sat,
                outcome="answered" if fact.complete else "failed",
                transcript="what time is it",
                intent="HassGetCurrentTime",
                reply="It is noon.",
                timings={"total": 12.5},
            )
            self.link.post(EVENT, ended, kind="turn-ended")


@pytest.fixture
async def hub(broker: Broker) -> AsyncIterator[ScriptedHub]:
    """Run a scripted hub on a real Mosquitto."""

    async def resolve() -> BrokerAddress:
        return broker.address

    scripted = ScriptedHub(Link(resolve, client_id="hub"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scripted.link.run())
        await scripted.link.wait_connected()
        yield scripted
        running.cancel()


async def turn(broker: Broker, *arguments: str) -> tuple[int, str, str]:
    address = f"{broker.address.host}:{broker.address.port}"
    process = await asyncio.create_subprocess_exec(
        *COMMANDS,
        "turn",
        *arguments,
        "--room",
        "living room",
        "--broker",
        address,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    path = tmp_path / "quiet.wav"
    path.write_bytes(write_wav(bytes(SAMPLE_RATE_HZ)))
    return path


@pytest.mark.system
async def test_a_spoken_wav_is_answered(
    broker: Broker, hub: ScriptedHub, quiet: Path, tmp_path: Path
) -> None:
    reply = tmp_path / "reply.wav"
    code, out, err = await turn(broker, str(quiet), "--no-wake", "--json", "--out", str(reply))
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["transcript"] == "what time is it"
    assert (told["room"], told["outcome"]) == ("living room", "answered")
    assert told["timings"] == {"total": 12.5}
    assert read_wav(reply) == b"".join(frame.pcm for frame in speech(0.5))


@pytest.mark.system
async def test_a_wav_without_the_wake_phrase_is_told_so(
    broker: Broker, hub: ScriptedHub, quiet: Path
) -> None:
    code, out, err = await turn(broker, str(quiet))
    assert (code, out) == (1, "")
    assert "no wake phrase was heard" in err
    assert "--no-wake" in err


@pytest.mark.system
@pytest.mark.slow
async def test_without_a_hub_it_is_told_so(broker: Broker, quiet: Path) -> None:
    code, _, err = await turn(broker, str(quiet), "--no-wake")
    assert code == 1
    assert "no hub is there" in err


# -- the program ----------------------------------------------------------------------------------


@pytest.mark.system
async def test_it_hears_a_wav_calls_and_ends_in_order(
    broker: Broker, hub: ScriptedHub, tmp_path: Path
) -> None:
    spoken = tmp_path / "spoken.wav"
    spoken.write_bytes(write_wav(bytes(SAMPLE_RATE_HZ)))
    config = tmp_path / "satellite.toml"
    config.write_text(
        f'[broker]\naddress = "127.0.0.1:{broker.address.port}"\n'
        '[satellite]\nid = "shelf"\nroom = "attic"\n'
        f'[microphone]\nsource = "wav:{spoken}"\n'
        f'[speaker]\nsink = "wav:{tmp_path}/out"\n[wake]\nmode = "none"\n'
    )
    process = await asyncio.create_subprocess_exec(
        *COMMANDS, "satellite", "--config", str(config), stdin=asyncio.subprocess.DEVNULL
    )
    goodbyes: asyncio.Queue[str] = asyncio.Queue(8)

    def seen(presence: object, _: object) -> None:
        if not isinstance(presence, Hello):
            goodbyes.put_nowait(presence.reason)  # type: ignore[attr-defined]  # a Goodbye

    async with asyncio.timeout(15):
        await hub.joined.wait()
        assert hub.rooms == {"shelf": "attic"}
        async with hub.link.following(SATELLITE_PRESENCE, seen, satellite="shelf"):
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
            assert await goodbyes.get() == "stopped"


def test_a_service_starts_anew_by_its_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    with pytest.raises(SystemExit) as ended:
        start_anew()
    assert ended.value.code == RESTART_CODE
    unit = Path("systemd/antiphon-satellite.service").read_text(encoding="utf-8")
    assert "Restart=on-failure" in unit
    assert f"RestartPreventExitStatus={RESTART_CODE}" not in unit


def test_by_hand_it_takes_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    began: list[tuple[object, ...]] = []
    monkeypatch.setattr("os.execv", lambda *command: began.append(command))
    start_anew()
    assert began == [(sys.executable, sys.orig_argv)]
