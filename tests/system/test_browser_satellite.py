"""The browser satellite in Debian's Chromium, against a real house: speech in, spoken reply out."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from antiphon_engines.resample import Resampler
from antiphon_engines.stt.pocketsphinx import PocketsphinxEngine
from antiphon_engines.stt.port import SttContext
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.event import TurnEnded
from antiphon_protocol.wav import write_wav
from antiphon_tools.speech import say
from tests.support.browser_page import Console
from tests.support.chromium import Page, chromium
from tests.support.house import Facts, a_voice, open_house
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

LEAD_S = 12
"""The microphone hears its file from the permission on; the page connects and is pressed in it."""
SETTINGS = {"listening": {"no_speech_s": 20.0, "limit_s": 30.0}}
REPLIES = ("the kitchen light is on", "the hall light is on", "it's ten o'clock", "okay i won't")


def microphone(folder: Path, text: str) -> Path:
    """Return a WAV file with silence, a command and silence."""
    path = folder / "microphone.wav"
    spoken = bytes(2 * LEAD_S * SAMPLE_RATE_HZ) + say(text, a_voice())
    path.write_bytes(write_wav(spoken + bytes(2 * 20 * SAMPLE_RATE_HZ)))
    return path


def transcribed(pcm: bytes, rate_hz: int) -> str:
    """Return which of the replies a recogniser hears in what the page played."""
    grammar = f"#JSGF V1.0;\ngrammar replies;\npublic <reply> = {' | '.join(REPLIES)};\n"
    engine = PocketsphinxEngine.from_options({})
    engine.load_context(SttContext(id="replies", language="en", grammar=grammar))
    stream = engine.open(language="en", context="replies")
    resampler = Resampler(rate_hz, SAMPLE_RATE_HZ)
    stream.feed(resampler.feed(pcm, last=True))
    best = stream.finish().best
    engine.close()
    return best.text if best else ""


@asynccontextmanager
async def satellite(page: Page, console: Console, room: str = "kitchen") -> AsyncIterator[Page]:
    """Have the page started in that room inside the block."""
    async with console.serving():
        await page.open(console.url)
        await page.run(f"document.querySelector('#room').value = {room!r}")
        await page.click("#start")
        try:
            yield page
        except BaseException:
            print(*page.console, sep="\n")  # noqa: T201 - what the page said explains the failure
            raise


async def test_a_spoken_command_is_answered_aloud(tmp_path: Path) -> None:
    wav = microphone(tmp_path, "turn on the kitchen light")
    async with (
        open_house(tmp_path, SETTINGS) as house,
        house.facts() as facts,
        chromium(tmp_path, wav) as page,
        satellite(page, Console(lambda: house.broker)),
    ):
        await page.until("document.body.dataset.state === 'idle'")
        await page.until("document.body.dataset.microphone === 'open'")
        await page.click("#talk")
        await page.until("document.body.dataset.microphone === 'recording'")
        assert await page.text("#microphone") == "Microphone on: recording"
        (turn,) = await eventually(lambda: ended(facts), 60)
        assert (turn.outcome, turn.intent) == ("answered", "HassTurnOn"), turn
        assert turn.transcript == "turn on the kitchen light"
        await page.until("document.body.dataset.state === 'idle'")
        rate_hz, pcm = await page.recorded()
        assert words_of(turn.reply) == transcribed(pcm, rate_hz), turn.reply
        assert not [line for line in page.console if "exception" in line.lower()]


def ended(facts: Facts) -> list[TurnEnded]:
    return [event for event in facts.events if isinstance(event, TurnEnded)]


def words_of(reply: str) -> str:
    return " ".join(re.findall(r"[a-z']+", reply.lower()))
