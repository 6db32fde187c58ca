"""`antiphon satellite`: hear and speak in a room."""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import msgspec
import typer

from antiphon_link import logs, program, settings
from antiphon_link.joining import Newcomer, ensure_member, show_on_terminal
from antiphon_link.program import ServiceManager
from antiphon_satellite.app import build
from antiphon_satellite.commands.failing import told_plainly
from antiphon_satellite.device.identity import identity
from antiphon_satellite.errors import RestartAskedError
from antiphon_satellite.settings import Settings
from antiphon_satellite.speak.sinks import open_speaker
from antiphon_satellite.telling import Telling

log = logging.getLogger(__name__)

RESTART_CODE: Final = 75
"""EX_TEMPFAIL of sysexits.h: trying again is right. The unit in systemd/ does."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def satellite(
    config: Annotated[Path | None, typer.Option(help="Settings file, TOML.")] = None,
    broker: Annotated[
        str, typer.Option(help="Broker, HOST or HOST:PORT; without: find the hub by zeroconf.")
    ] = "",
    id_: Annotated[
        str, typer.Option("--id", help="Its id in the house; without: from the host's name.")
    ] = "",
    room: Annotated[str, typer.Option(help="The room's name.")] = "",
    microphone: Annotated[
        str,
        typer.Option(help="auto, portaudio[:DEVICE], alsa[:DEVICE], wav:FILE[,FILE...] or none."),
    ] = "",
    speaker: Annotated[
        str, typer.Option(help="auto, portaudio[:DEVICE], alsa[:DEVICE], wav:FOLDER or null.")
    ] = "",
    wake: Annotated[
        str, typer.Option(help="Who hears the wake word: local, hub, or none (only the button).")
    ] = "",
    pair: Annotated[
        str,
        typer.Option(help="Become part of the house: the code that the hub shows, or `show`."),
    ] = "",
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Hear and speak in a room, until told to stop."""
    logs.set_up(verbose=verbose)
    with told_plainly("antiphon satellite"):
        given = {
            "broker": {"address": broker},
            "satellite": {"id": id_, "room": room},
            "microphone": {"source": microphone},
            "speaker": {"sink": speaker},
            "wake": {"mode": wake},
        }
        chosen = overridden(settings.load(config, Settings), given)
        try:
            program.run(_run(chosen, pair))
        except* RestartAskedError as asked:
            log.warning("%s", asked.exceptions[0])
            start_anew()


async def _run(chosen: Settings, pair: str) -> None:
    who = identity(chosen.satellite.id, chosen.satellite.room)
    newcomer = Newcomer(
        kind="satellite",
        device=who.satellite,
        room=who.room,
        host=who.host,
        software=who.software,
    )
    telling = Telling(open_speaker(chosen.speaker), show_on_terminal)
    aloud = asyncio.create_task(telling.run())
    try:
        await ensure_member(chosen.broker, chosen.state_dir(), newcomer, pair, telling.tell)
    finally:
        aloud.cancel()
        await asyncio.wait([aloud])
    await build(chosen).run()


def start_anew() -> NoReturn:
    """Begin again with the same command line: by the service manager, or in this process's place.

    A service manager watches what it started itself, and starts anew what ends with an error.
    """
    if ServiceManager().listens:
        sys.exit(RESTART_CODE)
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - our own command line, without a shell


def overridden(chosen: Settings, given: dict[str, dict[str, str]]) -> Settings:
    """Return settings where what was given on the command line wins.

    Raises:
        SettingsError: what was given is not allowed there; all mistakes are listed.
    """
    tree: dict[str, dict[str, Any]] = {
        section: {name: value for name, value in fields.items() if value}
        for section, fields in given.items()
    }
    checked = settings.from_tree(tree, Settings, "command line")
    sections = {
        section: msgspec.structs.replace(
            getattr(chosen, section),
            **{name: getattr(getattr(checked, section), name) for name in fields},
        )
        for section, fields in tree.items()
    }
    return msgspec.structs.replace(chosen, **sections)


def main() -> None:
    """Run the command."""
    cli()
