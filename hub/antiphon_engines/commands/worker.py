"""`antiphon worker`: runs the engines that hear and speak, here or on another machine."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from antiphon_engines.threads import let_libraries_take_one

let_libraries_take_one()

from antiphon_ears.errors import EarsError  # noqa: E402 - the environment comes first
from antiphon_engines import app  # noqa: E402
from antiphon_engines.errors import EngineError  # noqa: E402
from antiphon_engines.settings import WorkerSettings  # noqa: E402
from antiphon_link import logs, program, settings  # noqa: E402
from antiphon_link.errors import LinkError  # noqa: E402

_cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@_cli.command()
def worker(
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
    broker: Annotated[str, typer.Option(help="Broker as HOST:PORT; else zeroconf finds it.")] = "",
    id_: Annotated[str, typer.Option("--id", help="This worker's id.")] = "",
    pair: Annotated[
        str,
        typer.Option(help="Become part of the house: the code that the hub shows, or `show`."),
    ] = "",
    verbose: Annotated[bool, typer.Option("--verbose", help="Log details.")] = False,
) -> None:
    """Run the engines that hear and speak, here or on another machine."""
    logs.set_up(verbose=verbose)
    try:
        chosen = _with(settings.load(config, WorkerSettings), broker, id_)
        program.run(app.main(chosen, pair))
    except* (LinkError, EngineError, EarsError) as group:
        for error in _leaves(group):
            typer.echo(f"antiphon worker: {error}", err=True)
        raise typer.Exit(1) from None


def _with(chosen: WorkerSettings, broker: str, worker: str) -> WorkerSettings:
    """Let what was given on the command line win over the file."""
    changes: dict[str, Any] = {}
    if broker:
        changes["broker"] = msgspec.structs.replace(chosen.broker, address=broker)
    if worker:
        section = settings.from_tree({"id": worker}, type(chosen.worker), "--id")
        changes["worker"] = msgspec.structs.replace(chosen.worker, id=section.id)
    return msgspec.structs.replace(chosen, **changes)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    leaves: list[Exception] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


def main() -> None:
    """Run the command."""
    _cli()
