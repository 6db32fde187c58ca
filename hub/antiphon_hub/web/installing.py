"""Models and voices by upload, and what was spoken for somebody to listen to."""

from typing import Final

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from antiphon_hub.errors import ConsoleError, EquipmentError
from antiphon_hub.identity.people import Scope
from antiphon_hub.web.answers import desk_of, json
from antiphon_hub.web.deed import Desk, Done
from antiphon_hub.web.visit import CSRF_FIELD, CSRF_HEADER, check_csrf, known, visitor_of

INSTALL: Final = "/engines/installed"
FORM: Final = "/install"
SOUND: Final = "/engines/sounds/{clip}"
FILES_MAX: Final = 3
_NAME_MAX: Final = 60
_LANGUAGE_MAX: Final = 35


def routes() -> list[BaseRoute]:
    """Return the routes of installing and listening."""
    return [
        Route(f"/api/v1{INSTALL}", _install, methods=["POST"]),
        Route(FORM, _install, methods=["POST"]),
        Route(f"/api/v1{SOUND}", _sound, methods=["GET"]),
    ]


async def _install(request: Request) -> Response:
    desk = await _desk(request, Scope.CONFIGURE)
    async with request.form(max_files=FILES_MAX, max_fields=6) as form:
        check_csrf(desk.who, request.headers.get(CSRF_HEADER, "") or _text(form, CSRF_FIELD))
        files = [one for one in form.getlist("file") if isinstance(one, UploadFile) and one.size]
        if not files:
            raise ConsoleError(422, "choose a file: field `file`, multipart/form-data")
        name, language = _text(form, "name").strip(), _text(form, "language").strip()
        if len(name) > _NAME_MAX or len(language) > _LANGUAGE_MAX:
            raise ConsoleError(422, f"name: takes at most {_NAME_MAX} characters")
        try:
            installed = await desk.house.equipment.install(
                [(one.filename or "file", one.file) for one in files],
                name,
                language or desk.house.settings.hub.language,
                desk.who.person.name,
            )
        except EquipmentError as error:
            raise ConsoleError(422, f"{error}; nothing has changed") from None
    await desk.audit("installed a model", f"{installed.sort.engine}:{installed.name}")
    if "text/html" in request.headers.get("accept", ""):  # a form, without our script
        return RedirectResponse("/engines", 303)
    return json(
        Done(
            message=f"{installed.name} is installed, for {installed.sort.engine}. Choose it above."
        )
    )


async def _sound(request: Request) -> Response:
    desk = await _desk(request, Scope.CONTROL)
    wav = desk.house.clips.get(request.path_params["clip"])
    if wav is None:
        raise ConsoleError(404, "this is not kept any more; let it be spoken again")
    return Response(wav, media_type="audio/wav")


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


async def _desk(request: Request, scope: Scope) -> Desk:
    who = known(await visitor_of(request, request.app.state.house.accounts))
    if not who.may(scope):
        raise ConsoleError(403, f"{who.person.name} may not do that: it needs {scope}")
    return desk_of(request, who)
