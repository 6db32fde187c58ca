"""`antiphon turns`: look back at what was said and done, and hear it again with today's engines."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from antiphon_ears.errors import EarsError
from antiphon_ears.registry import load_vad
from antiphon_engines.errors import EngineError
from antiphon_engines.registry import load_stt
from antiphon_hub.errors import HubError
from antiphon_hub.home.model import load_home
from antiphon_hub.mind import plugins_of
from antiphon_hub.nlu.grammar import recognition_context
from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_hub.recordings import files_of
from antiphon_hub.settings import Settings
from antiphon_hub.skills import FakeDevices
from antiphon_hub.turns.history import History, StoredTurn
from antiphon_link import settings
from antiphon_link.errors import SettingsError
from antiphon_protocol.errors import WavError
from antiphon_tools.commands.hub_state import ConfigOption, StateOption, state_dir_of
from antiphon_tools.commands.speak import parse
from antiphon_tools.transcribing import Transcriber
from antiphon_tools.turns.replay import Replay, Replayer
from antiphon_tools.turns.show import listed, shown

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Look back at turns: what was heard, meant and done, how long it took, and why it ended.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_AGO: Final = re.compile(r"(\d{1,5})([mhd])")
_TURN_HELP = "A turn's id or the begin of it, or `last`."


@app.command(name="list")
def list_turns(
    room: Annotated[str, typer.Option(help="Only of this room.")] = "",
    outcome: Annotated[
        str, typer.Option(help="Only answered, failed or cancelled ones, or those of one code.")
    ] = "",
    since: Annotated[str, typer.Option(help="Not older than: 30m, 12h, 7d, or a date.")] = "",
    limit: Annotated[int, typer.Option(help="So many at most.", min=1, max=100_000)] = 20,
    config: ConfigOption = None,
    state_dir: StateOption = None,
    as_objects: JsonOption = False,
) -> None:
    """List turns, the newest first."""
    with _mistakes_told("list"):
        begin_us = since_us(since, datetime.now().astimezone())
        with History(state_dir_of(config, state_dir)) as history:
            turns = history.turns(room=room, outcome=outcome, since_us=begin_us, limit=limit)
    if as_objects:
        for turn in turns:
            _print_object(turn)
    elif turns:
        Console().print(listed(turns))
    else:
        print("no such turns")


@app.command()
def show(
    turn: Annotated[str, typer.Argument(metavar="[TURN]", help=_TURN_HELP)] = "last",
    config: ConfigOption = None,
    state_dir: StateOption = None,
    as_object: JsonOption = False,
) -> None:
    """Show one turn: its stages as a waterfall, and all that its trace holds."""
    with _mistakes_told("show"):
        folder = state_dir_of(config, state_dir)
        with History(folder) as history:
            found = history.turn(turn)
        audio = files_of(folder, found.turn)
    if as_object:
        _print_object(found, audio=[str(path) for path in audio])
    else:
        Console().print(shown(found, audio))


@app.command()
def replay(
    turns: Annotated[
        list[str] | None, typer.Argument(metavar="[TURN ...]", help=_TURN_HELP)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All turns with kept audio.")] = False,
    engine: Annotated[
        str, typer.Option(help="Speech-to-text engine; default: the first of the settings.")
    ] = "",
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A setting of the engine, as in a worker's [options.ENGINE]; repeatable.",
        ),
    ] = None,
    config: ConfigOption = None,
    state_dir: StateOption = None,
    as_objects: JsonOption = False,
) -> None:
    """Hear kept audio again with today's engine, home and sentences; say what has changed."""
    with _mistakes_told("replay"):
        chosen = settings.load(config, Settings)
        folder = state_dir or chosen.state_dir()
        with History(folder) as history:
            wanted = _wanted(history, folder, turns or [], everything=everything)
        replayer = _replayer(chosen, engine, parse(option or ()))
        done = []
        for turn, file in wanted:
            one = replayer.replay(turn, file)
            done.append(one)
            if as_objects:
                _print_object(one)
    if not as_objects:
        Console().print(compared(done))


def since_us(text: str, now: datetime) -> int:
    """Return the moment that `12h`, `7d` or a date means, microseconds since 1970; 0 for none.

    Raises:
        SettingsError: it means nothing.
    """
    if not text:
        return 0
    if ago := _AGO.fullmatch(text):
        moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise SettingsError(
                "--since", [f"{text!r} is no time; write 30m, 12h, 7d or 2026-11-21"]
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=now.tzinfo)
    return int(moment.timestamp() * 1e6)


def compared(replays: list[Replay]) -> Table:
    """Return what was heard then and what is heard now, side by side."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("turn", "room", "then", "now", "confidence", "changed"):
        table.add_column(name, overflow="fold")
    for one in replays:
        then, now = one.then, one.now
        table.add_row(
            one.turn.removeprefix("turn-")[:8],
            Text(one.room),
            Text(f"{'(text not kept)' if then.text is None else then.text}\n{then.intent}"),
            Text(f"{now.text}\n{now.intent}"),
            f"{then.confidence:.2f}\n{now.confidence:.2f}",
            Text(", ".join(one.changed), style="yellow") if one.changed else Text("same", "green"),
        )
    table.caption = f"{sum(bool(one.changed) for one in replays)} of {len(replays)} changed"
    return table


def _wanted(
    history: History, folder: Path, names: list[str], *, everything: bool
) -> list[tuple[StoredTurn, Path]]:
    """The turns to hear again, each with the last stream of its audio."""
    turns = (
        history.turns(limit=100_000)
        if everything
        else [history.turn(name) for name in names or ["last"]]
    )
    out = []
    for turn in turns:
        files = files_of(folder, turn.turn)
        if files:
            out.append((turn, files[-1]))
        elif not everything:
            raise HubError(
                f"{turn.turn}: no audio of it is kept; [journal] keep_audio_days in the hub's "
                "settings keeps that of coming turns"
            )
    if not out:
        raise HubError(f"no audio is kept in {folder}; see [journal] keep_audio_days")
    return out


def _replayer(chosen: Settings, engine: str, options: dict[str, Any]) -> Replayer:
    name = engine or chosen.workers.stt[0]
    home = Path(chosen.home.file) if chosen.home.file else None
    sentences = [Path(file) for file in chosen.home.sentences]
    place = load_home(home)
    words = [one.words for one in plugins_of(chosen).meet(place, FakeDevices())]
    interpreter = Interpreter(place, sentences, chosen.hub.language, words)
    stt = load_stt(name, {**chosen.workers.options.get(name, {}), **options})
    return Replayer(
        Transcriber(stt, recognition_context(interpreter)),
        interpreter,
        vad=load_vad(chosen.workers.vad),
        endpointing=chosen.listening.endpointing,
        engine=name,
    )


def _print_object(record: msgspec.Struct, **more: Any) -> None:
    print(json.dumps({**msgspec.to_builtins(record), **more}, ensure_ascii=False), flush=True)


@contextmanager
def _mistakes_told(verb: str) -> Iterator[None]:
    try:
        yield
    except (HubError, SettingsError, EngineError, EarsError, WavError) as error:
        print(f"antiphon turns {verb}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def main() -> None:
    """Entry point."""
    app()
