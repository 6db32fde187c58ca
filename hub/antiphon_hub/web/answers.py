"""How a deed is done for a request, and how a refusal looks to a program."""

from typing import Any

import msgspec
from starlette.requests import HTTPConnection
from starlette.responses import Response

from antiphon_hub.errors import ConsoleError, HubError
from antiphon_hub.web.deed import Asked, Deed, Desk, Visitor
from antiphon_hub.web.house import House
from antiphon_hub.web.live import Live
from antiphon_hub.web.observer import Observer


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was not done."""

    error: str
    """What was wrong and what to do."""
    mistakes: tuple[str, ...] = ()
    """One line for each, where there are several."""


def json(value: Any, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def refused(error: ConsoleError) -> Response:
    """Return a refusal as JSON."""
    response = json(Refusal(error=str(error), mistakes=error.mistakes), error.status)
    if error.status == 401:  # noqa: PLR2004 - RFC 9110 asks for the header with just this one
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def desk_of(connection: HTTPConnection, who: Visitor) -> Desk:
    """Return what a deed works with."""
    state = connection.app.state
    house: House = state.house
    live: Live = state.live
    observer: Observer = state.observer
    return Desk(house, live, observer, who)


async def done(deed: Deed, desk: Desk, asked: Asked) -> Any:
    """Do it, and return what it gives.

    Raises:
        ConsoleError: the visitor may not, or it cannot be done.
    """
    if not desk.who.may(deed.scope):
        raise ConsoleError(403, f"{desk.who.person.name} may not do that: it needs {deed.scope}")
    try:
        return await deed.run(desk, asked)
    except ConsoleError:
        raise
    except HubError as error:
        raise ConsoleError(503, str(error)) from None
