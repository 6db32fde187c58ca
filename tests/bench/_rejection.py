"""What nobody meant for the house: other speech, and noise alone, against two grammars.

Speech outside the grammar of orders, speech that is no command of the home, and noise of every kind
without a word: how much of it is taken for a command.
"""

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from antiphon_engines.errors import EngineError
from antiphon_engines.stt.port import SttContext
from antiphon_hub.errors import HubError
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.interpreter import Interpreter
from tests.bench import _home_commands, commands
from tests.bench._hearing import Recogniser, hear_all
from tests.bench._recordings import NoRecordingsError, read, rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options: those of the home's commands."""
    _home_commands.add_arguments(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return what was taken of each kind, by grammar."""
    try:
        return _figures(args)
    except (NoRecordingsError, EngineError, HubError) as error:
        sys.exit(f"rejection: {error}")


def _figures(args: argparse.Namespace) -> dict[str, Any]:
    interpreter = Interpreter(load_home(args.home))
    speech = list(rows(args.manifest, args.root))
    foreign = [
        row for row in speech if not _home_commands.understood(interpreter, row["text"] or "")
    ]
    noise = list(rows(args.noise, args.root))
    at_home, of_orders = commands.home_context(args.home), commands.context(args)
    return {
        "speech": {
            "orders": _taken(args, of_orders, speech),
            "home": _taken(args, at_home, foreign),
        },
        "noise": {
            "orders": _taken(args, of_orders, noise),
            "home": _taken(args, at_home, noise),
        },
    }


def _taken(
    args: argparse.Namespace, grammar: SttContext, heard: Sequence[commands.Row]
) -> dict[str, Any]:
    files: list[Path] = [row["file"] for row in heard][:: max(1, args.limit)]
    recordings = [functools.partial(read, file) for file in files]
    recogniser = Recogniser(args.engine, dict(args.option), grammar)
    return commands.taken(hear_all(recogniser, recordings, args.processes))
