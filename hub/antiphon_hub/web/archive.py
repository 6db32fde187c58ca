"""Backup and restore over HTTP."""

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from antiphon_hub import backup
from antiphon_hub.errors import BackupError, ConsoleError
from antiphon_hub.home.files import HOME, OWN, SENTENCES
from antiphon_hub.identity.people import Scope
from antiphon_hub.web.answers import desk_of, json, refused
from antiphon_hub.web.deed import Desk, Done
from antiphon_hub.web.house import House
from antiphon_hub.web.visit import CSRF_FIELD, CSRF_HEADER, check_csrf, known, visitor_of

RESTORE: Final = "/restore"
FORM: Final = "/restore"
_CHUNK: Final = 64 * 1024
_SPOOLED: Final = 8 * 1024 * 1024


def routes() -> list[BaseRoute]:
    """Return the routes of backup and restore."""
    return [
        Route("/api/v1/backup", _backup, methods=["GET"]),
        Route("/api/v1/restore", _restore, methods=["POST"]),
        Route(FORM, _restore, methods=["POST"]),
    ]


async def _backup(request: Request) -> Response:
    try:
        desk = await _desk(request)
        house = desk.house
        file = await asyncio.to_thread(_packed, house)
    except ConsoleError as error:
        return refused(error)
    await desk.audit("made a backup")
    name = f"antiphon-{house.id}-{datetime.now().astimezone():%Y-%m-%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_chunks(file), media_type="application/zip", headers=headers)


def _packed(house: House) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115 - the answer closes it
    try:
        manifest = backup.manifest_of(house.id, version("antiphon-hub"))
        backup.pack(house.state_dir, file, manifest, _from_elsewhere(house))
    except BackupError as error:
        file.close()
        raise ConsoleError(503, str(error)) from None
    file.seek(0)
    return file


def _from_elsewhere(house: House) -> dict[str, Path]:
    """Return the files that the settings name: on a fresh machine they are found in our folder."""
    files = house.mind.files
    found = {}
    if files.home is not None:
        found[f"{OWN}/{HOME}"] = files.home
    for path in files.sentences:
        if path.suffix == ".yaml" and path.exists():
            found[f"{OWN}/{SENTENCES}/{path.name}"] = path
    return found


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


async def _restore(request: Request) -> Response:
    desk = await _desk(request)
    async with request.form(max_files=1, max_fields=4) as form:
        check_csrf(desk.who, request.headers.get(CSRF_HEADER, "") or _text(form.get(CSRF_FIELD)))
        upload = form.get("file")
        if not isinstance(upload, UploadFile) or not upload.size:
            raise ConsoleError(422, "choose a backup file: field `file`, multipart/form-data")
        try:
            manifest = await asyncio.to_thread(backup.unpack, desk.house.state_dir, upload.file)
        except BackupError as error:
            raise ConsoleError(422, f"{error}; nothing has changed") from None
    await desk.audit("restored a backup", f"of {manifest.hub[:60]}")
    desk.house.restart()
    if "text/html" in request.headers.get("accept", ""):  # a form, without our script
        return RedirectResponse("/", 303)
    return json(Done(message="The backup is taken in. The hub starts anew with it; sign in again."))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


async def _desk(request: Request) -> Desk:
    who = known(await visitor_of(request, request.app.state.house.accounts))
    if not (who.may(Scope.CONFIGURE) and who.may(Scope.MANAGE)):
        raise ConsoleError(403, "a backup holds everything: it needs configure and manage")
    return desk_of(request, who)
