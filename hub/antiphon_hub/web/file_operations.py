"""What the OpenAPI document says of uploads and downloads, which are no deeds."""

from typing import Any, Final

import msgspec

from antiphon_hub.identity.people import Scope
from antiphon_hub.web.installing import INSTALL, SOUND

_UPLOAD: Final = {
    "file": {
        "type": "array",
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
    }
}


class FileOperation(msgspec.Struct, frozen=True, kw_only=True):
    """One of them."""

    name: str
    method: str
    path: str
    scopes: tuple[Scope, ...]
    summary: str
    fields: dict[str, Any] = {}
    """Of the multipart form that it takes; none: it takes nothing."""
    gives: str = "application/json"
    parts: tuple[str, ...] = ()
    """Variable parts of the path."""


FILE_OPERATIONS: Final = (
    FileOperation(
        name="archive.backup",
        method="get",
        path="/backup",
        scopes=(Scope.CONFIGURE, Scope.MANAGE),
        summary="Give the whole house as one ZIP file.",
        gives="application/zip",
    ),
    FileOperation(
        name="archive.restore",
        method="post",
        path="/restore",
        scopes=(Scope.CONFIGURE, Scope.MANAGE),
        summary="Take in a backup; the hub starts anew with it.",
        fields=_UPLOAD,
    ),
    FileOperation(
        name="engines.install",
        method="post",
        path=INSTALL,
        scopes=(Scope.CONFIGURE,),
        summary="Install a model or a voice: an archive, or its files.",
        fields={
            **_UPLOAD,
            "name": {"type": "string", "maxLength": 60},
            "language": {"type": "string", "maxLength": 35},
        },
    ),
    FileOperation(
        name="engines.sound",
        method="get",
        path=SOUND,
        scopes=(Scope.CONTROL,),
        summary="Give what a voice has spoken just now.",
        gives="audio/wav",
        parts=("clip",),
    ),
)
