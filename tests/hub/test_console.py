"""The console's doors and manners: who gets in, what pages show, what forms do, what is refused."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from antiphon_hub.identity.people import Role, Scope
from antiphon_hub.web.assets import Assets
from antiphon_hub.web.pages import PAGES
from antiphon_hub.web.table import DEEDS
from antiphon_protocol.messages.event import SatelliteJoined, TurnStarted
from antiphon_protocol.messages.satellite import Identify
from tests.support.console_world import PASSWORD, ConsoleWorld, console_world, do

PLAIN_PAGES = [page.path for page in PAGES if "{" not in page.path]
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}",
    "../../../etc/passwd",
    "%00",
    "'; DROP TABLE turns; --",
    "x" * 5000,
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConsoleWorld]:
    async with console_world(tmp_path) as one:
        yield one


# -- doors ----------------------------------------------------------------------------------------


async def test_the_first_visitor_is_led_to_the_setup(world: ConsoleWorld) -> None:
    async with world.browser() as stranger:
        assert (await stranger.get("/")).headers["location"] == "/setup"
        assert (await stranger.head("/setup")).status_code == 200
        page = await stranger.get("/setup")
        assert "Setup token" in page.text
        form = {"token": world.accounts.setup_token, "name": "Mira", "password": PASSWORD}
        wrong = await stranger.post("/setup", data={**form, "again": PASSWORD, "token": "wrong"})
        assert wrong.status_code == 422
        other = await stranger.post("/setup", data={**form, "again": "another password"})
        assert "not the same" in other.text
        done = await stranger.post("/setup", data={**form, "again": PASSWORD})
        assert done.headers["location"] == "/"
        assert "HttpOnly" in done.headers["set-cookie"]
        assert (await stranger.get("/")).status_code == 200
        assert (await stranger.get("/setup")).headers["location"] == "/sign-in"


async def test_a_stranger_sees_nothing(world: ConsoleWorld) -> None:
    await world.signed_in()
    async with world.browser() as stranger:
        for path in PLAIN_PAGES:
            assert (await stranger.get(path)).headers["location"].startswith("/sign-in"), path
        for one in DEEDS:
            path = re.sub(r"{\w+}", "x", f"/api/v1{one.path}")
            answer = await stranger.request(one.method, path, json={})
            assert answer.status_code == 401, one.name
        for path in ("/live", "/conversations/x/sound/0.wav", "/api/v1/backup"):
            assert (await stranger.get(path)).status_code in (303, 401), path


async def test_signing_in_leads_back_but_never_elsewhere(world: ConsoleWorld) -> None:
    await world.signed_in()
    form = {"name": "mira", "password": PASSWORD}
    for back, leads in (("/timers", "/timers"), ("//evil.example", "/"), ("https://evil", "/")):
        async with world.browser() as browser:
            answer = await browser.post("/sign-in", data={**form, "back": back})
            assert answer.headers["location"] == leads
    async with world.browser() as browser:
        wrong = await browser.post("/sign-in", data={**form, "password": "nope"})
        assert wrong.status_code == 422
        assert "Wrong name or password" in wrong.text


async def test_signing_out_ends_the_session(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    cookie = owner.cookies["antiphon"]
    refused = await owner.post("/sign-out", data={"csrf": "wrong"})
    assert refused.status_code == 403
    await owner.post("/sign-out", data={"csrf": owner.headers["X-CSRF"]})
    assert world.accounts.session(cookie) is None


@pytest.mark.parametrize("role", list(Role))
async def test_a_page_is_for_those_who_may(world: ConsoleWorld, role: Role) -> None:
    person = await world.signed_in(role)
    for page in PAGES:
        if "{" in page.path:
            continue
        may = page.scope in world.accounts.people()[-1 if role is not Role.OWNER else 0].scopes
        answer = await person.get(page.path)
        assert (answer.status_code == 200) is (page.scope in _scopes(world, role)), page.path
        assert answer.status_code in (200, 403) or may


def _scopes(world: ConsoleWorld, role: Role) -> frozenset[Scope]:
    return next(one for one in world.accounts.people() if one.role is role).scopes


async def test_a_guest_reads_no_words(world: ConsoleWorld) -> None:
    world.live.board.apply(SatelliteJoined(satellite="s", room="kitchen"), 1.0)
    started = TurnStarted(turn="t", room="kitchen", satellite="s", cause="phrase")
    world.live.board.apply(started, 1.0)
    room = world.live.board.rooms["kitchen"]
    world.live.board.rooms["kitchen"] = type(room)(name="kitchen", turn="t", heard="my secret")
    guest, family = await world.signed_in(Role.GUEST), await world.signed_in(Role.FAMILY)
    assert "my secret" in (await family.get("/")).text
    assert "my secret" not in (await guest.get("/")).text
    assert "my secret" not in (await guest.get("/api/v1/rooms")).text


# -- what comes from elsewhere --------------------------------------------------------------------


async def test_other_sites_pages_change_nothing(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = await owner.post("/do/system.restart", headers=headers)
        assert answer.status_code == 403
    del owner.headers["Origin"]
    refused = await owner.post("/do/system.restart", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert (await owner.post("/do/system.restart")).status_code == 403
    assert world.restarts == 0


async def test_a_form_of_another_session_changes_nothing(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    owner.headers["X-CSRF"] = "another"
    assert (await do(owner, "system.restart")).status_code == 403
    assert (await owner.post("/api/v1/restart", json={})).status_code == 403
    assert world.restarts == 0


async def test_other_names_are_not_ours(world: ConsoleWorld) -> None:
    async with world.browser() as browser:
        assert (await browser.get("/", headers={"Host": "evil.example"})).status_code == 421
        assert (await browser.get("/setup", headers={"Host": "192.168.1.5:80"})).status_code == 200
        assert (await browser.get("/setup", headers={"Host": "[::1]:80"})).status_code == 200


async def test_every_answer_has_its_headers(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    for path in ("/", "/nope", "/sign-in", "/api/v1/rooms", Assets().path("console.css")):
        headers = (await owner.get(path)).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert (await owner.get("/")).headers["cache-control"] == "no-store"


def test_pages_hold_nothing_inline() -> None:
    folder = Path("hub/antiphon_hub/web/templates")
    texts = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html")))
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|<style|javascript:", texts)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", texts), "nothing from outside"


def test_our_own_files_are_small() -> None:
    assert Assets().packed_bytes < 60_000


async def test_too_much_is_refused(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    huge = await do(owner, "rooms.command", text="x" * 3_000_000)
    assert huge.status_code == 413


# -- forms ----------------------------------------------------------------------------------------


async def test_forms_work_without_our_script(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    csrf = owner.headers.pop("X-CSRF")
    form = {"csrf": csrf, "back": "/timers", "minutes": "10", "name": "pasta", "at": ""}
    answer = await owner.post("/do/timers.start", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/timers")
    assert "pasta" in (await owner.get("/timers")).text
    wrong = await owner.post("/do/timers.start", data={**form, "minutes": "many"})
    assert wrong.status_code == 422
    assert "Minutes: is no number" in wrong.text


async def test_a_sentence_is_done_and_its_reply_shown(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    answer = await do(owner, "rooms.command", text="turn on the light", room="kitchen")
    assert "The light is on." in answer.json()["html"]
    assert world.ask.asked[-1].room == "kitchen"


async def test_a_satellite_is_found_by_its_light(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    assert (await do(owner, "satellites.identify", satellite="sat")).status_code == 404
    world.joined("sat", "kitchen")
    assert (await do(owner, "satellites.identify", satellite="sat")).status_code == 200
    assert world.commands == [("sat", Identify())]
    assert "sat" in (await owner.get("/satellites")).text


async def test_a_rooms_rules_count_at_once(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    rules = {"room": "Kitchen", "quiet_from": "21:00", "quiet_to": "07:00", "silence_s": "0.9"}
    assert (await do(owner, "satellites.set_rules", **rules)).status_code == 200
    assert world.house.rules.manners("kitchen").quiet_from == "21:00"
    assert world.house.rules.endpointing("kitchen").silence_s == 0.9
    assert world.house.rules.manners("hall").quiet_from == "22:00"
    wrong = await do(owner, "satellites.set_rules", room="kitchen", quiet_from="25:00")
    assert wrong.status_code == 422
    assert world.house.rules.manners("kitchen").quiet_from == "21:00"


async def test_hostile_names_are_only_text(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    for text in HOSTILE:
        await do(owner, "timers.add_item", list="shopping", item=text)
        await do(owner, "timers.start", minutes="5", name=text)
        await do(owner, "people.add", name=text[:64], role="guest", password=PASSWORD)
        for path in ("/timers", "/people", f"/conversations?{httpx.QueryParams(text=text)}"):
            page = (await owner.get(path)).text.lower()
            assert "<script>alert" not in page
            assert "<img src=x" not in page


@pytest.mark.slow
async def test_no_deed_breaks_on_nonsense(world: ConsoleWorld) -> None:
    owner = await world.signed_in()
    for one in DEEDS:
        for value in ("", "-1", "nan", "1e999", "\x00", "<b>", "9" * 400):
            fields = dict.fromkeys(one.takes.__struct_fields__, value)
            answer = await do(owner, one.name, **fields)
            assert answer.status_code in (200, 403, 404, 409, 413, 422, 429), answer.text
        unknown = await do(owner, one.name, no_such_field="1")
        assert unknown.status_code in (404, 422), one.name
