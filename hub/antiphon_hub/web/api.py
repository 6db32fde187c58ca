"""The JSON API: every deed under `/api/v1`, and the OpenAPI 3.1 document that describes them."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from antiphon_hub.errors import ConsoleError
from antiphon_hub.web.answers import Refusal, desk_of, done, json, refused
from antiphon_hub.web.deed import Deed
from antiphon_hub.web.file_operations import FILE_OPERATIONS, FileOperation
from antiphon_hub.web.forms import from_json, from_texts, parts_of
from antiphon_hub.web.table import DEEDS
from antiphon_hub.web.visit import CSRF_HEADER, check_csrf, known, visitor_of

BASE: Final = "/api/v1"
DOCUMENT: Final = "/api/openapi.json"
_REF: Final = "#/components/schemas/{name}"
_REFUSALS: Final = {
    "400": "no JSON",
    "401": "no token, or none that holds; no session",
    "403": "this person or token may not",
    "404": "there is no such thing",
    "405": "not with this method",
    "409": "not as things are; the message says why",
    "413": "too large",
    "415": "the body is no JSON by its type",
    "421": "the Host header names another machine",
    "422": "a field is missing, unknown or wrong; nothing has changed",
    "429": "too many tries",
    "503": "the house cannot do it now",
}

Endpoint = Callable[[Request], Awaitable[Response]]


def routes() -> list[BaseRoute]:
    """Return the API's routes."""
    by_path: dict[str, dict[str, Deed]] = defaultdict(dict)
    for one in DEEDS:
        by_path[one.path][one.method] = one
    found: list[BaseRoute] = [
        Route(BASE + path, _endpoint(deeds), methods=list(deeds)) for path, deeds in by_path.items()
    ]
    return [*found, Route(DOCUMENT, _describe)]


def _endpoint(deeds: Mapping[str, Deed]) -> Endpoint:
    async def answer(request: Request) -> Response:
        one = deeds["GET" if request.method == "HEAD" else request.method]
        try:
            who = known(await visitor_of(request, request.app.state.house.accounts))
            if one.method != "GET":
                check_csrf(who, request.headers.get(CSRF_HEADER, ""))
            asked = await _asked(one, request)
            return json(await done(one, desk_of(request, who), asked))
        except ConsoleError as error:
            return refused(error)

    return answer


async def _asked(one: Deed, request: Request) -> Any:
    if one.method == "GET":
        pairs = [*request.query_params.multi_items(), *request.path_params.items()]
        return from_texts(one, pairs)
    if request.query_params:
        raise ConsoleError(422, "this takes a JSON body and nothing in the query")
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        raise ConsoleError(415, "send JSON: Content-Type: application/json")
    return from_json(one, body, request.path_params)


# -- the document ---------------------------------------------------------------------------------


async def _describe(request: Request) -> Response:
    del request
    return json(document())


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    types = [Refusal, *(one.takes for one in DEEDS), *(one.gives for one in DEEDS)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    shown = dict(zip((id(one) for one in types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in DEEDS:
        taken = components[one.takes.__name__]
        paths[one.path][one.method.lower()] = _operation(one, taken, shown[id(one.gives)])
    for file in FILE_OPERATIONS:
        paths[file.path][file.method] = _file_operation(file)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Antiphon",
            "version": version("antiphon-hub"),
            "description": "All that the console can do. A token is made on the page People.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _file_operation(one: FileOperation) -> dict[str, Any]:
    done = {"$ref": _REF.format(name="Done")}
    plain = one.gives == "application/json"
    given = _content("Done", done) if plain else {"description": "Done", "content": {one.gives: {}}}
    operation: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"Needs {' and '.join(f'the right `{scope}`' for scope in one.scopes)}.",
        "tags": [one.name.partition(".")[0]],
        "parameters": [_parameter(name, {"type": "string"}, "path") for name in one.parts],
        "responses": {"200": given, **_refusals()},
    }
    if one.fields:
        schema = {"type": "object", "properties": one.fields, "required": ["file"]}
        content = {"multipart/form-data": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _refusals() -> dict[str, Any]:
    return {
        code: _content(text, {"$ref": _REF.format(name="Refusal")})
        for code, text in _REFUSALS.items()
        if code != "421"
    }


def _operation(one: Deed, taken: Mapping[str, Any], given: Any) -> dict[str, Any]:
    fields: dict[str, Any] = taken.get("properties", {})
    needed: Sequence[str] = taken.get("required", ())
    parts = parts_of(one.path)
    rest = {name: schema for name, schema in fields.items() if name not in parts}
    operation: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"Needs the right `{one.scope}`.",
        "tags": [one.topic],
        "parameters": [_parameter(name, fields[name], "path") for name in parts],
        "responses": {
            "200": _content("Done", given),
            **_refusals(),
        },
    }
    if one.method == "GET":
        operation["parameters"] += [
            _parameter(name, schema, "query", required=name in needed)
            for name, schema in rest.items()
        ]
    elif rest:
        required = [name for name in needed if name in rest]
        body = {"type": "object", "properties": rest, "additionalProperties": False}
        schema = body | ({"required": required} if required else {})
        operation["requestBody"] = {
            "required": bool(required),
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _parameter(name: str, schema: Any, where: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": schema}


def _content(text: str, schema: Any) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
