"""Turns in the terminal: one as a waterfall with all that its trace holds, many as a list."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from antiphon_hub.turns.history import StoredTurn
from antiphon_hub.turns.waterfall import bars, drawn

COLUMNS: Final = 44
"""Width of the waterfall."""
_COLOURS: Final = {"answered": "green", "failed": "red", "cancelled": "yellow"}
_TOLD: Final = frozenset(
    {"worker", "engine", "voice", "confidence", "source", "rejected", "ended_by"}
)
"""Keys of a trace that the lines above the waterfall say in words."""


def listed(turns: Sequence[StoredTurn]) -> Table:
    """Return turns as a table, the newest first as they are given."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("turn", "when", "room", "outcome", "heard", "meant"):
        table.add_column(name, overflow="fold", no_wrap=name in ("turn", "when"))
    table.add_column("answer", justify="right", no_wrap=True)
    for turn in turns:
        table.add_row(
            turn.turn.removeprefix("turn-")[:8],
            f"{_when(turn):%d %b %H:%M:%S}",
            Text(turn.room),
            _outcome(turn),
            Text(turn.transcript, style="italic"),
            _meaning(turn),
            _ms(turn.timings["answer"]) if "answer" in turn.timings else "",
        )
    return table


def shown(turn: StoredTurn, audio: Sequence[Path]) -> RenderableType:
    """Return all that is known of one turn."""
    parts: list[RenderableType] = [_head(turn, audio), "", _waterfall(turn), _answered_in(turn)]
    more = {
        name: value
        for name, value in turn.trace.items()
        if name not in _TOLD and value not in (None, "", [], {})
    }
    single = {name: one for name, one in more.items() if not isinstance(one, dict | list)}
    if single:
        parts += ["", _value(single)]
    for name, value in more.items():
        if name not in single:
            parts += ["", Text(name, style="bold"), Padding(_value(value), (0, 0, 0, 2))]
    return Group(*parts)


def _head(turn: StoredTurn, audio: Sequence[Path]) -> Table:
    trace = turn.trace
    rows = {
        "turn": Text(turn.turn, style="bold"),
        "when": Text(f"{_when(turn):%A %d %B %Y %H:%M:%S}, by {turn.cause}"),
        "where": Text(
            f"{turn.room or 'no room'} {f'({turn.satellite})' if turn.satellite else ''}"
        ),
        "outcome": _outcome(turn),
        "heard": _heard(turn),
        "meant": _meaning(turn),
        "said": Text(turn.reply, style="italic"),
        "by": Text(", ".join(_by(trace))),
        "stopped": Text(str(trace.get("ended_by", ""))),
        "audio": Text("\n".join(map(str, audio))),
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value.plain.strip():
            table.add_row(name, value)
    return table


def _waterfall(turn: StoredTurn) -> Table:
    total_ms = max(turn.marks.values(), default=0.0)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(min_width=COLUMNS, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for bar in bars(turn):
        style = "dim" if bar.inside else "cyan"
        table.add_row(
            Text(f"  {bar.name}" if bar.inside else bar.name, style="dim" if bar.inside else ""),
            Text(drawn(bar, total_ms, COLUMNS), style=style),
            Text(_ms(bar.ms), style="dim" if bar.inside else ""),
        )
    table.add_row(Text("total", style="bold"), "", Text(_ms(total_ms), style="bold"))
    return table


def _answered_in(turn: StoredTurn) -> Text:
    if "answer" not in turn.timings:
        return Text()
    answer, ours = turn.timings["answer"], turn.timings.get("ours", 0.0)
    return Text(f"answered {_ms(answer)} after the end of speech, {_ms(ours)} of it ours")


def _heard(turn: StoredTurn) -> Text:
    trace = turn.trace
    text = Text(turn.transcript, style="italic")
    if trace.get("rejected"):
        text.append("  rejected", style="red")
    if "confidence" in trace:
        text.append(f"  {trace['confidence']:.2f} from {trace.get('source', '?')}", style="dim")
    return text


def _by(trace: Mapping[str, Any]) -> list[str]:
    engines = [str(trace[name]) for name in ("engine", "voice") if trace.get(name)]
    return [*engines, f"on {trace['worker']}"] if trace.get("worker") else engines


def _meaning(turn: StoredTurn) -> Text:
    text = Text(turn.intent)
    for name, value in turn.slots.items():
        text.append(f" {name}=", style="dim").append(str(value))
    return text


def _outcome(turn: StoredTurn) -> Text:
    outcome = turn.outcome or turn.state
    words = f"{outcome}: {turn.code}" if turn.code else outcome
    return Text(words, style=_COLOURS.get(outcome, ""))


def _value(value: Any) -> RenderableType:
    """A table of any records, a list of anything, or one value."""
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        names = list(dict.fromkeys(name for one in value for name in one))
        table = Table(box=None, header_style="dim", pad_edge=False)
        for name in names:
            table.add_column(Text(str(name)))
        for one in value:
            table.add_row(*(_plain(one.get(name, "")) for name in names))
        return table
    if isinstance(value, dict):
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, one in value.items():
            table.add_row(Text(str(name), style="dim"), _plain(one))
        return table
    return _plain(value)


def _plain(value: Any) -> Text:
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, float):
        return Text(f"{value:.5g}")
    return Text(json.dumps(value, ensure_ascii=False))


def _when(turn: StoredTurn) -> datetime:
    return datetime.fromtimestamp(turn.started_us / 1e6).astimezone()


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"  # noqa: PLR2004 - two digits say enough
