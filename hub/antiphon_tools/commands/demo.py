"""`antiphon demo`: the whole house in one terminal."""

import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from antiphon_ears.errors import EarsError
from antiphon_link import logs, program
from antiphon_link.errors import LinkError
from antiphon_protocol.errors import ProtocolError
from antiphon_satellite.errors import SatelliteError
from antiphon_tools.demo.app import Demo, Plan, Prepare
from antiphon_tools.demo.errors import DemoError, OutError
from antiphon_tools.demo.present import JsonPresenter, LivePresenter, PlainPresenter, Presenter
from antiphon_tools.demo.results import summarize
from antiphon_tools.demo.script import (
    ANYWHERE,
    ROOMS,
    TOUR,
    from_files,
    microphone_present,
    tour,
)
from antiphon_tools.demo.view import HouseView
from antiphon_tools.speech import SpeechError

DECLARED = (DemoError, EarsError, LinkError, ProtocolError, SatelliteError, SpeechError)
"""What a command prints without a traceback."""
INTERRUPTED = 130
"""The shell's status of a program that was ended by Ctrl-C."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def demo(
    wav: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE ...", help="Speak these recordings instead of the tour."),
    ] = None,
    room: Annotated[str, typer.Option(help="Where the recordings are spoken.")] = ROOMS[0],
    once: Annotated[
        bool, typer.Option("--once", help="End after the commands, microphone or not.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a command, nothing else.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write each reply into this folder.")] = None,
    microphone: Annotated[
        bool, typer.Option("--microphone", help="Listen to the microphone after the commands.")
    ] = False,
    home: Annotated[Path | None, typer.Option(help="Your home, YAML.")] = None,
    sentences: Annotated[
        list[Path] | None, typer.Option(metavar="FILE ...", help="Your own sentences, YAML.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Plain output, and the logs of all parts.")
    ] = False,
) -> None:
    """Run the whole house and speak to it: a tour, your recordings, or you at the microphone."""
    live = sys.stdout.isatty() and not json and not verbose
    listen = not once and (microphone or (live and microphone_present()))
    logs.set_up(verbose=verbose)
    if not verbose:
        logging.getLogger().setLevel(logging.CRITICAL)  # what goes wrong is told by the results
    try:
        plan = Plan(
            rooms=tuple(dict.fromkeys((*ROOMS, room))),
            prepare=_prepare(wav or [], room, example_home=home is None),
            out=_folder(out),
            home=home,
            sentences=tuple(sentences or ()),
            listen_in=room if listen else "",
        )
        raise typer.Exit(_show(plan, _presenter(plan, live=live, json=json)))
    except DECLARED as error:
        sys.exit(f"antiphon demo: {error}")
    except ExceptionGroup as group:
        sys.exit(f"antiphon demo: {_reason(group)}")


def _prepare(wav: Sequence[Path], room: str, *, example_home: bool) -> Prepare:
    """Return what gives the commands; recordings are read here, before anything starts."""
    if not wav:
        return partial(tour, lines=TOUR if example_home else ANYWHERE)
    commands = from_files(wav, room)
    return lambda _: commands


def _folder(out: Path | None) -> Path | None:
    """Return the folder for the replies, made if need be.

    Raises:
        OutError: it cannot be made.
    """
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutError(f"--out {out}: {error.strerror}; choose another folder") from None
    return out


def _presenter(plan: Plan, *, live: bool, json: bool) -> Presenter:
    if json:
        return JsonPresenter()
    return LivePresenter(Console(), HouseView(plan.rooms)) if live else PlainPresenter()


def _show(plan: Plan, presenter: Presenter) -> int:
    """Run the demo; return the exit code: 0 only if every command was answered."""
    showing = Demo(plan, presenter)
    try:
        program.run(showing.run())
    finally:
        presenter.end(showing.results)
    if not showing.finished:
        return INTERRUPTED
    return 0 if summarize(showing.results).all_answered else 1


def _reason(group: ExceptionGroup[Exception]) -> str:
    """Return the message of the first declared error in the group; raise what is none."""
    declared, other = group.split(DECLARED)
    if other is not None or declared is None:
        raise group
    first: BaseException = declared
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first)


def spread(arguments: Sequence[str], lists: Sequence[str] = ("--wav", "--sentences")) -> list[str]:
    """Return the arguments with `--wav A B` written as the parser wants it: `--wav A --wav B`."""
    spread: list[str] = []
    current = ""
    for argument in arguments:
        if argument.startswith("-"):
            current = argument if argument in lists else ""
        elif current and spread[-1] != current:
            spread.append(current)
        spread.append(argument)
    return spread


def main() -> None:
    """Entry point."""
    app(spread(sys.argv[1:]))
