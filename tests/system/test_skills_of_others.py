"""Plug-ins in the real hub: installed and in a folder, good and bad ones side by side."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.house import WITHOUT_WORKER, open_house
from tests.system.test_house_requests import request

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "coffee-skill"
SENTENCES = "intents: {{{0}: {{data: [{{sentences: [{1}]}}]}}}}\n"
SKILL = """
import time
class skill:
    intents = {{"{0}"}}
    def __init__(self, house): pass
    def do(self, request):
        {1}
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the example's package installed for every program that is started."""
    source, site = tmp_path / "source", tmp_path / "site"
    shutil.copytree(EXAMPLE, source)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--disable-pip-version-check"),
            *("--target", str(site), str(source)),
        ],
        check=True,
    )
    monkeypatch.setenv("PYTHONPATH", str(site))


def put(folder: Path, name: str, sentence: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(SKILL.format(name.title(), body))
    (folder / f"{name}.yaml").write_text(SENTENCES.format(name.title(), sentence))


async def test_what_is_wrong_with_one_concerns_it_alone(tmp_path: Path, installed: None) -> None:
    folder = tmp_path / "skills"
    put(folder, "raising", "break yourself", "raise ValueError('inside')")
    put(folder, "hanging", "hang yourself", "time.sleep(600)")
    (folder / "broken.py").write_text("import no_such_library\n")
    settings = {**WITHOUT_WORKER, "skills": {"dir": str(folder), "timeout_s": 0.5}}
    async with open_house(tmp_path, settings) as house:
        hung = await request(house, "intent", {"text": "hang yourself"})
        raised = await request(house, "intent", {"text": "break yourself"})
        coffee = await request(house, "intent", {"text": "make me a large coffee"})
        assert (coffee["ok"], coffee["reply"]) == (True, "One large coffee, coming up.")
        assert (raised["ok"], raised["error"]) == (False, "skill-failed: Sorry, that did not work.")
        assert (hung["ok"], hung["error"]) == (False, "skill-failed: Sorry, that took too long.")
        assert await house.hub.end() == 0, "a thread that hangs does not hold up the end"
    log = house.hub.log
    assert "skill coffee (antiphon-coffee 1.0) is here" in log
    assert f"skill broken ({folder / 'broken.py'}) is not used" in log
    assert "No module named 'no_such_library'" in log
    assert "ValueError: inside" in log
