"""`antiphon skills`: which skills of others the hub would use, and what is wrong with the rest."""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from antiphon_hub.errors import HubError
from antiphon_hub.home.model import load_home
from antiphon_hub.mind import plugins_of
from antiphon_hub.settings import Settings
from antiphon_hub.skills import FakeDevices, Plugins
from antiphon_link import settings
from antiphon_link.errors import SettingsError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def skills(
    config: Annotated[Path | None, typer.Option(help="The hub's settings file, TOML.")] = None,
    as_objects: Annotated[
        bool, typer.Option("--json", help="Print JSON, one object a line.")
    ] = False,
) -> None:
    """List the skills of others as the hub would find them; exit 1 if one cannot be used."""
    logging.disable()  # what is wrong is said below
    try:
        chosen = settings.load(config, Settings)
        plugins = plugins_of(chosen)
        plugins.meet(load_home(Path(chosen.home.file) if chosen.home.file else None), FakeDevices())
    except (HubError, SettingsError) as error:
        print(f"antiphon skills: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    rows = _rows(plugins)
    if as_objects:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    elif rows:
        Console().print(_table(rows))
    else:
        print("no skills but the house's own; see docs/skills.md")
    raise typer.Exit(1 if plugins.faults else 0)


def _rows(plugins: Plugins) -> list[dict[str, Any]]:
    used = [
        {"name": one.name, "from": one.origin, "intents": sorted(one.skill.intents), "wrong": ""}
        for one in plugins.used
    ]
    return used + [
        {"name": one.name, "from": one.origin, "intents": [], "wrong": one.why}
        for one in plugins.faults
    ]


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("name", "from", "does"):
        table.add_column(name, overflow="fold")
    for row in rows:
        does = (
            Text(", ".join(row["intents"])) if row["intents"] else Text(row["wrong"], style="red")
        )
        table.add_row(Text(row["name"]), Text(row["from"]), does)
    return table


def main() -> None:
    """Entry point."""
    app()
