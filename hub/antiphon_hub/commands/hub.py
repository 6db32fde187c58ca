"""`antiphon hub`: run the house."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from antiphon_hub import backup
from antiphon_hub.app import Hub
from antiphon_hub.errors import HubError, LeaseLostError, RestartAskedError
from antiphon_hub.settings import Settings
from antiphon_link import logs, program, settings
from antiphon_link.errors import LinkError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
log = logging.getLogger("antiphon.hub")


@app.command()
def hub(
    config: Annotated[Path | None, typer.Option(help="Settings file, TOML.")] = None,
    broker: Annotated[
        str, typer.Option(help="Use this MQTT 5 broker (HOST or HOST:PORT) instead of an own one.")
    ] = "",
    lan: Annotated[
        bool,
        typer.Option("--lan", help="Let paired devices of the home's network in, encrypted."),
    ] = False,
    open_: Annotated[
        bool,
        typer.Option("--open", help="With --lan: let everybody in, unpaired and in the clear."),
    ] = False,
    port: Annotated[
        int | None, typer.Option(help="Port of the own broker; default: 1883, or a free one.")
    ] = None,
    console: Annotated[
        str, typer.Option(help="Serve the console at HOST:PORT, as 127.0.0.1:8123.")
    ] = "",
    state_dir: Annotated[Path | None, typer.Option(help="Where the journal lives.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Run the house: understand, do, answer."""
    logs.set_up(verbose=verbose)
    try:
        chosen = settings.load(config, Settings)
        program.run(
            serve(_with_options(chosen, broker, port, console, state_dir, lan=lan, open_=open_))
        )
    except (HubError, LinkError) as error:
        sys.exit(f"antiphon hub: {error}")
    except ExceptionGroup as group:
        sys.exit(f"antiphon hub: {_reason(group)}")


async def serve(settings: Settings) -> None:
    """Be a hub until cancelled: act or stand by, as often as that changes."""
    while not await _served(settings):
        pass  # each time a fresh hub: nothing of the old one's state is left in memory


async def _served(settings: Settings) -> bool:
    """Serve; return False when another hub took over, or this one is to start anew."""
    ended = True
    if await asyncio.to_thread(backup.take_in, settings.state_dir()):
        log.warning("a backup was put in place; what was there before is kept beside it")
    try:
        await Hub(settings).run()
    except* LeaseLostError:
        log.warning("another hub has taken over; standing by")
        ended = False
    except* RestartAskedError as asked:
        log.warning("%s", asked.exceptions[0])
        ended = False
    return ended


def _with_options(
    chosen: Settings,
    broker: str,
    port: int | None,
    console: str,
    state_dir: Path | None,
    *,
    lan: bool,
    open_: bool,
) -> Settings:
    own = chosen.mosquitto
    own = msgspec.structs.replace(
        own,
        lan=own.lan or lan,
        anonymous=own.anonymous or open_,
        port=own.port if port is None else port,
    )
    return msgspec.structs.replace(
        chosen,
        mosquitto=own,
        console=msgspec.structs.replace(chosen.console, listen=console or chosen.console.listen),
        broker=msgspec.structs.replace(chosen.broker, address=broker or chosen.broker.address),
        hub=msgspec.structs.replace(
            chosen.hub, state_dir=str(state_dir) if state_dir else chosen.hub.state_dir
        ),
    )


def _reason(group: ExceptionGroup[Exception]) -> str:
    """Return the message of the first declared error in the group; raise what is none."""
    declared, other = group.split((HubError, LinkError))
    if other is not None or declared is None:
        raise group
    first: BaseException = declared
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first)


def main() -> None:
    """Entry point."""
    app()
