"""The browser satellite in Debian's Chromium, against a real house: speech in, spoken reply out."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from antiphon_engines.resample import Resampler
from antiphon_engines.stt.pocketsphinx import PocketsphinxEngine
from antiphon_engines.stt.port import SttContext
from antiphon_link.broker import BrokerAddress
from antiphon_link.link import Link
from antiphon_protocol.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, AudioFrame
from antiphon_protocol.messages.event import TurnEnded
from antiphon_protocol.messages.presence import Welcome
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.topics import HUB_PRESENCE, SATELLITE_AUDIO, SATELLITE_WAKE
from antiphon_protocol.version import OURS
from antiphon_protocol.wav import write_wav
from antiphon_tools.speech import say
from tests.support.browser_page import Console
from tests.support.chromium import Page, chromium
from tests.support.house import WITHOUT_WORKER, Facts, House, a_voice, open_house
from tests.support.mosquitto import Broker, mosquitto
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

PASSWORD = "four words put together"  # noqa: S105 - of a house that lives for a minute
REPLIES = ("the kitchen light is on", "the hall light is on", "it's ten o'clock", "okay i won't")


def microphone(folder: Path, pcm: bytes) -> Path:
    """Return a WAV file that the page's microphone hears once, from the moment it is opened."""
    path = folder / "microphone.wav"
    path.write_bytes(write_wav(bytes(2 * SAMPLE_RATE_HZ) + pcm + bytes(2 * 20 * SAMPLE_RATE_HZ)))
    return path


def transcribed(rate_hz: int, pcm: bytes) -> str:
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


async def start(page: Page, url: str, room: str) -> None:
    """Open the satellite's page and start it; returns once the hub is there."""
    await page.allow_microphone()
    await page.open(url)
    await page.run(f"document.querySelector('#room').value = {room!r}")
    await page.click("#start")
    try:
        await page.until("document.body.dataset.state === 'idle'")
    except TimeoutError:
        pytest.fail("\n".join([await page.text("#headline"), *page.console]))


@asynccontextmanager
async def satellite(page: Page, console: Console) -> AsyncIterator[Page]:
    """Have the page started, and the hub there, inside the block."""
    async with console.serving():
        await start(page, console.url, "kitchen")
        yield page


def console_of(house: House) -> str:
    """Return where a house's console is, without a slash at the end."""
    facts = json.loads((house.state_dir / "hub.json").read_text("utf-8"))
    return str(facts["console"]).rstrip("/")


async def become_owner(page: Page, house: House, url: str) -> None:
    """Go through a console's first steps, with the token that the hub shows."""
    shown = re.search(r"type in this token:\s+(\S+)", house.hub.log)
    assert shown is not None, house.hub.log
    await page.open(url)
    fields = {"token": shown[1], "name": "Ada", "password": PASSWORD, "again": PASSWORD}
    for name, value in fields.items():
        await page.run(f"document.querySelector('[name={name}]').value = {value!r}")
    await page.run("document.querySelector('button.main').click()")
    await page.until("document.querySelector('nav') !== null")


async def test_from_an_empty_hub_to_a_spoken_answer(tmp_path: Path) -> None:
    text = "turn on the kitchen light"
    async with (
        open_house(tmp_path, {"console": {"listen": "127.0.0.1:0"}}) as house,
        house.facts() as facts,
        chromium(tmp_path, microphone(tmp_path, say(text, a_voice()))) as page,
    ):
        url = console_of(house)
        await become_owner(page, house, url)
        await start(page, f"{url}/satellite/", "kitchen")
        assert await page.text("#microphone") == "Microphone off"
        await page.click("#talk")
        await page.until("document.body.dataset.microphone === 'recording'")
        assert await page.text("#microphone") == "● Recording"
        (turn,) = await eventually(lambda: ended(facts), 60)
        assert (turn.outcome, turn.intent) == ("answered", "HassTurnOn"), turn
        assert turn.transcript == text
        await page.until("document.body.dataset.state === 'idle'")
        assert transcribed(*await page.recorded()) == words_of(turn.reply)
        assert not [line for line in page.console if "exception" in line.lower()]

        await page.open(f"{url}/conversations/{turn.turn}")
        trace = await page.text("main")
        assert "Answered" in trace
        assert "Turn on" in trace


async def test_listening_all_the_time_calls_when_a_voice_is_heard(tmp_path: Path) -> None:
    calls: list[WakeHeard] = []
    frames: list[AudioFrame] = []
    async with (
        mosquitto(tmp_path) as broker,
        a_hub(broker, calls, frames),
        chromium(tmp_path, microphone(tmp_path, say("hello there", a_voice()))) as page,
        satellite(page, Console(lambda: broker.address)),
    ):
        await page.click("#always")
        (call,) = await eventually(lambda: calls, 30)
        assert (call.cause, call.level_dbfs > call.noise_dbfs + 9) == ("voice", True), call
        first = (await eventually(lambda: frames, 30))[0]
        assert (first.sequence, first.samples) == (0, FRAME_SAMPLES)
        assert SAMPLE_RATE_HZ <= call.end <= 2 * SAMPLE_RATE_HZ, "the silence before it, too"


async def test_the_page_finds_back_by_itself(tmp_path: Path) -> None:
    async with (
        open_house(tmp_path, WITHOUT_WORKER) as house,
        chromium(tmp_path) as page,
    ):
        console = Console(lambda: house.broker)
        async with satellite(page, console):
            await house.hub.end()
            await page.until("document.querySelector('#headline').textContent === 'No connection'")
            await house.open(house.broker.port)
            await page.until("document.body.dataset.state === 'idle'")

            console.signed_in = False
            await page.until("document.querySelector('#headline').textContent === 'Signed out'")
            assert await page.run("document.querySelector('#sign-in').hidden") is False
            console.signed_in = True
            await page.until("document.body.dataset.state === 'idle'")


async def test_a_microphone_that_is_denied_is_told(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        chromium(tmp_path, flags=["--deny-permission-prompts"], allow=False) as page,
        Console(lambda: broker.address).serving() as console,
    ):
        await page.open(console.url)
        await page.run("document.querySelector('#room').value = 'hall'")
        await page.click("#start")
        await page.until("document.body.dataset.microphone === 'trouble'")


@asynccontextmanager
async def a_hub(
    broker: Broker, calls: list[WakeHeard], frames: list[AudioFrame]
) -> AsyncIterator[None]:
    """Have a hub at the broker that is there and does nothing, inside the block."""

    async def resolve() -> BrokerAddress:
        return broker.address

    link = Link(resolve, client_id="hub-test")
    link.on(SATELLITE_WAKE, lambda call, _: calls.append(call))
    link.on(SATELLITE_AUDIO, lambda frame, _: frames.append(frame))
    task = asyncio.create_task(link.run())
    try:
        await link.wait_connected()
        welcome = Welcome(hub="test", epoch=1, site="Home", protocol=OURS, software="test")
        await link.send(HUB_PRESENCE, welcome)
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def ended(facts: Facts) -> list[TurnEnded]:
    return [event for event in facts.events if isinstance(event, TurnEnded)]


def words_of(reply: str) -> str:
    return " ".join(re.findall(r"[a-z']+", reply.lower()))
