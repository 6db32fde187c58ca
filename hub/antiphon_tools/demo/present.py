"""Three ways to tell what happens: the live view, plain lines, or JSON for machines."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live

from antiphon_protocol.messages.event import Event
from antiphon_tools.demo.report import result_line, summary_view
from antiphon_tools.demo.results import Result
from antiphon_tools.demo.screen import Screen
from antiphon_tools.demo.view import HouseView, Level

REDRAW_S: Final = 0.1
"""One column of a room's level trace."""


Levels = Callable[[], Mapping[str, Level]]
"""What is heard in each room, by its name."""


class Presenter(Protocol):
    """Who is told what the demo does."""

    def shown(self) -> AbstractContextManager[None]:
        """Be ready inside the block; the terminal is as before after it."""
        ...

    async def run(self, levels: Levels) -> None:
        """Keep the presentation moving until cancelled; `levels` gives what is heard now."""
        ...

    def status(self, text: str) -> None:
        """Take in what the demo is doing now."""
        ...

    def fact(self, event: Event) -> None:
        """Take in a fact of the house."""
        ...

    def result(self, result: Result) -> None:
        """Take in what came of a command."""
        ...

    def end(self, results: Sequence[Result]) -> None:
        """Say the last word, after the block."""
        ...


class JsonPresenter:
    """One JSON object a command on standard output, nothing else there."""

    def shown(self) -> AbstractContextManager[None]:
        """Nothing is to be prepared."""
        return nullcontext()

    async def run(self, levels: Levels) -> None:
        """Nothing moves."""

    def status(self, text: str) -> None:
        """Is not told: machines wait for results."""

    def fact(self, event: Event) -> None:
        """Is not told, the result has it all."""

    def result(self, result: Result) -> None:
        """Print it at once, so that a reader of the pipe follows."""
        sys.stdout.buffer.write(result.line() + b"\n")
        sys.stdout.buffer.flush()

    def end(self, results: Sequence[Result]) -> None:
        """Is not told: the exit code says it."""


class PlainPresenter:
    """A line a command, then the summary; what it is doing goes to standard error."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._progress = Console(highlight=False, soft_wrap=True, stderr=True)

    def shown(self) -> AbstractContextManager[None]:
        """Nothing is to be prepared."""
        return nullcontext()

    async def run(self, levels: Levels) -> None:
        """Nothing moves."""

    def status(self, text: str) -> None:
        """Print it to standard error."""
        self._progress.print(text, style="dim")

    def fact(self, event: Event) -> None:
        """Is not told, the result has it all."""

    def result(self, result: Result) -> None:
        """Print its line."""
        self._out.print(result_line(result))

    def end(self, results: Sequence[Result]) -> None:
        """Print the summary."""
        if results:
            self._out.print()
            self._out.print(summary_view(results))


class LivePresenter:
    """The live view on the terminal's second screen; the summary stays on the first."""

    def __init__(self, console: Console, view: HouseView) -> None:
        self._console = console
        self._view = view
        self._live = Live(Screen(view), console=console, screen=True, auto_refresh=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the view inside the block."""
        with self._live:
            yield

    async def run(self, levels: Levels) -> None:
        """Read the levels and draw, ten times a second."""
        while True:
            for room, level in levels().items():
                self._view.level(room, level.dbfs, level.voice)
            self._live.refresh()
            await asyncio.sleep(REDRAW_S)

    def status(self, text: str) -> None:
        """Show it in the first line."""
        self._view.status = text

    def fact(self, event: Event) -> None:
        """Show it where it belongs."""
        self._view.apply(event)

    def result(self, result: Result) -> None:
        """Is shown already: the turn's end told it."""

    def end(self, results: Sequence[Result]) -> None:
        """Print each command's line and the summary."""
        for result in results:
            self._console.print(result_line(result))
        if results:
            self._console.print()
            self._console.print(summary_view(results))
