"""The console as an ASGI app: pages, forms, JSON API, live updates, files."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from antiphon_hub.errors import ConsoleError, IdentityError, TooManyTriesError
from antiphon_hub.identity.devices import Credentials, Device
from antiphon_hub.identity.people import Scope, Session
from antiphon_hub.identity.rights import Account
from antiphon_hub.web import api, archive, installing
from antiphon_hub.web.answers import desk_of, done, json, refused
from antiphon_hub.web.assets import Assets
from antiphon_hub.web.deed import Visitor
from antiphon_hub.web.deeds.conversations import sound_file
from antiphon_hub.web.forms import from_texts
from antiphon_hub.web.house import House
from antiphon_hub.web.live import Live
from antiphon_hub.web.observer import Observer
from antiphon_hub.web.pages import PAGES, PARTS, Page, fields, said
from antiphon_hub.web.render import Pages
from antiphon_hub.web.satellite_page import House as SatelliteHouse
from antiphon_hub.web.satellite_page import Newcomer, SatellitePage, files_of_the_page
from antiphon_hub.web.shield import Shield
from antiphon_hub.web.table import BY_NAME
from antiphon_hub.web.visit import (
    CSRF_FIELD,
    CSRF_HEADER,
    check_csrf,
    forget,
    keep,
    known,
    source_of,
    visitor_of,
)
from antiphon_link.broker import BrokerAddress
from antiphon_protocol.topic import Role as DeviceRole

FETCHED: Final = "x-antiphon"
"""A header of our script: it wants JSON, not another page."""
SAID: Final = "antiphon-said"
THEME: Final = "antiphon-theme"
FORM_FIELDS_MAX: Final = 200
_RECORDINGS: Final = 1
"""Files in a form for a deed: the body's limit holds for them, too."""
FORM_PART_BYTES_MAX: Final = 1024 * 1024 + 1024
_UPLOADS: Final = (
    *(f"{api.BASE}{archive.RESTORE}", archive.FORM),
    *(f"{api.BASE}{installing.INSTALL}", installing.FORM),
)

Endpoint = Callable[[Request], Awaitable[Response]]


def site(house: House, live: Live, observer: Observer) -> ASGIApp:
    """Return the console."""
    assets = Assets()
    pages = Pages(assets)
    live.show_with(pages.room_card)
    app = Starlette(
        routes=[
            *(Route(page.path, _page(page), methods=["GET"]) for page in PAGES),
            Route("/sign-in", _sign_in, methods=["GET", "POST"]),
            Route("/setup", _set_up, methods=["GET", "POST"]),
            Route("/sign-out", _sign_out, methods=["POST"]),
            Route("/do/{deed}", _do, methods=["POST"]),
            Route("/live", _live, methods=["GET"]),
            Route("/conversations/{turn}/sound/{number:int}.wav", _sound, methods=["GET"]),
            Route("/static/{version}/{name}", assets.serve, methods=["GET"]),
            *archive.routes(),
            *installing.routes(),
            *api.routes(),
            *_talk(house),
        ],
        exception_handlers={
            ConsoleError: _refused,
            HTTPException: _refused_by_route,
            500: _broken,
        },
    )
    app.state.house, app.state.live, app.state.observer = house, live, observer
    app.state.pages = pages
    return Shield(app, hosts=house.settings.console.hosts, uploads=_UPLOADS)


def _talk(house: House) -> list[BaseRoute]:
    """Return the page that is a satellite, where browsers are let through to the broker."""
    find = house.browsers
    if find is None:  # its files alone: pages of ours use its microphone
        return [Mount("/satellite", routes=files_of_the_page())]

    async def find_broker() -> BrokerAddress:
        return find()

    async def may_enter(connection: HTTPConnection) -> bool:
        who = await visitor_of(connection, house.accounts)
        return who is not None and who.may(Scope.CONTROL)

    async def admit(connection: HTTPConnection, newcomer: Newcomer) -> Credentials:
        who = known(await visitor_of(connection, house.accounts))
        account = Account(role=DeviceRole.SATELLITE, id=newcomer.satellite)
        device = Device(
            account=account, room=newcomer.room, host=newcomer.host, serial=newcomer.serial
        )
        return await asyncio.to_thread(house.pairing.admit, device, by=who.person.name)

    def facts() -> SatelliteHouse:
        rooms = tuple(one.name for one in house.mind.home.rooms)
        return SatelliteHouse(site=house.settings.hub.site, rooms=rooms)

    page = SatellitePage(find_broker, may_enter, facts, admit)
    return [Mount("/satellite", routes=page.routes())]


# -- pages ----------------------------------------------------------------------------------------


def _page(page: Page) -> Endpoint:
    async def show(request: Request) -> Response:
        house: House = request.app.state.house
        who = await visitor_of(request, house.accounts)
        if who is None:
            return _to_the_door(request, house)
        if not who.may(page.scope):
            raise ConsoleError(403, f"{page.title} is for others: it needs {page.scope}")
        values = await page.load(desk_of(request, who), request.query_params, request.path_params)
        return _shown(request, who, page.template, page=page, **values)

    return show


def _to_the_door(request: Request, house: House) -> Response:
    if house.accounts.setup_token is not None:
        return RedirectResponse("/setup", 303)
    path = request.url.path
    query = urlencode({"back": path}) if path != "/" else ""
    return RedirectResponse(f"/sign-in?{query}" if query else "/sign-in", 303)


def _shown(
    request: Request, who: Visitor | None, template: str, status: int = 200, **values: Any
) -> Response:
    html = _rendered(request, who, template, **values)
    response = Response(html, status, media_type="text/html")
    if SAID in request.cookies:
        response.delete_cookie(SAID, path="/")
    return response


def _rendered(request: Request, who: Visitor | None, template: str, **values: Any) -> str:
    pages: Pages = request.app.state.pages
    house: House = request.app.state.house
    theme = request.cookies.get(THEME, "")
    return pages.render(
        template,
        who=who,
        csrf=who.csrf if who else "",
        site=house.settings.hub.site,
        menu=[one for one in PAGES if one.icon and who is not None and who.may(one.scope)],
        path=request.url.path,
        theme=theme if theme in ("light", "dark") else "",
        said=unquote(request.cookies.get(SAID, ""))[:500],
        language=house.settings.hub.language,
        Scope=Scope,
        talks=house.browsers is not None,
        fields=fields,
        **{"page": None, **values},
    )


# -- signing in -----------------------------------------------------------------------------------


async def _set_up(request: Request) -> Response:
    accounts = request.app.state.house.accounts
    if accounts.setup_token is None:
        return RedirectResponse("/sign-in", 303)
    if request.method != "POST":
        return _shown(request, None, "setup.html", error="", name="")
    form = await _texts(request)
    name = form.get("name", "")
    try:
        _check_same(form.get("password", ""), form.get("again", ""))
        session: Session = await asyncio.to_thread(
            accounts.set_up,
            *(form.get("token", "").strip(), name, form.get("password", "")),
            source=source_of(request),
        )
    except (IdentityError, ConsoleError) as error:
        return _shown(request, None, "setup.html", _status(error), error=str(error), name=name)
    return _entered(request, session, "/")


async def _sign_in(request: Request) -> Response:
    accounts = request.app.state.house.accounts
    if accounts.setup_token is not None:
        return RedirectResponse("/setup", 303)
    if request.method != "POST":
        back = _local(request.query_params.get("back", "/"))
        return _shown(request, None, "sign_in.html", error="", name="", back=back)
    form = await _texts(request)
    name, back = form.get("name", ""), _local(form.get("back", "/"))
    try:
        session: Session = await asyncio.to_thread(
            accounts.sign_in, name, form.get("password", ""), source=source_of(request)
        )
    except IdentityError as error:
        values = {"error": str(error), "name": name, "back": back}
        return _shown(request, None, "sign_in.html", _status(error), **values)
    return _entered(request, session, back)


async def _sign_out(request: Request) -> Response:
    accounts = request.app.state.house.accounts
    who = await visitor_of(request, accounts)
    if who is not None:
        check_csrf(who, (await _texts(request)).get(CSRF_FIELD, ""))
        await asyncio.to_thread(accounts.sign_out, who.cookie)
    response = RedirectResponse("/sign-in", 303)
    forget(response, request)
    return response


def _check_same(password: str, again: str) -> None:
    if password != again:
        raise ConsoleError(422, "the two passwords are not the same")


def _entered(request: Request, session: Session, back: str) -> Response:
    response = RedirectResponse(back, 303)
    keep(response, request, session)
    return response


def _status(error: Exception) -> int:
    if isinstance(error, TooManyTriesError):
        return 429
    return 422


# -- doing ----------------------------------------------------------------------------------------


async def _do(request: Request) -> Response:
    """Do what a form asks: any deed by its name."""
    who = await _signed_in(request)
    one = BY_NAME.get(request.path_params["deed"])
    if one is None or one.method == "GET":
        raise ConsoleError(404, "there is nothing to do by that name")
    pairs = await _pairs(request, files=_RECORDINGS)
    given = {name: value for name, value in pairs if name in (CSRF_FIELD, "back")}
    check_csrf(who, request.headers.get(CSRF_HEADER, "") or given.get(CSRF_FIELD, ""))
    rest = [pair for pair in pairs if pair[0] not in (CSRF_FIELD, "back")]
    result = await done(one, desk_of(request, who), from_texts(one, rest))
    part = PARTS.get(one.name)
    html = _rendered(request, who, part, result=result) if part else ""
    if FETCHED in request.headers:
        notes = getattr(result, "notes", ())
        return json({"message": "" if part else said(result), "html": html, "mistakes": notes})
    if part:
        return _shown(request, who, "done.html", part=part, result=result)
    return _redirected(_local(given.get("back", "/")), said(result))


async def _signed_in(request: Request) -> Visitor:
    return known(await visitor_of(request, request.app.state.house.accounts))


def _redirected(back: str, message: str) -> Response:
    response = RedirectResponse(back, 303)
    response.set_cookie(SAID, quote(message[:300]), max_age=20, httponly=True, samesite="lax")
    return response


async def _pairs(request: Request, files: int = 0) -> list[tuple[str, str]]:
    """Return a form's fields; a small file becomes base64, as in JSON."""
    async with request.form(
        max_files=files, max_fields=FORM_FIELDS_MAX, max_part_size=FORM_PART_BYTES_MAX
    ) as form:
        return [
            (name, value if isinstance(value, str) else b64encode(await value.read()).decode())
            for name, value in form.multi_items()
        ]


async def _texts(request: Request) -> dict[str, str]:
    return dict(await _pairs(request))


def _local(path: str) -> str:
    """Return a path of ours; what leads elsewhere leads to the first page."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return "/"
    return path


# -- streams and files ----------------------------------------------------------------------------


async def _live(request: Request) -> Response:
    who = await _signed_in(request)
    live: Live = request.app.state.live

    async def may_stay() -> bool:
        now = await visitor_of(request, request.app.state.house.accounts)
        return now is not None and now.scopes == who.scopes

    stream = live.stream(words=who.may(Scope.CONVERSATIONS), may_stay=may_stay)
    return StreamingResponse(stream, media_type="text/event-stream")


async def _sound(request: Request) -> Response:
    who = await _signed_in(request)
    if not who.may(Scope.CONVERSATIONS):
        raise ConsoleError(403, "what was said is for others")
    turn, number = request.path_params["turn"], request.path_params["number"]
    asked = from_texts(BY_NAME["conversations.show"], [("turn", turn)])
    folder: Path = request.app.state.house.state_dir
    file = await asyncio.to_thread(sound_file, folder, getattr(asked, "turn", ""), number)
    if file is None:
        raise ConsoleError(404, "this audio is not kept")
    return FileResponse(file, media_type="audio/wav")


# -- refusals -------------------------------------------------------------------------------------


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, ConsoleError):  # routed here by its type
        raise error
    if request.url.path.startswith("/api/") or FETCHED in request.headers:
        return refused(error)
    house: House = request.app.state.house
    if error.status == 401:  # noqa: PLR2004 - not signed in
        return _to_the_door(request, house)
    who = await visitor_of(request, house.accounts)
    values = {"code": error.status, "error": str(error), "mistakes": error.mistakes}
    return _shown(request, who, "refused.html", error.status, **values)


async def _refused_by_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # routed here by its type
        raise error
    texts = {404: "there is no such page", 405: "not so"}
    response = await _refused(
        request, ConsoleError(error.status_code, texts.get(error.status_code, error.detail))
    )
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _broken(request: Request, error: Exception) -> Response:
    del error  # the server logs it
    wrong = ConsoleError(500, "the console made a mistake; the log on the page System names it")
    return await _refused(request, wrong)
