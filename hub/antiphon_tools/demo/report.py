"""The demo's last word: each command and the medians, for a terminal or a plain file."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon_tools.demo.results import Result, Summary, summarize
from antiphon_tools.demo.screen import stage_bar
from antiphon_tools.demo.stages import STAGES, Spender, wait_ms

_BAR_CELLS: Final = 28
_SPENDERS: Final = {
    Spender.RULE: "waiting on purpose",
    Spender.ENGINE: "engine",
    Spender.OURS: "ours",
}


def result_line(result: Result) -> Text:
    """Return one command's result in one line."""
    waited_ms = wait_ms(result.timings)
    mark, colour = ("✓", "green") if result.right else ("✗", "red")
    heard = f"“{result.transcript}”" if result.transcript else "nothing heard"
    said = result.reply if result.answered else f"{result.outcome}: {result.code}"
    wait = f"  {waited_ms:.0f} ms" if waited_ms else ""
    name = f"{result.file}: " if result.file else ""
    if result.said and not result.right:
        name = f"“{result.said}” was heard as "
    return Text.assemble(
        (f"{mark} ", colour), (f"{result.room}  ", "bold"), f"{name}{heard} → {said}", (wait, "dim")
    )


def summary_view(results: Sequence[Result]) -> RenderableType:
    """Return the counts, what was not right, and the median of each stage."""
    summary = summarize(results)
    wrong = [result_line(one) for one in results if not one.right]
    return Group(_counts(summary), *wrong, Text(), *_stages(summary))


def _counts(summary: Summary) -> Text:
    all_right = summary.right == summary.commands > 0
    return Text(
        f"{summary.commands} commands, {summary.answered} answered, {summary.right} right",
        style="bold green" if all_right else "bold red",
    )


def _stages(summary: Summary) -> list[RenderableType]:
    waited_ms = wait_ms(summary.medians_ms)
    if not waited_ms:
        return [Text("no command came as far as a reply")]
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    table.add_column(width=_BAR_CELLS)
    for stage in STAGES:
        spent_ms = summary.medians_ms.get(stage.key, 0.0)
        table.add_row(
            f"  {stage.label}",
            f"{spent_ms:.1f} ms",
            Text(_SPENDERS[stage.spender], style="dim"),
            stage_bar({stage.key: spent_ms}, _BAR_CELLS, waited_ms),
        )
    return [Text("From the last word to the reply, medians:"), table]
