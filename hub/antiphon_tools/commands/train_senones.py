"""`antiphon train-senones`: the network beside pocketsphinx's Gaussians, out of recordings."""

import importlib
import json
import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from antiphon_engines.errors import EngineError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def train_senones(
    manifest: Annotated[Path, typer.Argument(help="JSON lines: path, text, speaker.")],
    root: Annotated[Path, typer.Option(help="The folder that the paths are below.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    templates: Annotated[
        Path | None, typer.Option(help="Sentences that rows with intent and slots may be of.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="A network to go on from, in fewer steps.")
    ] = None,
    rate: Annotated[
        float, typer.Option(min=1e-6, max=0.1, help="Of learning; 3e-4 to go on from another.")
    ] = 1.5e-3,
    spoken: Annotated[int, typer.Option(min=0, help="Sentences that made voices say.")] = 6000,
    steps: Annotated[
        int, typer.Option(min=1, max=100_000, help="Each hears a minute of speech in noise.")
    ] = 3300,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Of the training alone.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed makes the same network.")] = 1,
) -> None:
    """Make the network of senones; rooms, noise and more voices are made, not recorded."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    making, training = _module("making"), _module("training")
    plan = training.Plan(steps=steps, rate=rate, threads=threads, seed=seed)
    recipe = making.Recipe(
        manifest=manifest, root=root, templates=templates, start=start, spoken=spoken, plan=plan
    )
    try:
        made_of = making.make(recipe, out)
    except (OSError, KeyError, json.JSONDecodeError, EngineError) as error:
        print(f"antiphon train-senones: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(f"{out} is written, {out.stat().st_size:,} bytes: {made_of}")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"antiphon_tools.senones.{name}")
    except ModuleNotFoundError as error:
        print(
            f"antiphon train-senones: {error.name} is missing: install antiphon-hub[torch]",
            file=sys.stderr,
        )
        raise typer.Exit(1) from None


def main() -> None:
    """Entry point."""
    app()
