"""The findings as a table for a terminal."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon_tools.doctor.finding import Finding, State, is_healthy

_MARKS: Final[dict[State, tuple[str, str]]] = {
    "ok": ("✓", "green"),
    "note": ("·", "yellow"),
    "missing": ("✗", "red"),
}


def table(findings: Sequence[Finding]) -> RenderableType:
    """Return the findings, area by area, each with its remedy below it, and the verdict."""
    rows = Table.grid(padding=(0, 2))
    for _ in range(4):
        rows.add_column(overflow="fold")
    area = ""
    for finding in findings:
        mark, colour = _MARKS[finding.state]
        shown = "" if finding.area == area else finding.area
        area = finding.area
        rows.add_row(Text(shown, "bold"), Text(mark, colour), finding.name, Text(finding.detail))
        if finding.remedy:
            rows.add_row("", "", "", Text(f"→ {finding.remedy}", colour))
    return Group(rows, Text(), _verdict(findings))


def _verdict(findings: Sequence[Finding]) -> Text:
    if is_healthy(findings):
        return Text("Everything that these settings need is there.", "bold green")
    missing = sum(finding.state == "missing" for finding in findings)
    return Text(f"{missing} thing(s) missing: mend what is marked ✗.", "bold red")
