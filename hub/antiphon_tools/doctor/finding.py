"""What an examination found, and what follows from all of them."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

State = Literal["ok", "note", "missing"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    area: str
    """What it belongs to: `engines`."""
    name: str
    state: State
    """`note`: not there, or not as it should be, and not needed with these settings."""
    detail: str
    """What is there, or what is wrong."""
    remedy: str = ""
    """How to mend it; empty where there is nothing to mend."""


def absence(area: str, name: str, detail: str, remedy: str, *, needed: bool) -> Finding:
    """Return the finding that something is not there."""
    return Finding(area, name, "missing" if needed else "note", detail, remedy)


def is_healthy(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing is missing that these settings need."""
    return all(finding.state != "missing" for finding in findings)


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what `antiphon doctor --json` prints."""
    return {"ok": is_healthy(findings), "findings": msgspec.to_builtins(findings)}
