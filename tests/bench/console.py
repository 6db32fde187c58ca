"""What open console pages cost a turn, and how soon a page is there.

A real hub with its own Mosquitto and a console; commands come over MQTT as `ask/intent`, a round
with no page open and a round with all of them. The pages are followers of the live stream on real
connections; a turn's time is its whole way through the hub. The first paint is Chromium's own
figure.
"""

import argparse
import asyncio
import contextlib
import json
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from antiphon_hub.web.assets import Assets
from antiphon_link.link import Envelope, Link
from antiphon_protocol.messages.ask import AskIntent
from antiphon_protocol.messages.event import Event, TurnEnded
from antiphon_protocol.topics import ASK_INTENT, EVENT
from tests.bench._timing import spread
from tests.support.chromium import chromium
from tests.support.console_shots import signed_in
from tests.support.console_world import PASSWORD
from tests.support.house import WITHOUT_WORKER, House

COMMANDS = ("turn on the kitchen light", "turn off the kitchen light")


PAUSE_S = 0.2
"""People do not speak all the time: each turn has news of its own for the pages."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options."""
    parser.add_argument("--viewers", type=int, default=100, help="open pages (default 100)")
    parser.add_argument("--turns", type=int, default=100, help="turns a round (default 100)")
    parser.add_argument("--rounds", type=int, default=4, help="rounds of each kind (default 4)")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure, and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder), arguments))


async def _measured(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    house = House(folder, {**WITHOUT_WORKER, "console": {"listen": "127.0.0.1:0"}})
    try:
        await house.open()
        address, cookie = await _owner(house)
        alone: list[float] = []
        watched: list[float] = []
        link = Link(house._resolve, client_id="bench-console")
        asker = _Asker(link)
        async with house.running(link):
            await asker.turns(10)
            for _ in range(arguments.rounds):
                alone += await asker.turns(arguments.turns)
                async with _viewers(address, cookie, arguments.viewers) as seen:
                    watched += await asker.turns(arguments.turns)
                    updates = sum(seen)
        paint = await _first_paint(folder, address)
    finally:
        await house.close()
    without, with_pages = spread(alone), spread(watched)
    return {
        "viewers": arguments.viewers,
        "turn_ms_without": without,
        "turn_ms_with": with_pages,
        "p50_change_percent": round(100 * (with_pages["p50"] / without["p50"] - 1), 1),
        "bytes_sent_to_pages": updates,
        "assets_bytes_compressed": Assets().packed_bytes,
        **paint,
    }


async def _owner(house: House) -> tuple[str, str]:
    address = str(json.loads((house.state_dir / "hub.json").read_text())["console"])
    found = re.search(r"\b(?:[a-z0-9]{4}-){3}[a-z0-9]{4}\b", house.hub.log)
    assert found is not None, house.hub.log
    form = {"token": found[0], "name": "Mira", "password": PASSWORD, "again": PASSWORD}
    async with httpx.AsyncClient(base_url=address, headers={"Origin": address}) as client:
        await client.post("/setup", data=form)
        return address, client.cookies["antiphon"]


class _Asker:
    """Asks the house to do things, one after the other."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._over: asyncio.Queue[TurnEnded] = asyncio.Queue()
        link.on(EVENT, self._take, kind="turn-ended")

    def _take(self, event: Event, _: Envelope) -> None:
        assert isinstance(event, TurnEnded)
        assert event.outcome == "answered", event
        self._over.put_nowait(event)

    async def turns(self, count: int) -> list[float]:
        """Return how long each took, by the hub's own clock: we are busy with pages ourselves."""
        took = []
        for number in range(count):
            request = AskIntent(text=COMMANDS[number % 2], room="kitchen")
            await self._link.send(ASK_INTENT, request)
            async with asyncio.timeout(10):
                took.append((await self._over.get()).timings["total"])
            await asyncio.sleep(PAUSE_S)
        return took


@contextlib.asynccontextmanager
async def _viewers(address: str, cookie: str, count: int) -> AsyncIterator[list[int]]:
    """Follow the live stream on so many connections inside the block; tells the bytes of each."""
    host, port = address.removeprefix("http://").split(":")
    seen = [0] * count
    here = [asyncio.Event() for _ in range(count)]

    async def follow(number: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"GET /live HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: antiphon={cookie}\r\n\r\n"
        writer.write(head.encode())
        try:
            while data := await reader.read(65536):
                seen[number] += len(data)
                here[number].set()
        finally:
            writer.close()

    tasks = [asyncio.create_task(follow(number)) for number in range(count)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(one.wait() for one in here))
    try:
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first_paint(folder: Path, address: str) -> dict[str, Any]:
    async with chromium(folder) as page:
        await signed_in(page, address, "Mira", PASSWORD)
        await page.open(f"{address}/")
        entry = "performance.getEntriesByName('first-contentful-paint')[0]"
        await page.until(f"{entry} !== undefined")
        paint = await page.run(f"{entry}.startTime")
        size = await page.run(
            "performance.getEntriesByType('resource').reduce((all, one) =>"
            " all + (one.encodedBodySize || 0), 0)"
        )
        return {"first_paint_ms": round(float(paint), 1), "page_asset_bytes": int(size)}
