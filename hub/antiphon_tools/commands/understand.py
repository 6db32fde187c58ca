"""`antiphon understand`: what a sentence means, and what the house would say. Nothing is done."""

import asyncio
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from antiphon_hub.errors import HubError
from antiphon_hub.home.model import Home, load_home
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter
from antiphon_hub.skills import FakeDevices, Request, Skills
from antiphon_protocol.messages.event import DeviceState

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def understand(
    text: Annotated[str, typer.Argument(help="The sentence.")],
    room: Annotated[str, typer.Option(help="The room where it is said.")] = "",
    sentences: Annotated[
        list[Path] | None, typer.Option(help="Your own sentences, YAML; may be given repeatedly.")
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Your home, YAML; else the example.")] = None,
    language: Annotated[str, typer.Option(help="The language that is spoken.")] = "en",
    templates_only: Annotated[
        bool, typer.Option("--templates-only", help="Leave natural wording out.")
    ] = False,
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a sentence means and what the answer would be; exit 0 if it was understood."""
    try:
        interpreter = Interpreter(
            load_home(home), sentences or (), language, natural=not templates_only
        )
    except HubError as error:
        print(f"antiphon understand: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    found = explain(interpreter, text, room)
    if as_object:
        print(json.dumps(found, ensure_ascii=False))
    else:
        Console().print(_table(found))
    raise typer.Exit(0 if "intent" in found else 1)


def explain(interpreter: Interpreter, text: str, room: str) -> dict[str, Any]:
    """Return what the text means in that room, as JSON values.

    Questions about states are answered as if everything were off.
    """
    began = time.perf_counter()
    meaning = interpreter.interpret(text, room=room)
    ms = round((time.perf_counter() - began) * 1000, 3)
    said = {"text": text, "room": room}
    if not isinstance(meaning, Interpretation):
        unclear = {"code": meaning.code, "say": meaning.say, "ms": ms}
        if not meaning.intent and not meaning.options:
            return {**said, **unclear}
        intent = meaning.intent or meaning.options[0].meaning.intent
        return {**said, **unclear, "understood": intent, "confidence": meaning.confidence}
    return {
        **said,
        "intent": meaning.intent,
        "stage": meaning.stage,
        "confidence": meaning.confidence,
        "slots": meaning.slots,
        "devices": list(meaning.devices),
        "reply": asyncio.run(_reply(interpreter, meaning, room)),
        "ms": ms,
    }


async def _reply(interpreter: Interpreter, meaning: Interpretation, room: str) -> str:
    skills = Skills(interpreter.home, _all_off(interpreter.home), interpreter)
    now = datetime.now().astimezone()
    request = Request.of(meaning, turn="turn-0", room=room, now=now, language=interpreter.language)
    return (await skills.do(request)).text


def _all_off(home: Home) -> FakeDevices:
    return FakeDevices({device.id: DeviceState(on=False) for device in home.devices})


def _table(found: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in found.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        table.add_row(f"[bold]{name}[/bold]", shown.replace("[", r"\["))
    return table


def main() -> None:
    """Entry point."""
    app()
