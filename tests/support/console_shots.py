"""Looks at every page of a running console: screenshots at three widths, light and dark, and axe.

    python -m tests.support.console_shots http://127.0.0.1:8123 NAME PASSWORD FOLDER [--axe FILE]

`npm pack axe-core` brings axe; without it only pictures are taken. Prints one JSON object.
"""

import argparse
import asyncio
import json
import re
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.support.chromium import START_S, Page, chromium

WIDTHS: Final = (390, 820, 1360)
PATHS: Final = (
    *(
        "/",
        "/conversations",
        "/satellites",
        "/satellites/kitchen",
        "/rooms/kitchen",
        "/timers",
        "/announce",
    ),
    *("/sentences", "/home", "/engines", "/system", "/people", "/nothing-here"),
)
SERIOUS: Final = ("serious", "critical")


async def signed_in(page: Page, address: str, name: str, password: str) -> None:
    """Sign in as a person does."""
    await page.open(f"{address}/sign-in")
    for field, text in (("name", name), ("password", password)):
        await page.run(f"document.querySelector('[name={field}]').value = {json.dumps(text)}")
    await page.run("document.querySelector('form').requestSubmit()")
    await arrived(page, "location.pathname !== '/sign-in'")


async def arrived(page: Page, condition: str) -> None:
    """Return once this is true on the page that the browser goes to: it asks page after page."""
    async with asyncio.timeout(START_S):
        while True:
            try:
                if await page.run(f"document.readyState === 'complete' && ({condition})"):
                    return
            except AssertionError:  # between two pages there is none to ask
                pass
            await asyncio.sleep(0.05)


async def shot(page: Page, file: Path, width: int, *, dark: bool) -> None:
    """Take a picture of the whole page."""
    await page.size(width, 900, dark=dark)
    height = await page.run("Math.min(4000, document.documentElement.scrollHeight)")
    await page.size(width, max(700, int(height)), dark=dark)
    picture = await page.screenshot()
    await asyncio.to_thread(file.write_bytes, picture)


async def overflowing(page: Page) -> bool:
    """Tell whether the page is wider than its window."""
    return bool(await page.run("document.documentElement.scrollWidth > innerWidth + 1"))


async def violations(page: Page, axe: str) -> list[dict[str, Any]]:
    """Return what axe finds serious, by rule, with the elements."""
    await page.run(axe + "; true")
    found = json.loads(await page.run("axe.run().then((all) => JSON.stringify(all.violations))"))
    return [
        {"rule": one["id"], "where": [node["html"][:160] for node in one["nodes"]][:4]}
        for one in found
        if one["impact"] in SERIOUS
    ]


async def looked(
    address: str, name: str, password: str, folder: Path, axe: str = ""
) -> dict[str, Any]:
    """Look at every page; returns what is wrong with each."""
    with tempfile.TemporaryDirectory() as profile:
        return await _looked(Path(profile), address, name, password, folder, axe)


async def _looked(  # noqa: PLR0917 - it is called once
    profile: Path, address: str, name: str, password: str, folder: Path, axe: str
) -> dict[str, Any]:
    wrong: dict[str, Any] = {}
    pictures = 0
    async with chromium(profile) as page:
        await signed_in(page, address, name, password)
        first = await page.run("document.querySelector('.talk')?.pathname || ''")
        for path in PATHS:
            await page.open(address + path)
            if path == "/conversations":
                first = await page.run("document.querySelector('.talk')?.pathname || ''")
            pictures += await _page(page, path, folder, axe, wrong)
        if first:
            await page.open(address + first)
            pictures += await _page(page, "/conversation", folder, axe, wrong)
        complaints = [one for one in page.console if "Content Security" in one or "Error" in one]
    return {"pictures": pictures, "wrong": wrong, "complaints": complaints}


async def _page(page: Page, path: str, folder: Path, axe: str, wrong: dict[str, Any]) -> int:
    name = re.sub(r"\W+", "-", path).strip("-") or "rooms"
    for width in WIDTHS:
        for dark in (False, True):
            await shot(
                page, folder / f"{name}-{width}{'-dark' if dark else ''}.png", width, dark=dark
            )
            if await overflowing(page):
                wrong.setdefault(f"{path} at {width}", []).append("wider than its window")
            if axe and width != WIDTHS[1] and (found := await violations(page, axe)):
                wrong.setdefault(f"{path} at {width}{' dark' if dark else ''}", []).extend(found)
    return 2 * len(WIDTHS)


def main() -> None:
    """Look, and say what is wrong."""
    parser = argparse.ArgumentParser()
    for name in ("address", "name", "password", "folder"):
        parser.add_argument(name)
    parser.add_argument("--axe", default="")
    given = parser.parse_args()
    axe = Path(given.axe).read_text(encoding="utf-8") if given.axe else ""
    Path(given.folder).mkdir(parents=True, exist_ok=True)
    found = asyncio.run(looked(given.address, given.name, given.password, Path(given.folder), axe))
    print(json.dumps(found, indent=1))  # noqa: T201 - that is what it is for


if __name__ == "__main__":
    main()
