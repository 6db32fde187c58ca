"""The satellite's table as data, to which the browser satellite's own is held.

`python -m tests.satellites.browser_machine` writes it beside that one's tests.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from antiphon_satellite.actions import Action
from antiphon_satellite.machine import LEASES_S, TABLE

FILE: Final = Path(__file__).parents[2] / "satellites" / "browser" / "test" / "machine.json"


def text() -> str:
    """Return the table as JSON: for each state and event the next state and the actions."""
    table: dict[str, dict[str, Any]] = {}
    for (state, event), step in TABLE.items():
        row = {"to": str(step.to), "do": [_action(one) for one in step.do]}
        table.setdefault(str(state), {})[str(event)] = row
    leases = {str(state): seconds for state, seconds in LEASES_S.items()}
    return json.dumps({"leases_s": leases, "table": table}, indent=1) + "\n"


def _action(action: Action) -> dict[str, Any]:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(action).__name__).lower()
    return {"do": name, **msgspec.structs.asdict(action)}


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
