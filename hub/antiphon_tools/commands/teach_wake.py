"""`antiphon teach-wake`: teach a hub how its people call it, and have it forget them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from antiphon_ears.errors import EarsError
from antiphon_hub.callers import Taught, load, save
from antiphon_hub.errors import HubError
from antiphon_hub.home.files import OWN
from antiphon_link.errors import SettingsError
from antiphon_protocol.errors import WavError
from antiphon_protocol.limits import NAME_CHARS_MAX
from antiphon_tools.commands.hub_state import ConfigOption, StateOption, state_dir_of
from antiphon_tools.teaching import teaching

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Teach a hub how its own people say the wake phrase; `[listening] check_wake` uses it.",
)

PersonArgument = Annotated[str, typer.Argument(help="Whose calls they are.")]


@app.command()
def call(
    person: PersonArgument,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE.wav ...]", help="16 kHz mono WAV.")
    ] = None,
    turn: Annotated[
        list[str] | None,
        typer.Option(help="A turn whose audio is kept: its id, or `last`; repeatable."),
    ] = None,
    phrase: Annotated[str, typer.Option(help="What is called in the files.")] = "hey mycroft",
    config: ConfigOption = None,
    state_dir: StateOption = None,
) -> None:
    """Take calls of a person: recordings, or turns whose audio the hub keeps."""
    with _mistakes_told("call"):
        if not (name := person.strip()) or len(name) > NAME_CHARS_MAX or not (files or turn):
            raise SettingsError("call", ["give a person's name, and a recording or a --turn"])
        folder = state_dir_of(config, state_dir)
        calls = [teaching.call_in_turn(folder, one) for one in turn or ()]
        calls += [teaching.call_in_file(file, phrase) for file in files or ()]
        taught = teaching.teach(load(folder / OWN), name, calls, teaching.now())
        save(folder / OWN, taught)
    for one in sorted({one.phrase for one in calls}):
        _tell(taught, one)


@app.command()
def forget(
    person: PersonArgument, config: ConfigOption = None, state_dir: StateOption = None
) -> None:
    """Forget all calls of a person."""
    with _mistakes_told("forget"):
        folder = state_dir_of(config, state_dir)
        taught = teaching.forget(load(folder / OWN), person.strip())
        save(folder / OWN, taught)
    print(f"the calls of {person.strip()} are forgotten")


@app.command(name="list")
def list_people(
    config: ConfigOption = None,
    state_dir: StateOption = None,
    as_objects: Annotated[
        bool, typer.Option("--json", help="Print JSON, one object a line.")
    ] = False,
) -> None:
    """Tell whose calls are known, and how many."""
    with _mistakes_told("list"):
        taught = load(state_dir_of(config, state_dir) / OWN)
    counts = taught.counts()
    for (phrase, person), count in sorted(counts.items()):
        counted = phrase in taught.likenesses
        row = {"phrase": phrase, "person": person, "calls": count, "counts": counted}
        print(json.dumps(row, ensure_ascii=False) if as_objects else f"{person}: {phrase}, {count}")
    if not counts and not as_objects:
        print("nobody's calls are known")


def _tell(taught: Taught, phrase: str) -> None:
    known = sum(one.phrase == phrase for one in taught.calls.values())
    missing = teaching.missing(taught, phrase)
    wanting = f"; {missing} more until they count" if missing else ""
    print(f"{phrase}: {known} call{'s' if known > 1 else ''} known{wanting}")


@contextmanager
def _mistakes_told(verb: str) -> Iterator[None]:
    try:
        yield
    except (HubError, SettingsError, EarsError, WavError) as error:
        print(f"antiphon teach-wake {verb}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def main() -> None:
    """Entry point."""
    app()
