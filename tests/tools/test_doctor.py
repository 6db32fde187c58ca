"""The doctor: its judgements as tables, its examinations on real programs."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import psutil
import pytest
from rich.console import Console

from antiphon_codecs.errors import CodecMissingError
from antiphon_hub.mosquitto import Mosquitto
from antiphon_hub.mosquitto_conf import MosquittoSettings
from antiphon_hub.settings import HomeSection, HubSection, Settings, WorkersSection
from antiphon_link.broker import BrokerSettings
from antiphon_tools.doctor import machine
from antiphon_tools.doctor.engines import Probed, judge, needed_engines
from antiphon_tools.doctor.examine import examine
from antiphon_tools.doctor.finding import Finding, State, as_json, is_healthy
from antiphon_tools.doctor.machine import examine_state_dir, judge_sound
from antiphon_tools.doctor.network import examine_broker
from antiphon_tools.doctor.probe import Kind, Report, probe
from antiphon_tools.doctor.report import table
from antiphon_tools.doctor.run import Ended, run

NEEDED: Mapping[Kind, frozenset[str]] = {
    "stt": frozenset({"pocketsphinx"}),
    "tts": frozenset(),
    "wake": frozenset({"openwakeword"}),
    "vad": frozenset(),
}


def states(findings: list[Finding]) -> dict[str, State]:
    return {finding.name: finding.state for finding in findings}


# -- judgements -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "report", "state"),
    [
        ("pocketsphinx", Report(detail="en"), "ok"),
        ("pocketsphinx", Report(error="pip install it", installed=False), "missing"),
        ("pocketsphinx", Report(error="crashed"), "missing"),
        ("other", Report(detail="en"), "ok"),
        ("other", Report(error="pip install it", installed=False), "note"),
        ("other", Report(error="crashed"), "note"),
    ],
)
def test_an_engine_is_missing_only_where_the_settings_need_it(
    name: str, report: Report, state: State
) -> None:
    assert judge([Probed("stt", name, report)], NEEDED, ())[0].state == state


def test_a_wake_phrase_needs_an_engine_that_works_and_knows_it() -> None:
    probed = [
        Probed("wake", "openwakeword", Report(detail="x", phrases=("hey mycroft",))),
        Probed("wake", "unused", Report(detail="x", phrases=("alexa",))),
    ]
    found = judge(probed, NEEDED, ("hey mycroft", "alexa"))
    assert states(found)["hey mycroft"] == "ok"
    assert states(found)["alexa"] == "missing"
    assert found[-1].remedy == "choose [listening] phrases among: hey mycroft"


def test_a_hub_without_own_workers_needs_no_engine() -> None:
    needed = needed_engines(Settings(workers=WorkersSection(local=0)))
    assert not any(needed.values())
    report = Report(error="pip install it", installed=False)
    found = judge([Probed("stt", "pocketsphinx", report)], needed, ("hey mycroft",))
    assert [finding.state for finding in found] == ["note"]


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (Ended(0, 'noise\n[["USB", 1, 2]]'), {"microphone": "ok", "speaker": "ok"}),
        (Ended(0, '[["HDMI", 0, 2]]'), {"microphone": "note", "speaker": "ok"}),
        (Ended(0, "[]"), {"microphone": "note", "speaker": "note"}),
        (Ended(1, "", "ModuleNotFoundError: No module named 'sounddevice'"), {"cards": "note"}),
        (Ended(-11, ""), {"cards": "note"}),
        (Ended(None, ""), {"cards": "note"}),
        (Ended(0, "{}"), {"cards": "note"}),
    ],
)
def test_sound_is_never_needed(ended: Ended, expected: dict[str, State]) -> None:
    assert states(judge_sound(ended)) == expected


def test_the_verdict_follows_from_what_is_missing() -> None:
    fine = [Finding("a", "b", "ok", "c"), Finding("a", "b", "note", "c", "d")]
    bad = [*fine, Finding("a", "b", "missing", "c", "d")]
    assert is_healthy(fine)
    assert not is_healthy(bad)
    assert as_json(bad)["ok"] is False
    assert as_json(bad)["findings"][2]["state"] == "missing"


def test_the_table_shows_every_finding_and_every_remedy() -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123 - closed below
    findings = [
        Finding("broker", "mosquitto", "missing", "[not] there", "apt install mosquitto"),
        Finding("broker", "own broker", "ok", "port 1883 is free"),
    ]
    console.print(table(findings))
    console.file.close()
    text = console.export_text()
    assert "✗  mosquitto   [not] there" in text
    assert "→ apt install mosquitto" in text
    assert "✓  own broker  port 1883 is free" in text
    assert "1 thing(s) missing" in text


# -- examinations ---------------------------------------------------------------------------------


async def test_a_crash_and_a_hang_are_told_apart() -> None:
    crash = await run([sys.executable, "-S", "-c", "import os; os.abort()"], 10)
    assert crash.status == -signal.SIGABRT
    assert crash.reason == "it crashed (SIGABRT)"
    hang = await run([sys.executable, "-S", "-c", "import time; time.sleep(60)"], 0.3)
    assert hang.reason == "it does not come to an end"


async def test_a_cancelled_examination_leaves_no_process() -> None:
    others = set(psutil.Process().children())
    task = asyncio.create_task(run([sys.executable, "-S", "-c", "import time; time.sleep(60)"], 60))
    async with asyncio.timeout(10):
        # A process appears without an event.
        while not (children := set(psutil.Process().children()) - others):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert not any(child.is_running() for child in children)


def test_an_unknown_engine_is_reported_not_raised() -> None:
    report = probe("wake", "no-such-engine", {})
    assert not report.installed
    assert "no-such-engine" in report.error


def test_an_engine_that_needs_no_library_works() -> None:
    assert probe("vad", "energy", {}).detail == "windows of 512 samples"


def test_a_state_directory_is_judged_without_making_it(tmp_path: Path) -> None:
    finding = examine_state_dir(tmp_path / "not" / "yet")
    assert (finding.state, finding.name) == ("ok", str(tmp_path / "not" / "yet"))
    assert list(tmp_path.iterdir()) == []


def test_a_state_directory_that_cannot_be_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = examine_state_dir(tmp_path / "file" / "state")
    assert finding.state == "missing"
    assert "[hub] state_dir" in finding.remedy


async def test_a_broker_that_answers_is_fine_and_a_wrong_password_is_named(
    tmp_path: Path,
) -> None:
    own = MosquittoSettings(username="home", password="right")  # noqa: S106 - an example
    broker = Mosquitto(own, tmp_path)
    port = (await broker.start()).port
    right = BrokerSettings(address=f"127.0.0.1:{port}", username="home", password="right")  # noqa: S106 - an example
    try:
        good = await examine_broker(Settings(broker=right))
        bad = await examine_broker(
            Settings(broker=msgspec.structs.replace(right, password="wrong"))  # noqa: S106 - an example
        )
    finally:
        await broker.stop()
    assert [finding.state for finding in good] == ["ok"]
    assert [finding.state for finding in bad] == ["missing"]
    assert "password" in bad[0].remedy


async def test_a_broker_that_is_not_there_is_missing(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setattr("antiphon_tools.doctor.network.CONNECT_TIMEOUT_S", 0.3)
    settings = Settings(broker=BrokerSettings(address=f"127.0.0.1:{unused_tcp_port}"))
    found = await examine_broker(settings)
    assert [finding.state for finding in found] == ["missing"]


async def test_without_a_configured_broker_mosquitto_is_looked_at() -> None:
    found = {finding.name: finding for finding in await examine_broker(Settings())}
    assert found["mosquitto"].state == "ok"
    assert found["mosquitto"].detail.startswith("version 2")
    assert found["own broker"].state in ("ok", "note")


async def test_a_mistake_about_the_network_is_found_before_the_hub_starts() -> None:
    own = MosquittoSettings(lan=True, cert_file="/c", key_file="/k")
    found = await examine_broker(Settings(mosquitto=own))
    assert found[1].state == "missing"
    assert "anonymous = true" in found[1].detail


@pytest.mark.slow
async def test_all_mistakes_of_settings_and_home_are_listed(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("[hub]\nsite = 3\nnmae = 'x'\n")
    found = await examine(tmp_path / "hub.toml")
    about = [finding for finding in found if finding.area == "settings"]
    assert [finding.state for finding in about] == ["missing", "missing"]

    (tmp_path / "home.yaml").write_text("rooms: [{name: kitchen}, {nam: x}]\n")
    home = HomeSection(file=str(tmp_path / "home.yaml"))
    good = Settings(hub=HubSection(state_dir=str(tmp_path)), home=home)
    text = f'[home]\nfile = "{good.home.file}"\n[hub]\nstate_dir = "{tmp_path}"\n'
    (tmp_path / "hub.toml").write_text(text)
    found = await examine(tmp_path / "hub.toml")
    assert "missing" in [finding.state for finding in found if finding.area == "home"]


@pytest.mark.slow
def test_the_command_prints_one_object_and_its_status_is_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text(f'[hub]\nstate_dir = "{tmp_path}"\n')
    argv = [sys.executable, "-m", "antiphon_link", "doctor", "--json", "--config"]
    done = subprocess.run(
        [*argv, str(tmp_path / "hub.toml")], capture_output=True, text=True, timeout=50, check=False
    )
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["ok"] else 1)
    assert {finding["area"] for finding in told["findings"]} >= {
        "python",
        "packages",
        "broker",
        "speech to text",
        "text to speech",
        "wake word",
        "voice activity",
        "wake phrase",
        "sound",
        "state",
    }
    assert all(f["remedy"] for f in told["findings"] if f["state"] == "missing")


def test_opus_is_never_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.examine_opus().state == "ok"
    monkeypatch.setattr(
        machine, "missing", lambda: CodecMissingError("it is not here", "apt install libopus0")
    )
    finding = machine.examine_opus()
    assert (finding.state, finding.remedy) == ("note", "apt install libopus0")
    assert finding.detail == "audio travels as PCM (it is not here)"
