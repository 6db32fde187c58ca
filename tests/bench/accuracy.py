"""How often people are understood: one entry to the figures of each set of test material.

`--set natural` reads how people really word things (JSON lines with `sentence` and `intent`) and,
as a check of our own, the intents project's test cases; the other sets hear recordings, and are
the benches that carry their names. `--manifest` and `--engine` mean the same in all of them.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tests.bench import _natural, commands, dictation, wake
from tests.bench._recordings import NoRecordingsError

SETS: Final = ("orders", "home", "dictation", "wake", "natural", "rejection")
HEARING: Final[Mapping[str, tuple[ModuleType, Callable[[dict[str, Any]], dict[str, Any]]]]] = {
    "orders": (commands, lambda found: found),
    "dictation": (dictation, lambda found: found),
    "wake": (wake, lambda found: found),
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
    if args.what not in HEARING:
        sys.exit(f"accuracy: the set {args.what} has no bench yet")
    bench, shaped = HEARING[args.what]
    parser = argparse.ArgumentParser(prog=f"accuracy --set {args.what}")
    bench.add_arguments(parser)
    given = [part for path in args.manifest or () for part in ("--manifest", str(path))]
    given += ["--engine", args.engine] if args.engine else []
    return {"set": args.what, **shaped(bench.run(parser.parse_args([*given, *args.more])))}
