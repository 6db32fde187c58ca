"""The systemd units, judged by systemd's own tools, and the programs that they start."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
PROGRAMS = ("hub", "worker", "satellite")
EXPOSURE_MAX = {"hub": 1.1, "worker": 1.1, "satellite": 1.6}
"""What `systemd-analyze security` may say, 0 (sealed) to 10 (open); 252 says 1.1, 1.1 and 1.5."""

ANALYZE = shutil.which("systemd-analyze")

pytestmark = pytest.mark.skipif(
    ANALYZE is None and "CI" not in os.environ,
    reason="systemd-analyze is not installed: apt install systemd",
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None, "apt install systemd"
    return subprocess.run(
        [ANALYZE, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def settings(program: str) -> dict[str, str]:
    text = (UNITS / f"antiphon-{program}.service").read_text()
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with a program that exists here where /opt/antiphon would be."""
    for program in PROGRAMS:
        name = f"antiphon-{program}.service"
        text = (UNITS / name).read_text()
        assert "ExecStart=/opt/antiphon/bin/antiphon " in text
        (tmp_path / name).write_text(text.replace("/opt/antiphon/bin/antiphon", sys.executable))
    return tmp_path


@pytest.mark.parametrize("program", PROGRAMS)
def test_systemd_finds_nothing_to_complain_of(program: str, installed: Path) -> None:
    result = analyze("verify", "--man=no", str(installed / f"antiphon-{program}.service"))
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_service_is_sealed(program: str, installed: Path) -> None:
    result = analyze(
        "security",
        "--offline=true",
        f"--threshold={round(EXPOSURE_MAX[program] * 10)}",
        str(installed / f"antiphon-{program}.service"),
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_unit_keeps_the_promises_of_the_program(program: str) -> None:
    unit = settings(program)
    assert unit["ExecStart"].split()[1] == program
    assert unit["Type"] == "notify"
    assert unit["Restart"] == "on-failure"
    assert int(unit["WatchdogSec"]) > 0
    assert int(unit["TimeoutStopSec"]) <= 5
    assert unit["StateDirectory"] == f"antiphon-{program}"
    assert unit["User"] == "antiphon"


def test_only_the_satellite_reaches_sound_cards() -> None:
    assert settings("satellite")["DeviceAllow"] == "char-alsa rw"
    assert settings("satellite")["SupplementaryGroups"] == "audio"
    for program in ("hub", "worker"):
        assert "DeviceAllow" not in settings(program)
        assert settings(program)["PrivateDevices"] == "yes"


def test_the_account_is_the_one_that_is_installed() -> None:
    assert re.search(r"^u antiphon ", (UNITS / "antiphon.sysusers.conf").read_text(), re.MULTILINE)
