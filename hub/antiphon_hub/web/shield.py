"""What every request passes first: names, sizes, origins; and the headers of every answer."""

import ipaddress
import socket
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX: Final = 2 * 1024 * 1024
"""A home or a sentence file of 1 MiB, as a form; more comes only where it is expected."""
UPLOAD_BYTES_MAX: Final = 512 * 1024 * 1024
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
"""Nothing from outside, nothing inline."""
HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""As OWASP ASVS asks; an answer that says otherwise for itself (an asset's caching) is left so."""
YEAR_S: Final = 31_536_000


class Shield:
    """Middleware around the whole console. Refusals are plain text: no template can fail here."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], uploads: Collection[str]) -> None:
        """Guard an app.

        Args:
            app: What answers.
            hosts: More names under which browsers reach us.
            uploads: Paths that take large bodies.
        """
        self._app = app
        self._hosts = known_hosts(hosts)
        self._uploads = frozenset(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        wrapped = _heading(send, https=scope.get("scheme") in ("https", "wss"))
        if refusal is None:
            limit = UPLOAD_BYTES_MAX if scope["path"] in self._uploads else BODY_BYTES_MAX
            await self._app(scope, _limited(receive, limit), wrapped)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1][:120]})
        else:
            status, text = refusal
            await PlainTextResponse(f"{text}\n", status)(scope, receive, wrapped)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not is_known(host, self._hosts):
            return 421, f"{host[:80]!r} is no name of this console; add it to [console] hosts"
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE
        if unsafe and not is_own(headers, host):
            return 403, "this came from another site's page; open the console itself"
        length = headers.get("content-length", "0")
        limit = UPLOAD_BYTES_MAX if scope["path"] in self._uploads else BODY_BYTES_MAX
        if not length.isdigit() or int(length) > limit:
            return 413, f"too large: {limit} bytes at most"
        return None


def known_hosts(more: Collection[str]) -> frozenset[str]:
    """Return the names of this machine, lower case; any IP address is known, too."""
    own = socket.gethostname().split(".")[0].lower()
    names = {"localhost", own, *(f"{own}.{end}" for end in ("local", "lan", "home", "home.arpa"))}
    return frozenset(names | {one.lower() for one in more})


def is_known(host: str, hosts: Collection[str]) -> bool:
    """Tell whether a Host header names us.

    A page of somebody else's, whose name was made to lead here (DNS rebinding), does not.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in hosts
    return True


def is_own(headers: Mapping[str, str], host: str) -> bool:
    """Tell whether a request that changes something comes from our own page, or from a program.

    Browsers send `Origin` with every request that is not safe. A program with a token sends none,
    and no browser sends a token by itself.
    """
    origin = headers.get("origin")
    if origin is not None:
        try:
            return urlsplit(origin).netloc == host
        except ValueError:
            return False
    if "sec-fetch-site" in headers:
        return headers["sec-fetch-site"] in ("same-origin", "none")
    return headers.get("authorization", "").startswith("Bearer ")


def _limited(receive: Receive, limit: int) -> Receive:
    """Return what receives up to so many bytes; the client is taken for gone after that."""
    taken = 0

    async def read() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > limit:
                return {"type": "http.disconnect"}
        return message

    return read


def _heading(send: Send, *, https: bool) -> Send:
    async def write(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                if name not in headers:
                    headers[name] = value
            if https:
                headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
        await send(message)

    return write
