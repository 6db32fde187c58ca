"""What the console serves for the browser satellite, besides the pipe to the broker."""

import asyncio
import gzip
import http.client
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import HTTPConnection

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.devices import Credentials
from antiphon_hub.web.assets import FOLDER as STATIC
from antiphon_hub.web.satellite_page import FOLDER, Newcomer
from antiphon_link.broker import BrokerAddress
from tests.support.browser_page import Console

NEWCOMER = {"satellite": "phone", "room": "hall", "host": "Firefox", "serial": "browser-1"}


async def admit(_: HTTPConnection, newcomer: Newcomer) -> Credentials:
    if newcomer.satellite == "taken":
        raise IdentityError("satellite taken is in the kitchen already; choose another name")
    return Credentials(f"satellite-{newcomer.satellite}", "secret")


def broker() -> BrokerAddress:
    return BrokerAddress(host="127.0.0.1", port=1)


@pytest.fixture
async def console() -> AsyncIterator[Console]:
    async with Console(broker, admit).serving() as one:
        yield one


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body = answer.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(console: Console, path: str, body: bytes | None = None, **headers: str) -> Answer:
    def asking() -> Answer:
        connection = http.client.HTTPConnection(urlsplit(console.url).netloc, timeout=10)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            method = "GET" if body is None else "POST"
            connection.request(method, f"/satellite/{path}", body, named)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    return await asyncio.to_thread(asking)


async def test_the_page_and_all_its_files_are_served(console: Console) -> None:
    page = await ask(console, "")
    assert page.headers["content-type"].startswith("text/html")
    entries = [STATIC / "console.js", *(FOLDER / f"{one}.js" for one in ("satellite", "resampler"))]
    named = page.body + b"".join(one.read_bytes() for one in entries)
    for file in FOLDER.iterdir():
        answer = await ask(console, file.name)
        assert (answer.status, answer.body) == (200, file.read_bytes())
        if file.name != "index.html" and file.suffix in (".js", ".css", ".svg"):
            assert file.name.encode() in named


async def test_a_file_is_packed_and_asked_for_again_only_when_it_changed(console: Console) -> None:
    answer = await ask(console, "satellite.js", accept_encoding="gzip")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert gzip.decompress(answer.body) == (FOLDER / "satellite.js").read_bytes()
    again = await ask(console, "satellite.js", if_none_match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["nothing.js", "..%2f__init__.py", "../__init__.py", "%00", "satellite.js/x"]
)
async def test_nothing_else_is_served(console: Console, path: str) -> None:
    assert (await ask(console, path)).status == 404


async def test_the_page_needs_nothing_from_outside() -> None:
    for name in ("index.html", "satellite.css"):
        text = (FOLDER / name).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
    packed = sum(len(gzip.compress(one.read_bytes(), 9)) for one in FOLDER.iterdir())
    assert packed < 150 * 1024


async def test_the_page_learns_of_the_house(console: Console) -> None:
    answer = await ask(console, "config.json")
    assert answer.json == {
        "site": "Home",
        "rooms": ["hall", "kitchen"],
        "mqtt": "mqtt",
        "accounts": True,
    }
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("path", "body"), [("config.json", None), ("account.json", b"{}")])
async def test_nobody_signed_in_learns_nothing(
    console: Console, path: str, body: bytes | None
) -> None:
    console.signed_in = False
    assert (await ask(console, path, body)).status == 401


async def test_a_browser_gets_an_account(console: Console) -> None:
    answer = await ask(console, "account.json", json.dumps(NEWCOMER).encode())
    assert answer.json == {"username": "satellite-phone", "password": "secret"}
    assert answer.headers["cache-control"] == "no-store"


async def test_an_id_that_is_taken_is_refused_in_words(console: Console) -> None:
    body = json.dumps({**NEWCOMER, "satellite": "taken"}).encode()
    answer = await ask(console, "account.json", body)
    assert answer.status == 409
    assert "choose another" in answer.json["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        json.dumps({**NEWCOMER, "satellite": "../hub"}).encode(),
        json.dumps({**NEWCOMER, "satellite": "a/#"}).encode(),
        json.dumps({**NEWCOMER, "room": ""}).encode(),
        json.dumps({**NEWCOMER, "room": "x" * 101}).encode(),
        json.dumps({**NEWCOMER, "role": "owner"}).encode(),
    ],
)
async def test_a_damaged_question_is_refused_in_words(console: Console, body: bytes) -> None:
    answer = await ask(console, "account.json", body)
    assert answer.status == 422
    assert answer.json["error"]


async def test_a_huge_question_is_refused(console: Console) -> None:
    assert (await ask(console, "account.json", b" " * 5000)).status == 413


async def test_without_accounts_there_is_nothing_to_ask_for() -> None:
    async with Console(broker).serving() as console:
        assert (await ask(console, "config.json")).json["accounts"] is False
        assert (await ask(console, "account.json", b"{}")).status == 404
