"""`antiphon skills`: what the hub would use, and what is wrong with the rest."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from antiphon_tools.commands.skills import app

GOOD = """
class skill:
    intents = {"SayGood"}
    def __init__(self, house): pass
    async def do(self, request): pass
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Have a settings file that names a folder of skills."""
    (tmp_path / "skills").mkdir()
    file = tmp_path / "hub.toml"
    file.write_text(f'[hub]\nstate_dir = "{tmp_path}"\n[skills]\ndir = "{tmp_path / "skills"}"\n')
    return file


@pytest.fixture(autouse=True)
def logs_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what the command does to the logs of its process."""
    monkeypatch.setattr("antiphon_tools.commands.skills.logging.disable", lambda: None)


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments))


def test_what_is_used_and_what_is_wrong(config: Path) -> None:
    folder = config.with_name("skills")
    (folder / "good.py").write_text(GOOD)
    assert run("--config", str(config)).exit_code == 0
    (folder / "bad.py").write_text("1 / 0")
    result = run("--config", str(config), "--json")
    assert result.exit_code == 1
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"name": "good", "from": str(folder / "good.py"), "intents": ["SayGood"], "wrong": ""},
        {
            "name": "bad",
            "from": str(folder / "bad.py"),
            "intents": [],
            "wrong": "ZeroDivisionError: division by zero",
        },
    ]
    assert "division by zero" in run("--config", str(config)).stdout


def test_none_says_where_to_read_on(config: Path) -> None:
    result = run("--config", str(config))
    assert (result.exit_code, "docs/skills.md" in result.stdout) == (0, True)


def test_a_bad_settings_file_is_told(tmp_path: Path) -> None:
    result = run("--config", str(tmp_path / "absent.toml"))
    assert (result.exit_code, "absent.toml" in result.stderr) == (1, True)
