"""Our own scripts, styles and pictures: in memory, compressed once, cached by browsers for good."""

import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).with_name("static")
FOREVER: Final = "public, max-age=31536000, immutable"
_COMPRESSIBLE: Final = ("text/", "application/javascript", "image/svg", "application/manifest")


class Assets:
    """The files of one folder, under a path that changes with what they hold."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {one.name: one.read_bytes() for one in sorted(folder.iterdir())}
        digest = hashlib.sha256()
        for name, data in self._files.items():
            digest.update(name.encode() + b"\0" + data)
        self.version = digest.hexdigest()[:12]
        self._packed = {
            name: gzip.compress(data, 9, mtime=0)
            for name, data in self._files.items()
            if _kind(name).startswith(_COMPRESSIBLE)
        }

    @property
    def packed_bytes(self) -> int:
        """What all of them take on their way to a browser."""
        return sum(len(self._packed.get(name, data)) for name, data in self._files.items())

    def path(self, name: str) -> str:
        """Return the address of a file.

        Raises:
            KeyError: there is none of that name.
        """
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    async def serve(self, request: Request) -> Response:
        """Answer `/static/VERSION/NAME`."""
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        if request.path_params["version"] != self.version:
            headers["Cache-Control"] = "no-cache"  # an older page asks: it gets today's file once
        data = self._files[name]
        if name in self._packed and "gzip" in request.headers.get("accept-encoding", ""):
            data = self._packed[name]
            headers["Content-Encoding"] = "gzip"
        return Response(data, media_type=_kind(name), headers=headers)


def _kind(name: str) -> str:
    if name.endswith(".js"):
        return "application/javascript"
    if name.endswith(".webmanifest"):
        return "application/manifest+json"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
