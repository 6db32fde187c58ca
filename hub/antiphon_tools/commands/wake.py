"""`antiphon wake`: find wake phrases in WAV files, as a satellite would hear them."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from antiphon_ears.errors import EarsError, PhraseUnknownError
from antiphon_ears.registry import installed_wake, load_wake
from antiphon_ears.wake.port import WakeEngine
from antiphon_protocol.audio import FRAME_BYTES, SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.errors import ProtocolError
from antiphon_protocol.wav import read_wav

_CONTEXT_S: Final = 2.0
"""Silence before each file: a satellite has always been listening for a while."""
_AFTER_S: Final = 1.0
"""Silence after it: engines fire a little after the phrase."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def wake(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.wav ...", help="16 kHz mono WAV.")],
    engine: Annotated[str, typer.Option(help="Wake engine by name, or all.")] = "all",
    phrase: Annotated[
        list[str] | None,
        typer.Option(help="Listen for this only; may be given repeatedly. Else for all it knows."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Score that counts; else the measured.")
    ] = None,
    as_objects: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a detection, then a summary.")
    ] = False,
) -> None:
    """Find wake phrases in WAV files; exit 0 if all files could be searched."""
    try:
        audio = {file: read_wav(file) for file in files}
        engines = choose(engine, phrase or ())
    except (EarsError, ProtocolError) as error:
        print(f"antiphon wake: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    rows = []
    for row in search(audio, engines, threshold):
        rows.append(row)
        if as_objects:
            print(json.dumps(row, ensure_ascii=False), flush=True)
    summary = summarize(audio, engines, rows)
    if as_objects:
        print(json.dumps({"summary": summary}, ensure_ascii=False))
    else:
        _show(rows, summary)


def choose(name: str, phrases: Sequence[str]) -> dict[WakeEngine, tuple[str, ...]]:
    """Return the engines of that name (or all that work here) with what each is to listen for.

    Raises:
        EngineMissingError: it is not installed.
        PhraseUnknownError: none of them knows one of the phrases.
    """
    names = installed_wake() if name == "all" else (name,)
    engines = [load_wake(one) for one in names]
    known = {phrase for engine in engines for phrase in engine.phrases}
    if unknown := [phrase for phrase in phrases if phrase not in known]:
        asked = ", ".join(map(repr, unknown))
        raise PhraseUnknownError(f"no engine here knows {asked}; known: {', '.join(sorted(known))}")
    wanted = {
        engine: tuple(one for one in phrases or engine.phrases if one in engine.phrases)
        for engine in engines
    }
    return {engine: its for engine, its in wanted.items() if its}


def search(
    audio: Mapping[Path, bytes],
    engines: Mapping[WakeEngine, Sequence[str]],
    threshold: float | None,
) -> Iterator[dict[str, Any]]:
    """Yield one row a detection: file, engine, phrase, score, second in the file."""
    before = bytes(int(_CONTEXT_S * SAMPLE_RATE_HZ) * SAMPLE_BYTES)
    after = bytes(int(_AFTER_S * SAMPLE_RATE_HZ) * SAMPLE_BYTES)
    for engine, phrases in engines.items():
        stream = engine.open(phrases, threshold)
        for file, pcm in audio.items():
            stream.reset()
            whole = before + pcm + after
            for at in range(0, len(whole), FRAME_BYTES):
                for detection in stream.feed(whole[at : at + FRAME_BYTES]):
                    yield {
                        "file": str(file),
                        "engine": engine.name,
                        "phrase": detection.phrase,
                        "score": round(detection.score, 4),
                        "second": round(detection.end / SAMPLE_RATE_HZ - _CONTEXT_S, 3),
                    }


def summarize(
    audio: Mapping[Path, bytes],
    engines: Mapping[WakeEngine, Sequence[str]],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return how much was searched for what, and in how many files each engine heard something."""
    seconds = sum(map(len, audio.values())) / SAMPLE_BYTES / SAMPLE_RATE_HZ
    return {
        "files": len(audio),
        "seconds": round(seconds, 3),
        "detections": len(rows),
        "engines": {
            engine.name: {
                "phrases": list(phrases),
                "files": len({row["file"] for row in rows if row["engine"] == engine.name}),
                "detections": sum(row["engine"] == engine.name for row in rows),
            }
            for engine, phrases in engines.items()
        },
    }


def _show(rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> None:
    table = Table(box=None)
    for name in ("second", "phrase", "score", "engine", "file"):
        table.add_column(name, justify="right" if name in ("second", "score") else "left")
    for row in rows:
        table.add_row(
            f"{row['second']:.2f}",
            row["phrase"],
            f"{row['score']:.3f}",
            row["engine"],
            row["file"].replace("[", r"\["),
        )
    console = Console()
    if rows:
        console.print(table)
    heard = ", ".join(
        f"{name} heard {one['detections']}" for name, one in summary["engines"].items()
    )
    console.print(f"{summary['files']} file(s), {summary['seconds']:.1f} s: {heard}")


def main() -> None:
    """Entry point."""
    app()
