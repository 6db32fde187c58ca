"""`antiphon devices` beside no hub, a wrong one, and one that runs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from antiphon_hub.commands.devices import app
from antiphon_hub.gate import Gate
from antiphon_hub.settings import HubSection, Settings


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """Of a hub that ran once."""
    gate = Gate(Settings(hub=HubSection(state_dir=str(tmp_path))), tmp_path)
    gate.open(lambda: None)
    gate.close()
    return tmp_path


def run(state_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--state-dir", str(state_dir)])


@pytest.mark.parametrize("arguments", [["list"], ["pair"], ["revoke", "x"], ["add", "x"]])
def test_where_no_hub_has_run_nothing_is_made(tmp_path: Path, arguments: list[str]) -> None:
    result = run(tmp_path, *arguments)
    assert result.exit_code == 1
    assert "no hub has run on" in result.output
    assert list(tmp_path.iterdir()) == []


def test_pairing_needs_a_hub_that_runs(state_dir: Path) -> None:
    result = run(state_dir, "pair", "47829131")
    assert result.exit_code == 1
    assert "nobody would let it in" in result.output


def test_another_account_is_told_whose_files_these_are(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    result = run(state_dir, "list")
    assert result.exit_code == 1
    assert "sudo -u" in result.output


def test_a_program_gets_an_account_and_loses_it(state_dir: Path) -> None:
    assert "No device is paired yet" in run(state_dir, "list").output
    added = run(state_dir, "add", "zigbee2mqtt", "--topic", "zigbee2mqtt/#")
    assert added.exit_code == 0
    assert "username: anyone-zigbee2mqtt\npassword: " in added.output
    assert "zigbee2mqtt/#" in run(state_dir, "list").output
    wrong = run(state_dir, "add", "eve", "--topic", "#")
    assert wrong.exit_code == 1
    assert "reaches into topics of the house" in wrong.output
    assert run(state_dir, "revoke", "anyone-zigbee2mqtt").exit_code == 0
    again = run(state_dir, "revoke", "anyone-zigbee2mqtt")
    assert again.exit_code == 1
    assert "there are: none" in again.output


def test_what_a_broker_of_ones_own_needs_is_told(state_dir: Path) -> None:
    result = run(state_dir, "export")
    assert f"acl_file {state_dir}/identity/devices.acl" in result.output
    assert (state_dir / "identity" / "devices.acl").read_text().startswith("# Written by the hub")
