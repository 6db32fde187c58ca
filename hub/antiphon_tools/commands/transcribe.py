"""`antiphon transcribe`: speech to text for WAV files."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from antiphon_engines.errors import EngineError
from antiphon_hub.errors import HubError
from antiphon_protocol.errors import WavError
from antiphon_protocol.wav import read_wav
from antiphon_tools.commands.speak import parse
from antiphon_tools.transcribing import Transcriber, row, transcriber

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def transcribe(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.wav ...", help="16 kHz mono WAV.")],
    engine: Annotated[str, typer.Option(help="Speech-to-text engine by name.")] = "pocketsphinx",
    grammar: Annotated[
        str,
        typer.Option(
            help="auto: what can be said in the home; none: open dictation; "
            "or a YAML file of sentence templates."
        ),
    ] = "auto",
    home: Annotated[
        Path | None, typer.Option(help="The home's description, YAML; else the example home.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A setting of the engine, as in a worker's [options.ENGINE]; repeatable.",
        ),
    ] = None,
    as_objects: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a file.")
    ] = False,
) -> None:
    """Turn speech into text; exit 0 if every file could be heard."""
    try:
        hearer = transcriber(engine, grammar, home, parse(option or ()))
    except (EngineError, HubError) as error:
        print(f"antiphon transcribe: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    failed = False
    for file in files:
        try:
            found = _heard(hearer, file)
        except (WavError, EngineError) as error:
            print(f"antiphon transcribe: {error}", file=sys.stderr)
            failed = True
        else:
            print(json.dumps(found, ensure_ascii=False) if as_objects else _line(found), flush=True)
    if failed:
        raise typer.Exit(1)


def _heard(hearer: Transcriber, file: Path) -> dict[str, Any]:
    pcm = read_wav(file)
    result, engine_ms = hearer.transcribe(pcm)
    return row(file, pcm, result, engine_ms)


def _line(found: dict[str, Any]) -> str:
    if found["transcript"]:
        return f"{found['file']}: {found['transcript']}  ({found['confidence']:.2f})"
    return f"{found['file']}: {'(not sure enough)' if found['rejected'] else '(nothing)'}"


def main() -> None:
    """Entry point."""
    app()
