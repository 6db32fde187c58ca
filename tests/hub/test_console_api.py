"""The JSON API does what its OpenAPI document says, for tokens as for people."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from antiphon_hub.identity.people import Scope
from antiphon_hub.settings import ConsoleSection
from antiphon_hub.web.api import document
from antiphon_hub.web.file_operations import FILE_OPERATIONS
from antiphon_hub.web.serve import serving
from antiphon_hub.web.table import DEEDS
from tests.support.console_world import ConsoleWorld, console_world

EXAMPLES = 6
"""Per operation: this looks for breaks at each change, a longer run may ask for more."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConsoleWorld]:
    async with console_world(tmp_path) as one:
        yield one


def test_the_document_describes_every_deed() -> None:
    described = {
        operation["operationId"]
        for path in document()["paths"].values()
        for operation in path.values()
    }
    assert described == {one.name for one in (*DEEDS, *FILE_OPERATIONS)}
    assert len({(one.method, one.path) for one in DEEDS}) == len(DEEDS)
    assert all(one.summary.endswith(".") for one in DEEDS)


async def test_a_token_may_what_its_scopes_say(world: ConsoleWorld) -> None:
    reader = world.program(Scope.READ)
    assert (await reader.get("/api/v1/rooms")).status_code == 200
    assert (await reader.get("/api/v1/conversations")).status_code == 403
    assert (await reader.post("/api/v1/commands", json={"text": "light"})).status_code == 403
    speaker = world.program(Scope.CONTROL)
    answer = await speaker.post("/api/v1/commands", json={"text": "light on", "room": "kitchen"})
    assert answer.json()["message"] == "The light is on."
    assert (await reader.post("/api/v1/me/tokens", json={})).status_code == 422
    more = {"label": "more", "scopes": ["manage"]}
    assert (await reader.post("/api/v1/me/tokens", json=more)).status_code == 403


async def test_a_dead_token_opens_nothing(world: ConsoleWorld) -> None:
    program = world.program(Scope.READ)
    owner = await world.signed_in()
    tokens = (await owner.get("/api/v1/me/tokens")).json()["tokens"]
    gone = await owner.delete(f"/api/v1/me/tokens/{tokens[0]['id']}")
    assert gone.status_code == 200
    answer = await program.get("/api/v1/rooms")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"text": 1}', "application/json", 422),
        (b'{"text": "hi", "nope": 1}', "application/json", 422),
        (b'{"text": "hi"}', "text/plain", 415),
        (b"{}", "application/json", 422),
        (b'{"text": "' + b"x" * 2_200_000 + b'"}', "application/json", 413),
    ],
)
async def test_a_wrong_body_is_told_why(
    world: ConsoleWorld, body: bytes, kind: str, status: int
) -> None:
    program = world.program(Scope.CONTROL)
    headers = {"Content-Type": kind}
    answer = await program.post("/api/v1/commands", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert world.ask.asked == []


async def test_a_conversation_with_its_trace(world: ConsoleWorld) -> None:
    marks = {"woken": 0.0, "speech-ended": 1.0, "heard": 1.2, "ended": 2.0}
    trace = {"confidence": 0.9, "engine": "pocketsphinx"}
    await world.keep("turn-1", transcript="light <on>", reply="Done.", marks=marks, trace=trace)
    owner = await world.signed_in()
    found = (await owner.get("/api/v1/conversations?text=light")).json()
    assert [one["turn"] for one in found["turns"]] == ["turn-1"]
    assert (await owner.get("/api/v1/conversations?text=100%25_")).json()["turns"] == []
    one = (await owner.get("/api/v1/conversations/turn-1")).json()
    assert [bar["name"] for bar in one["bars"]] == ["listen", "hear"]
    marked = await owner.post("/api/v1/conversations/turn-1/wrong", json={"meant": "lights"})
    assert marked.status_code == 200
    wrong = (await owner.get("/api/v1/conversations?wrong=true")).json()["turns"]
    assert len(wrong) == 1
    page = (await owner.get("/conversations/turn-1")).text
    assert "light &lt;on&gt;" in page
    assert "lights" in page
    none = await owner.post("/api/v1/conversations/turn-2/wrong", json={})
    assert none.status_code == 404


async def test_who_is_told_the_address_is_let_in_at_once(world: ConsoleWorld) -> None:
    section = ConsoleSection(listen="127.0.0.1:0")
    async with serving(world.house, world.live, world.observer, section) as address:
        port = int(address.rpartition(":")[2])
        # Nothing has been awaited since: the server's own task has not begun.
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


@pytest.mark.slow
async def test_schemathesis_finds_nothing(world: ConsoleWorld) -> None:
    token = world.program(*Scope).headers["Authorization"]
    world.worker.join()
    section = ConsoleSection(listen="127.0.0.1:0")
    async with serving(world.house, world.live, world.observer, section) as address:
        await asyncio.to_thread(every_operation, address, {"Authorization": token})


def every_operation(address: str, headers: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document())))
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            answer = case.call(base_url=f"{address}/api/v1", headers=headers)
            case.validate_response(answer, checks=CHECKS)

        holds()
