"""Debian's Chromium without a screen, spoken to over its DevTools protocol.

Its microphone is a WAV file; what its page plays is recorded where it leaves the audio graph.
"""

import asyncio
import base64
import http.client
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.waiting import eventually

START_S: Final = 40.0
RECORDER: Final = Path(__file__).with_name("chromium_recorder.js")


def needed() -> str:
    """Return Chromium's path; without it the test is skipped, and fails in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed: apt install chromium")
        pytest.skip("chromium is not installed: apt install chromium")
    return found


class DevToolsError(AssertionError):
    """The browser could not do what it was told."""


class Page:
    """One page of a browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded: set[str] = set()
        """Documents whose load event has fired, by the browser's name for them."""
        self.console: list[str] = []
        """What the page wrote to its console, and errors that nobody caught."""

    async def listen(self) -> None:
        """Take in what the browser says, until it ends."""
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            elif message["method"] == "Page.lifecycleEvent":
                if message["params"]["name"] == "load":
                    self._loaded.add(message["params"]["loaderId"])
            elif message["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                self.console.append(json.dumps(message["params"])[:2000])

    async def prepare(self) -> None:
        """Have every page tell what happens on it, and record what it plays."""
        await self.call("Page.enable")
        await self.call("Page.setLifecycleEventsEnabled", enabled=True)
        await self.call("Runtime.enable")
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=RECORDER.read_text("utf-8"))

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a DevTools method."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        message = await answer
        if "result" not in message:
            raise DevToolsError(message)
        result: dict[str, Any] = message["result"]
        return result

    async def open(self, url: str) -> None:
        """Go to a page; returns once it is loaded."""
        document = (await self.call("Page.navigate", url=url)).get("loaderId")
        if document is not None:  # else it is the same page, at another place in it
            await eventually(lambda: document in self._loaded, START_S)

    async def run(self, script: str) -> Any:
        """Evaluate an expression as if a person had touched the page; return its value."""
        answer = await self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, condition: str, within_s: float = START_S) -> None:
        """Return once an expression is true, on this page or on one that it leads to.

        The page itself looks again and again.
        """
        async with asyncio.timeout(within_s):
            while True:
                with suppress(DevToolsError):  # the page that looked is left
                    await self.run(
                        "new Promise((resolve) => { const look = () => "
                        f"({condition}) ? resolve(true) : setTimeout(look, 20); look(); }})"
                    )
                    return
                await asyncio.sleep(0.02)

    async def text(self, selector: str) -> str:
        """Return an element's text."""
        return str(await self.run(f"document.querySelector({selector!r}).textContent.trim()"))

    async def click(self, selector: str, held_s: float = 0.0) -> None:
        """Press the mouse's button on an element for so long."""
        middle = await self.run(
            f"(() => {{ const element = document.querySelector({selector!r});"
            "element.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const box = element.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        at = {"x": middle[0], "y": middle[1], "button": "left", "clickCount": 1}
        await self.call("Input.dispatchMouseEvent", type="mousePressed", **at)
        await asyncio.sleep(held_s)
        await self.call("Input.dispatchMouseEvent", type="mouseReleased", **at)

    async def allow_microphone(self) -> None:
        """Let pages use the microphone, as a person allowed it once."""
        await self.call("Browser.grantPermissions", permissions=["audioCapture"])

    async def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Make the page so large, in light colours or dark ones."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def screenshot(self) -> bytes:
        """Return what the page looks like as a PNG file."""
        answer = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])

    async def recorded(self) -> tuple[int, bytes]:
        """Return what the page has played so far: rate in hertz, signed 16-bit mono samples."""
        rate, text = await self.run("window.recordedAudio()")
        return int(rate), base64.b64decode(text)


@asynccontextmanager
async def chromium(
    folder: Path, microphone: Path | None = None, flags: Sequence[str] = (), *, allow: bool = True
) -> AsyncIterator[Page]:
    """Have a page inside the block.

    Args:
        folder: Where the browser keeps its files.
        microphone: WAV file that the microphone hears once, from the moment it is opened.
        flags: More of Chromium's switches.
        allow: Answer the question for the microphone with yes.
    """
    profile = folder / "profile"
    audio = ["--use-fake-device-for-media-stream"]
    if allow:
        audio.append("--use-fake-ui-for-media-stream")
    if microphone is not None:
        audio.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    async with _browser(profile, folder / "chromium.log", [*audio, *flags]):
        port_file = profile / "DevToolsActivePort"
        await eventually(
            lambda: port_file.exists() and len(port_file.read_text().split()) == 2, START_S
        )
        address = await _first_page(int(port_file.read_text().split()[0]))
        async with connect(address, max_size=None) as socket:
            page = Page(socket)
            listening = asyncio.create_task(page.listen())
            try:
                await page.prepare()
                yield page
            finally:
                listening.cancel()
                await asyncio.wait([listening])


@asynccontextmanager
async def _browser(profile: Path, log_file: Path, flags: Sequence[str]) -> AsyncIterator[None]:
    """Have the process run inside the block; it dies with us."""
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(needed(), "--headless=new", "--no-sandbox", "--disable-gpu"),
            *("--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={profile}"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            "--mute-audio",
            *flags,
            "about:blank",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _first_page(port: int) -> str:
    """Return the DevTools address of the browser's first page."""
    async with asyncio.timeout(START_S):
        while True:
            for target in await asyncio.to_thread(_targets, port):
                if target["type"] == "page":
                    return str(target["webSocketDebuggerUrl"])


def _targets(port: int) -> list[dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    try:
        connection.request("GET", "/json")
        targets: list[dict[str, Any]] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return targets
