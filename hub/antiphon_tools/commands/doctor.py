"""`antiphon doctor`: what is there, what is missing, how to mend it."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from antiphon_tools.doctor.examine import examine
from antiphon_tools.doctor.finding import as_json, is_healthy
from antiphon_tools.doctor.report import table

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def doctor(
    config: Annotated[Path | None, typer.Option(help="The hub's settings file, TOML.")] = None,
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what is there, what is missing, how to mend it; exit 0 if nothing needed is missing."""
    logging.disable(logging.WARNING)  # the findings say it, with a remedy
    console = Console()
    if as_object or not console.is_terminal:
        findings = asyncio.run(examine(config))
    else:
        with console.status("looking at engines, network and sound ..."):
            findings = asyncio.run(examine(config))
    if as_object:
        print(json.dumps(as_json(findings)))
    else:
        console.print(table(findings))
    raise typer.Exit(0 if is_healthy(findings) else 1)


def main() -> None:
    """Entry point."""
    app()
