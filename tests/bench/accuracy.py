"""How often people are understood: one entry to the figures of each set of test material.

`--set natural` reads how people really word things (JSON lines with `sentence` and `intent`) and,
as a check of our own, the intents project's test cases; the other sets hear recordings, and are
the benches that carry their names. `--manifest` and `--engine` mean the same in all of them.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tests.bench import _home_commands, _natural, _rejection, commands, dictation, wake
from tests.bench._intervals import rate_interval, share_interval
from tests.bench._recordings import NoRecordingsError

SETS: Final = ("orders", "home", "dictation", "wake", "natural", "rejection")
HEARING: Final[Mapping[str, ModuleType]] = {
    "orders": commands,
    "home": _home_commands,
    "dictation": dictation,
    "wake": wake,
    "rejection": _rejection,
}
"""Sets that another bench measures; each gives its figures as they are."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare this bench's options; those that follow `--` are the set's own."""
    parser.add_argument("--set", dest="what", choices=SETS, default="natural")
    parser.add_argument("--manifest", type=Path, action="append", help="default: the set's own")
    parser.add_argument("--engine", help="default: the set's own")
    parser.add_argument("more", nargs="*", help="options of the set's own bench, after --")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Return the set's figures."""
    if args.what == "natural":
        try:
            return {"set": "natural", **_natural.measure(_natural.options(args))}
        except NoRecordingsError as error:
            sys.exit(f"accuracy: {error}")
    bench = HEARING[args.what]
    parser = argparse.ArgumentParser(prog=f"accuracy --set {args.what}")
    bench.add_arguments(parser)
    given = [part for path in args.manifest or () for part in ("--manifest", str(path))]
    given += ["--engine", args.engine] if args.engine else []
    found = bench.run(parser.parse_args([*given, *args.more]))
    if args.what == "wake":
        found = {**_calls(found), **found}
    return {"set": args.what, **found}


def _calls(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return recall and false wakes over all phrases that were called, as a satellite ships.

    That is with both engines listening as one; where only some were asked for, with the first of
    them.
    """
    engine = next(iter(found["engines"].values()))
    alone = {
        phrase: one["at"][str(one["default_threshold"])]
        for phrase, one in engine["phrases"].items()
    }
    together = {phrase: one["shipped"] for phrase, one in found["together"].items()}
    called = [at for at in {**alone, **together}.values() if at["recall"] is not None]
    heard, calls = (sum(int(at["heard"].split("/")[part]) for at in called) for part in (0, 1))
    false, hours = sum(at["false"] for at in called), sum(at["hours"] for at in called)
    return {
        "n": calls,
        "recall": round(heard / max(1, calls), 4),
        "recall_95": share_interval(heard, calls),
        "false_per_hour": round(false / hours, 3) if hours else None,
        "false_per_hour_95": rate_interval(false, hours),
    }
