"""`python -m tests.bench NAME [--json] [options]`: runs one bench and prints its figures."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

from antiphon_engines.threads import let_libraries_take_one

let_libraries_take_one()  # as a worker has it, before a bench loads numpy

ROOT = Path(__file__).parents[2]


def names() -> list[str]:
    """Return the names of the benches: the modules of this folder that can be run."""
    paths = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    return [path.stem for path in paths if "\ndef run(" in path.read_text(encoding="utf-8")]


def circumstances() -> dict[str, Any]:
    """Return what figures depend on besides the code: the machine, and which code it was."""
    return {
        "machine": f"{platform.system()} {platform.machine()}, {cpu_model()}",
        "cores": len(os.sched_getaffinity(0)),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "commit": git("rev-parse", "--short", "HEAD") or "unknown",
        "changed": bool(git("status", "--porcelain", "--untracked-files=no")),
    }


def cpu_model() -> str:
    """Return the processor's name as Linux knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else "unknown processor"


def git(*arguments: str) -> str:
    """Return what git says of this checkout; empty without git."""
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git is installed
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the figures as rows; nested names are joined by dots."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            yield prefix + name, f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        else:
            yield prefix + name, str(value)


def parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, ModuleType]:
    """Return the options and the bench's module; a wrong name or option exits with 2."""
    first = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    first.add_argument(
        "name",
        type=lambda name: name.replace("-", "_"),
        choices=names(),
        metavar="NAME",
        help=", ".join(names()),
    )
    chosen, rest = first.parse_known_args(list(arguments or sys.argv[1:])[:1])
    bench = importlib.import_module(f"tests.bench.{chosen.name}")
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.bench {chosen.name}", description=bench.__doc__
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    if hasattr(bench, "add_arguments"):
        bench.add_arguments(parser)
    rest += list(arguments or sys.argv[1:])[1:]
    return parser.parse_args(rest, namespace=chosen), bench


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench that is named."""
    args, bench = parse(arguments)
    figures = {"bench": args.name, **bench.run(args), "circumstances": circumstances()}
    if args.json:
        print(json.dumps(figures))
        return
    table = Table(title=f"{args.name}: {(bench.__doc__ or '').splitlines()[0]}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in flat(figures):
        table.add_row(name, value)
    Console().print(table)


if __name__ == "__main__":
    main()
