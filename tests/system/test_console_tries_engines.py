"""Real engines in the console: the microphone of a browser, a voice from a file, a choice."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from antiphon_engines.resample import Resampler
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.wav import write_wav
from antiphon_tools.speech import say
from tests.support.chromium import Page, chromium
from tests.support.console_shots import arrived
from tests.support.console_world import PASSWORD
from tests.support.house import House, a_voice, open_house
from tests.support.piper_voice import make_voice
from tests.support.waiting import eventually
from tests.system.test_console_first_evening import CONSOLE, address, filled, token

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(300)]

TEXT = "turn on the kitchen light"
RATE_HZ = 44_100
"""Of a recording that somebody chooses; the browser converts it."""
LONG = "One thing after the other, and nothing is lost on the way. " * 3
SPEAK = """async (text) => (await fetch("/api/v1/engines/speak", {
    method: "POST",
    headers: {"Content-Type": "application/json", "X-CSRF": document.body.dataset.csrf},
    body: JSON.stringify({text, engine: "flite"}),
})).text()"""


@asynccontextmanager
async def owned(
    folder: Path, microphone: Path, settings: Mapping[str, Any] = CONSOLE
) -> AsyncIterator[tuple[House, Page, str]]:
    """Have a house, and a browser of its owner that has a microphone, inside the block."""
    async with open_house(folder, settings) as house, chromium(folder, microphone) as page:
        console = address(house)
        await page.allow_microphone()
        await page.open(f"{console}/setup")
        owner = {"name": "Mira", "password": PASSWORD, "again": PASSWORD}
        await filled(page, "form", token=token(house), **owner)
        await arrived(page, "document.querySelector('.steps') !== null")
        yield house, page, console


def spoken(folder: Path) -> Path:
    """Return what the browser's microphone hears: quiet, a command, quiet."""
    path, quiet = folder / "microphone.wav", bytes(2 * SAMPLE_RATE_HZ)
    path.write_bytes(write_wav(quiet + say(TEXT, a_voice()) + 20 * quiet))
    return path


async def chosen_files(page: Page, selector: str, *files: Path) -> None:
    """Choose files in a field, as a person does."""
    root = await page.call("DOM.getDocument")
    node = await page.call("DOM.querySelector", nodeId=root["root"]["nodeId"], selector=selector)
    await page.call(
        "DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(one) for one in files]
    )


async def said(page: Page, text: str) -> None:
    """Wait until the page has said this in a toast."""
    await page.until(
        f"document.querySelector('#say').textContent.includes({json.dumps(text)})", 120
    )


async def test_the_microphone_of_the_test_box_tells_what_it_hears(tmp_path: Path) -> None:
    async with owned(tmp_path, spoken(tmp_path)) as (house, page, console), house.facts() as facts:
        await page.open(f"{console}/sentences")
        await page.run("document.querySelector('[action$=hear] [name=room]').value = 'kitchen'")
        await page.click("[data-record]")
        await page.until("document.title.startsWith('● Recording')")
        await page.until("document.querySelector('#reading .good') !== null", 90)
        assert await page.text("#reading .call") == TEXT
        assert "Turn on" in await page.text("#reading")
        assert "% sure" in await page.text("#reading")
        assert not await page.run("document.title.startsWith('●')")
        assert not facts.events, "nothing was done"

        await page.open(f"{console}/engines")
        recording = tmp_path / "any.wav"
        faster = Resampler(SAMPLE_RATE_HZ, RATE_HZ).feed(say(TEXT, a_voice()), last=True)
        await asyncio.to_thread(recording.write_bytes, write_wav(faster, RATE_HZ))
        await chosen_files(page, "[name=wav]", recording)
        await page.until("document.querySelector('[name=wav]').files[0]?.name === 'recording.wav'")
        await page.run("document.querySelector('[action$=hear]').requestSubmit()")
        await page.until("document.querySelector('#heard .call') !== null", 90)
        assert await page.text("#heard .call") == TEXT
        assert not [one for one in page.console if "Content Security" in one or "xception" in one]


async def test_a_voice_from_a_file_speaks_and_takes_over_without_a_loss(tmp_path: Path) -> None:
    folder = tmp_path / "voice"
    folder.mkdir()
    voice = make_voice(folder)
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(damaged, "w") as archive:
        archive.write(voice.with_suffix(".onnx.json"), "tiny.onnx.json")
        # Whole as a file, and yet no network that could speak.
        archive.writestr("tiny.onnx", bytes([0x08, 9, 0x3A, 2, 0, 0]))
    light = {"stt": ["fake"], "tts": ["flite"], "wake": ["fake"], "vad": "fake"}
    settings = {**CONSOLE, "workers": light}
    async with owned(tmp_path, spoken(tmp_path), settings) as (house, page, console):
        await page.open(f"{console}/engines")
        await chosen_files(page, "[name=file]", damaged)
        await page.run("document.querySelector('[action=\"/install\"]').requestSubmit()")
        await said(page, "nothing has changed")
        assert list((house.state_dir / "models").iterdir()) == []

        await chosen_files(page, "[name=file]", voice, voice.with_suffix(".onnx.json"))
        await page.run("document.querySelector('[action=\"/install\"]').requestSubmit()")
        await said(page, "is installed, for piper")
        (before,) = house.worker_pids()
        # The old worker speaks for ten seconds, and is replaced meanwhile.
        await page.run(f"window.meanwhile = ({SPEAK})({json.dumps(LONG)}); true")
        choose = "[action$='engines.choose']"
        await page.run(f"document.querySelector(\"{choose} [name=tts]\").value = 'piper:tiny'")
        await page.run(f'document.querySelector("{choose}").requestSubmit()')
        await said(page, "count from the next command on")
        (spoken_meanwhile,) = json.loads(await page.run("window.meanwhile"))["spoken"]
        assert (spoken_meanwhile["error"], spoken_meanwhile["seconds"] > 8) == ("", True)
        await eventually(lambda: before not in house.worker_pids(), 60)
        assert len(house.worker_pids()) == 1

        await page.open(f"{console}/engines")
        await page.run("document.querySelector('[action$=speak] [name=engine]').value = 'piper'")
        await page.run("document.querySelector('[action$=speak]').requestSubmit()")
        await page.until("document.querySelector('#spoken audio') !== null", 60)
        sound = "document.querySelector('#spoken audio')"
        await page.run(f"{sound}.load(); {sound}.preload = 'auto'; true")
        await page.until(f"{sound}.duration > 1")
        assert "Remove" not in await page.text(".things"), "what is in use stays"
        assert not [one for one in page.console if "Content Security" in one or "xception" in one]
