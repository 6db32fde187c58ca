"""Who asks: a person by a cookie, or a program by a token."""

import asyncio
import hmac
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from antiphon_hub.errors import ConsoleError
from antiphon_hub.identity.accounts import Accounts
from antiphon_hub.identity.people import SCOPES_OF, Session
from antiphon_hub.web.deed import Visitor

PLAIN_COOKIE: Final = "antiphon"
SECURE_COOKIE: Final = "__Host-antiphon"
"""Browsers take it only over HTTPS, for the whole of this host and no other."""
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf"


async def visitor_of(connection: HTTPConnection, accounts: Accounts) -> Visitor | None:
    """Return who asks; None for somebody we do not know."""
    bearer = connection.headers.get("authorization", "")
    if bearer:
        kind, _, token = bearer.partition(" ")
        if kind.lower() != "bearer":
            return None
        grant = await asyncio.to_thread(accounts.token, token.strip())
        return None if grant is None else Visitor(grant.person, grant.scopes)
    cookie = connection.cookies.get(_cookie_name(connection), "")
    if not cookie:
        return None
    session = await asyncio.to_thread(accounts.session, cookie)
    if session is None:
        return None
    person = session.person
    return Visitor(person, SCOPES_OF[person.role], session.csrf, session.cookie)


def known(visitor: Visitor | None) -> Visitor:
    """Return a visitor that we know.

    Raises:
        ConsoleError: we do not.
    """
    if visitor is None:
        raise ConsoleError(401, "sign in, or send a token: Authorization: Bearer ...")
    return visitor


def check_csrf(visitor: Visitor, given: str) -> None:
    """Tell whether a change by a person comes from a form that we made for this session.

    Raises:
        ConsoleError: it does not.
    """
    if visitor.csrf and not _same(visitor.csrf, given):
        raise ConsoleError(403, "this page is from another sign-in; reload it and try again")


def keep(response: Response, connection: HTTPConnection, session: Session) -> None:
    """Let the browser keep a session."""
    response.set_cookie(
        _cookie_name(connection),
        session.cookie,
        httponly=True,
        samesite="lax",
        secure=_secure(connection),
        path="/",
    )


def forget(response: Response, connection: HTTPConnection) -> None:
    """Let the browser forget its session."""
    response.delete_cookie(_cookie_name(connection), path="/", secure=_secure(connection))


def source_of(connection: HTTPConnection) -> str:
    """Return where somebody comes from, for limits."""
    return connection.client.host if connection.client else "unknown"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _secure(connection: HTTPConnection) -> bool:
    return connection.url.scheme in ("https", "wss")


def _cookie_name(connection: HTTPConnection) -> str:
    return SECURE_COOKIE if _secure(connection) else PLAIN_COOKIE
