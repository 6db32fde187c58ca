"""A new owner's first evening in the browser, with the console's own script at work."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.chromium import Page, chromium
from tests.support.console_shots import arrived
from tests.support.console_world import PASSWORD
from tests.support.house import WITHOUT_WORKER, House, open_house
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

CONSOLE = {"console": {"listen": "127.0.0.1:0"}, "journal": {"keep_text": True}}
SENTENCE = """language: en
intents:
  HassTurnOn:
    data:
      - sentences:
          - "illumination please"
        slots:
          domain: light
"""


def address(house: House) -> str:
    """Return where the console is."""
    facts = json.loads((house.state_dir / "hub.json").read_text())
    return str(facts["console"])


def token(house: House) -> str:
    """Return the setup token, as a person reads it in the terminal."""
    found = re.search(r"\b[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}\b", house.hub.log)
    assert found is not None, house.hub.log
    return found[0]


async def filled(page: Page, form: str, **fields: str) -> None:
    """Fill in a form and send it, as a person does."""
    for name, value in fields.items():
        field = f"document.querySelector({f'{form} [name={name}]'!r})"
        await page.run(f"{field}.value = {json.dumps(value)}")
    await page.run(f"document.querySelector({form!r}).requestSubmit()")


async def test_a_new_owner_teaches_the_house_a_sentence(tmp_path: Path) -> None:
    async with (
        open_house(tmp_path, {**WITHOUT_WORKER, **CONSOLE}) as house,
        chromium(tmp_path) as page,
    ):
        console = address(house)
        await page.open(console)
        owner = {"name": "Mira", "password": PASSWORD, "again": PASSWORD}
        await filled(page, "form", token=token(house), **owner)
        await arrived(page, "document.querySelector('.steps') !== null")

        await page.open(f"{console}/sentences?new")
        form = "[action$='sentences.save']"
        await filled(page, form, file="my.yaml", text=SENTENCE.replace("illumination", "(("))
        await page.until("document.querySelector('.toast.bad li') !== null")
        await filled(page, form, file="my.yaml", text=SENTENCE)
        await page.until("document.querySelector('#say').textContent.includes('is saved')")
        await filled(page, "[action$='understand']", text="illumination please", room="kitchen")
        await page.until("document.querySelector('#reading .good') !== null")

        await page.open(console)
        await page.until("document.querySelector('[data-live-state]').textContent === 'Live'")
        await filled(page, ".ask", text="illumination please", room="kitchen")
        await page.until("document.querySelector('#replied .response') !== null")
        await page.until("document.querySelector('[data-key=kitchen] .response') !== null")
        assert not [one for one in page.console if "Content Security" in one]


async def test_a_hub_starts_anew_with_a_backup(tmp_path: Path) -> None:
    async with open_house(tmp_path, {**WITHOUT_WORKER, **CONSOLE}) as house:
        console = address(house)
        owner = {"name": "Mira", "password": PASSWORD, "again": PASSWORD}
        async with httpx.AsyncClient(base_url=console, headers={"Origin": console}) as client:
            done = await client.post("/setup", data={"token": token(house), **owner})
            assert done.status_code == 303
            page = (await client.get("/timers")).text
            found = re.search(r'data-csrf="([^"]+)"', page)
            assert found is not None
            client.headers.update({"X-CSRF": found[1], "X-Antiphon": "fetch"})
            item = {"list": "shopping", "item": "milk"}
            await client.post("/do/timers.add_item", data=item)
            packed = (await client.get("/api/v1/backup")).content
            await client.post("/do/timers.clear_list", data={"list": "shopping"})
            before = house.hub.log.count("is ready, broker")
            files: dict[str, Any] = {"file": ("b.zip", packed, "application/zip")}
            assert (await client.post("/restore", files=files)).status_code == 200
        await eventually(lambda: house.hub.log.count("is ready, broker") > before, 40)
        again = address(house)
        async with httpx.AsyncClient(base_url=again, headers={"Origin": again}) as client:
            await client.post("/sign-in", data={"name": "Mira", "password": PASSWORD})
            assert "milk" in (await client.get("/timers")).text
