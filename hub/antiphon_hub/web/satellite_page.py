"""The page that is a satellite, under `/satellite/`, and what it asks before it connects.

Its files are built from `satellites/browser` and lie in this package, so that whoever installs the
hub needs no Node.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from antiphon_hub.errors import IdentityError
from antiphon_hub.identity.devices import Credentials
from antiphon_hub.web.mqtt_socket import FindBroker, MayEnter, MqttSocket
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Name

FOLDER: Final = Path(__file__).with_name("satellite")
BODY_BYTES_MAX: Final = 4096
_INDEX: Final = "index.html"
_KINDS: Final = {".js": "text/javascript", ".md": "text/markdown"}


class Newcomer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser that wants to be a satellite."""

    satellite: Slug
    room: Annotated[Name, msgspec.Meta(min_length=1)]
    host: Name = ""
    """What tells people which browser it is: `Firefox on Android`."""
    serial: Slug
    """Random, and the browser's own secret: it alone may take this satellite's id again."""


Admit = Callable[[HTTPConnection, Newcomer], Awaitable[Credentials]]
"""Gives a browser its account at the broker, or raises IdentityError."""


class House(msgspec.Struct, frozen=True, kw_only=True):
    """What the page wants to know of the house."""

    site: str = ""
    rooms: tuple[str, ...] = ()


class SatellitePage:
    """The page, its files and its questions."""

    def __init__(
        self,
        find_broker: FindBroker,
        may_enter: MayEnter,
        house: Callable[[], House],
        admit: Admit | None = None,
        folder: Path = FOLDER,
    ) -> None:
        """Read the files.

        Args:
            find_broker: Tells where browsers are let through to.
            may_enter: Tells whether somebody is signed in who may speak with the house.
            house: Tells what the house is like.
            admit: Gives a browser its account at that broker; None: it needs none.
            folder: Where the built files are.
        """
        self._may_enter = may_enter
        self._house = house
        self._admit = admit
        self._files = _files_in(folder)
        self.socket = MqttSocket(find_broker, may_enter)

    def routes(self) -> Sequence[BaseRoute]:
        """Return what is to be mounted at `/satellite`."""
        return [
            Route("/", self._page),
            Route("/config.json", self._config),
            Route("/account.json", self._account, methods=["POST"]),
            WebSocketRoute("/mqtt", self.socket.serve),
            Route("/{name}", _serving(self._files)),
        ]

    async def _page(self, request: Request) -> Response:
        if not request.url.path.endswith("/"):  # its files are named relative to it
            return RedirectResponse(f"{request.url.path}/")
        return self._files[_INDEX].answer(request)

    async def _config(self, request: Request) -> Response:
        await self._require_entry(request)
        house = self._house()
        facts = {
            "site": house.site,
            "rooms": list(house.rooms),
            "mqtt": "mqtt",
            "accounts": self._admit is not None,
        }
        return JSONResponse(facts, headers={"Cache-Control": "no-store"})

    async def _account(self, request: Request) -> Response:
        await self._require_entry(request)
        if self._admit is None:
            raise HTTPException(404)
        try:
            newcomer = msgspec.json.decode(await _body(request), type=Newcomer)
            given = await self._admit(request, newcomer)
        except msgspec.DecodeError as error:
            return JSONResponse({"error": str(error)}, 422)
        except IdentityError as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse(msgspec.to_builtins(given), headers={"Cache-Control": "no-store"})

    async def _require_entry(self, request: Request) -> None:
        if not await self._may_enter(request):
            raise HTTPException(401, "sign in to the console first")


def files_of_the_page(folder: Path = FOLDER) -> Sequence[BaseRoute]:
    """Return what is to be mounted where no browser can be a satellite: the built files."""
    return [Route("/{name}", _serving(_files_in(folder)))]


def _files_in(folder: Path) -> dict[str, "_File"]:
    return {one.name: _File(one) for one in sorted(folder.iterdir())}


def _serving(files: Mapping[str, "_File"]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        file = files.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        return file.answer(request)

    return serve


class _File:
    """One built file, in memory, compressed once."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        self._packed = gzip.compress(self._data, 9, mtime=0)
        self._etag = f'"{hashlib.sha256(self._data).hexdigest()[:16]}"'
        guessed = mimetypes.guess_type(path.name)[0]
        self._kind = _KINDS.get(path.suffix) or guessed or "application/octet-stream"

    def answer(self, request: Request) -> Response:
        """Answer a request for it; the browser asks each time whether it is still the same."""
        headers = {"ETag": self._etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == self._etag:
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self._data, media_type=self._kind, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(self._packed, media_type=self._kind, headers=headers)


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > BODY_BYTES_MAX:
            raise HTTPException(413, f"at most {BODY_BYTES_MAX} bytes")
    return bytes(data)
