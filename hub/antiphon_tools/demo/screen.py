"""The live view on a terminal, from 80 x 24 up. Only draws: all that it shows is in `HouseView`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from antiphon_protocol.messages.event import TurnEnded
from antiphon_tools.demo.stages import STAGES, wait_ms
from antiphon_tools.demo.view import Conversation, HouseView, Level, Room, RoomState, Voice

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_TRACE_ROWS: Final = 2
_DEVICE_ROWS: Final = 2
_ROOM_ROWS: Final = 1 + _TRACE_ROWS + _DEVICE_ROWS + 2
"""State, trace, devices, and the frame's two."""
_TALK_ROWS: Final = 3 + 2
"""Words, meaning, reply, and the frame's two."""
_HEADER_ROWS: Final = 1
_LEAST_TURNS: Final = 3

_FAINT: Final = "#8a8f98"
_FRAME: Final = "#4a4f59"
_PERSON: Final = "#56b6f2"
_HOUSE: Final = "#6fcf97"
_THOUGHT: Final = "#f2c94c"
_WRONG: Final = "#eb5757"
_LIT: Final = "#ffd866"

_STATE_LOOKS: Final = {
    RoomState.AWAY: ("·", _FAINT, "away"),
    RoomState.IDLE: ("○", _FAINT, "idle"),
    RoomState.LISTENING: ("●", _PERSON, "listening"),
    RoomState.THINKING: ("◆", _THOUGHT, "thinking"),
    RoomState.SPEAKING: ("▶", _HOUSE, "speaking"),
}
_VOICE_COLOURS: Final = {Voice.NOBODY: _FRAME, Voice.PERSON: _PERSON, Voice.HOUSE: _HOUSE}
_OUTCOME_LOOKS: Final = {
    "answered": ("✓", _HOUSE),
    "failed": ("✗", _WRONG),
    "cancelled": ("-", _FAINT),
}


class Screen:
    """A renderable of the house; fills the terminal that it is drawn on."""

    def __init__(self, view: HouseView) -> None:
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.height
        rows = max(_LEAST_TURNS, height - _HEADER_ROWS - _ROOM_ROWS - _TALK_ROWS)
        yield _header(self._view, width)
        yield _rooms(tuple(self._view.rooms.values()), width)
        yield _talk(self._view)
        yield _turns(self._view, width, rows)


def _header(view: HouseView, width: int) -> RenderableType:
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True)
    line.add_column(justify="right", no_wrap=True)
    name = Text.assemble((" Antiphon ", f"bold black on {_HOUSE}"), "  ", (view.status, "italic"))
    name.truncate(max(10, width - 30), overflow="ellipsis")
    facts = f"{_count(len(view.workers), 'worker')} · {_count(view.turns_ended, 'turn')} "
    line.add_row(name, Text(facts, style=_FAINT))
    return line


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _rooms(rooms: tuple[Room, ...], width: int) -> RenderableType:
    fitting = rooms[: max(1, width // 22)]
    grid = Table.grid(expand=True)
    for _ in fitting:
        grid.add_column(ratio=1)
    inner = width // len(fitting) - 4 if fitting else 0
    grid.add_row(*(_room(room, inner) for room in fitting))
    return grid


def _room(room: Room, inner: int) -> RenderableType:
    mark, colour, word = _STATE_LOOKS[room.state]
    trace = _trace(list(room.levels)[-inner:], inner)
    devices = _devices(room.devices, inner)
    busy = room.state not in (RoomState.AWAY, RoomState.IDLE)
    return Panel(
        Group(Text(f"{mark} {word}", style=colour), *trace, devices),
        title=_title(room.name),
        title_align="left",
        border_style=colour if busy else _FRAME,
        height=_ROOM_ROWS,
    )


def _title(room: str) -> Text:
    return Text(room, style="bold white")


def _trace(levels: list[Level], width: int) -> Iterable[Text]:
    """Draw the last levels as bars of two rows, newest on the right."""
    steps = len(_BLOCKS) - 1
    for row in reversed(range(_TRACE_ROWS)):
        line = Text(" " * (width - len(levels)), no_wrap=True)
        for level in levels:
            filled = round(level.fraction * _TRACE_ROWS * steps) - row * steps
            block = _BLOCKS[min(steps, max(0 if row else 1, filled))]
            line.append(block, style=_VOICE_COLOURS[level.voice])
        yield line


def _devices(devices: Mapping[str, Mapping[str, Any]], width: int) -> Text:
    lines = []
    for name, state in sorted(devices.items())[:_DEVICE_ROWS]:
        lit = bool(state.get("on"))
        level = state.get("brightness")
        word = ("on" if level is None else f"{level}%") if lit else "off"
        line = Text.assemble(("◉ " if lit else "○ ", _LIT if lit else _FAINT))
        line.append(f"{name} {word}", "" if lit else _FAINT)
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return Text("\n").join(lines)


def _talk(view: HouseView) -> RenderableType:
    talk = view.conversation
    if talk is None:
        waiting = Text(view.status or "nobody has spoken yet", style=_FAINT)
        return Panel(Group(_one_line(waiting)), border_style=_FRAME, height=_TALK_ROWS)
    heard = _heard(talk)
    meant = Text(talk.intent, style=_THOUGHT)
    for name, value in talk.slots.items():
        meant.append(f"  {name} ", style=_FAINT).append(str(value))
    body = Group(_one_line(heard), _one_line(meant), _one_line(_said(talk)))
    return Panel(
        body,
        title=_title(talk.room),
        title_align="left",
        border_style=_FRAME if talk.ended else _PERSON,
        height=_TALK_ROWS,
    )


def _heard(talk: Conversation) -> Text:
    if not talk.transcript:
        return Text("" if talk.heard else "listening …", style=_FAINT)
    style = f"bold {_PERSON}" if talk.heard else f"italic {_PERSON}"
    return Text(f"“{talk.transcript}{'”' if talk.heard else ' …'}", style=style)


def _said(talk: Conversation) -> Text:
    if talk.ended is not None and talk.ended.outcome != "answered":
        _, colour = _OUTCOME_LOOKS[talk.ended.outcome]
        return Text(f"{talk.ended.outcome}: {talk.ended.code}", style=colour)
    return Text(f"▶ {talk.reply}", style=_HOUSE) if talk.reply else Text()


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _turns(view: HouseView, width: int, rows: int) -> RenderableType:
    shown = list(view.turns)[-(rows - 1) :]
    bar_width = max(16, width // 3)
    longest_ms = max((wait_ms(turn.timings) for turn in shown), default=0.0)
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=2, justify="right")
    grid.add_column(width=min(14, width // 7), no_wrap=True, overflow="ellipsis")
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(width=bar_width, no_wrap=True)
    grid.add_column(width=8, justify="right", no_wrap=True)
    for turn in shown:
        grid.add_row(*_turn_cells(turn, bar_width, longest_ms))
    blank = [Text()] * (rows - 1 - len(shown))
    return Group(grid, *blank, legend())


def _turn_cells(turn: TurnEnded, bar_width: int, longest_ms: float) -> tuple[RenderableType, ...]:
    mark, colour = _OUTCOME_LOOKS[turn.outcome]
    waited_ms = wait_ms(turn.timings)
    return (
        Text(mark, style=colour),
        Text(turn.room, style="bold"),
        Text(turn.transcript or turn.code),
        stage_bar(turn.timings, bar_width, longest_ms),
        Text(f"{waited_ms:.0f} ms " if waited_ms else "", style=_FAINT),
    )


def legend() -> Text:
    """Return the colours' meaning in one line."""
    line = Text("  last word → reply:", style=_FAINT, no_wrap=True, overflow="ellipsis")
    for stage in STAGES:
        line.append("  ━━ ", style=stage.colour).append(stage.label)
    return line


def stage_bar(timings: Mapping[str, float], width: int, longest_ms: float) -> Text:
    """Return the stages as one bar; `longest_ms` fills the width.

    Each stage that took time gets one cell, to be seen; the others are shared out by time, between
    rounded begins and ends, so that the bar's length is right whatever the parts are.
    """
    seen = [stage for stage in STAGES if timings.get(stage.key, 0.0) > 0.0]
    total_ms = sum(timings[stage.key] for stage in seen)
    shared = round(total_ms / longest_ms * width) - len(seen) if longest_ms else 0
    bar, at_ms, given = Text(), 0.0, 0
    for stage in seen:
        at_ms += timings[stage.key]
        end = round(at_ms / total_ms * max(0, shared))
        bar.append("━" * (1 + end - given), style=stage.colour)
        given = end
    return bar
