"""`antiphon train-meaning`: the model of natural wording, out of sentences and word vectors."""

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def train_meaning(
    sentences: Annotated[
        list[Path], typer.Argument(help="JSON lines with `sentence` and `intent`.")
    ],
    mapping: Annotated[
        Path, typer.Option(help="JSON: file's name, its intents, intents of ours that are right.")
    ],
    vectors: Annotated[Path, typer.Option(help="Word vectors in GloVe's text format.")],
    out: Annotated[Path, typer.Option(help="The model file to write.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same model.")] = 1,
    epochs: Annotated[int, typer.Option(min=1, max=100, help="Passes over all sentences.")] = 5,
) -> None:
    """Make a model of natural wording; templates and paraphrases of our own are added."""
    making = _making()
    try:
        recipe = making.Recipe(
            vectors=vectors, sentences=tuple(sentences), mapping=mapping, seed=seed, epochs=epochs
        )
        counts = making.Maker(recipe).write(out)
    except (OSError, KeyError, json.JSONDecodeError) as error:
        print(f"antiphon train-meaning: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    size = out.stat().st_size
    print(f"{out} is written: {counts['said']} + {counts['drawn']} sentences, {size:,} bytes")


def _making() -> Any:
    try:
        return importlib.import_module("antiphon_tools.meaning.making")
    except ModuleNotFoundError as error:
        print(
            f"antiphon train-meaning: {error.name} is missing: install antiphon-hub[torch]",
            file=sys.stderr,
        )
        raise typer.Exit(1) from None


def main() -> None:
    """Entry point."""
    app()
