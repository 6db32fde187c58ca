"""axe looks at every page of a running console, its doors too: light, dark, phone and desktop."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support import node
from tests.support.chromium import Page, chromium
from tests.support.console_shots import PATHS, WIDTHS, arrived, overflowing, violations
from tests.support.console_world import PASSWORD
from tests.support.house import House, open_house, satellite_settings
from tests.system.test_console_first_evening import CONSOLE, address, filled, token

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(300)]


WITH_A_WORKER = {"workers": {"stt": ["fake"], "tts": ["fake"], "wake": ["fake"], "vad": "fake"}}


async def wrong_at(page: Page, axe: str) -> list[Any]:
    """Return what is wrong with the page that is shown, in each width and light."""
    wrong: list[Any] = []
    for width in (WIDTHS[0], WIDTHS[-1]):
        for dark in (False, True):
            await page.size(width, 900, dark=dark)
            if await overflowing(page):
                wrong.append(f"wider than its {width} pixels")
            found = await violations(page, axe)
            wrong += [{"width": width, "dark": dark, **one} for one in found]
    return wrong


async def with_a_satellite(house: House, folder: Path) -> None:
    """Have a satellite join: one that would hear a wake word, had it a microphone."""
    settings = satellite_settings(house.address, "kitchen")
    settings["satellite"] = {"id": "kitchen", "room": "kitchen", "state_dir": str(folder / "sat")}
    settings["wake"] = {"mode": "local"}
    await house.program("satellite", "--config", house.config("satellite", settings))


async def test_no_page_has_a_serious_violation(tmp_path: Path) -> None:
    axe = await asyncio.to_thread(node.file_of("axe-core", "axe.min.js").read_text, "utf-8")
    wrong: dict[str, Any] = {}
    async with (
        open_house(tmp_path, {**WITH_A_WORKER, **CONSOLE}) as house,
        chromium(tmp_path) as page,
    ):
        await with_a_satellite(house, tmp_path)
        console = address(house)
        await page.open(f"{console}/setup")
        wrong["/setup"] = await wrong_at(page, axe)
        owner = {"name": "Mira", "password": PASSWORD, "again": PASSWORD}
        await filled(page, "form", token=token(house), **owner)
        await arrived(page, "document.querySelector('.steps') !== null")
        counts = "fetch('/api/v1/satellites/kitchen/settings').then((told) => told.json())"
        await page.until(f"{counts}.then((told) => Boolean(told.counts))")
        for path in PATHS:
            await page.open(console + path)
            wrong[path] = await wrong_at(page, axe)
        await page.open(f"{console}/engines")
        await page.run("document.querySelector('[action$=speak]').requestSubmit()")
        await page.until("document.querySelector('#spoken audio') !== null")
        wrong["a voice that has spoken"] = await wrong_at(page, axe)
        await page.open(f"{console}/satellites/kitchen")
        assert await page.run("document.querySelector('[data-scores]').checkVisibility()")
        await page.run("document.querySelector('main').append(new Image()); true")
        assert [one["rule"] for one in await violations(page, axe)] == ["image-alt"]
        await page.run("document.querySelector('[action=\"/sign-out\"]').requestSubmit()")
        await arrived(page, "location.pathname === '/sign-in'")
        wrong["/sign-in"] = await wrong_at(page, axe)
    assert not {path: found for path, found in wrong.items() if found}
