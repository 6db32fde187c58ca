"""Commands of a home, spoken: right, wrong and rejected, clean and in noise.

A row's text says what was meant: a command is right if what was heard means the same in the home,
after rejection. Rows whose text the home does not take as a command are counted, and left out.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from antiphon_engines.errors import EngineError
from antiphon_hub.errors import HubError
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter
from tests.bench import commands
from tests.bench._recordings import NoRecordingsError, rows

HOME: Final = Path(__file__).with_name("home.yaml")
"""The example home, and in it what people's recordings here name."""
ROOM: Final = "kitchen"

Meaning = tuple[str, Mapping[str, Any], tuple[str, ...]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options: those of the commands, and the home."""
    commands.add_arguments(parser)
    parser.add_argument("--home", type=Path, default=HOME)
    parser.set_defaults(manifest=commands.CORPORA / "free_speech" / "manifest.jsonl")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of all conditions."""
    try:
        return _figures(args)
    except (NoRecordingsError, EngineError, HubError) as error:
        sys.exit(f"home: {error}")


def understood(interpreter: Interpreter, text: str) -> Meaning | None:
    """Return what a text means in the home, by its templates; None if it is no command there."""
    found = interpreter.interpret(text, room=ROOM) if text else None
    if not isinstance(found, Interpretation) or found.stage != "template":
        return None
    return found.intent, found.slots, found.devices


def _figures(args: argparse.Namespace) -> dict[str, Any]:
    interpreter = Interpreter(load_home(args.home))
    said = [row for row in rows(args.manifest, args.root) if row["lang"] == "en" and row["text"]]
    meanings = {row["text"]: understood(interpreter, row["text"]) for row in said}
    mine = [row for row in said if meanings[row["text"]] is not None][:: max(1, args.limit)]
    if not mine:
        raise NoRecordingsError(f"{args.manifest} has no command that the home understands")

    def right(text: str, row: commands.Row) -> bool:
        return understood(interpreter, text) == meanings[row["text"]]

    outcomes = commands.hear_rows(args, mine, commands.home_context(args.home), right)
    found = commands.shares(outcomes, args)
    found["no_command_here"] = len(said) - len(mine)
    return found
