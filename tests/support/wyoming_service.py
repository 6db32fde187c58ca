"""A Wyoming service as a child process: `wyoming_program`."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self


class Service:
    """A running service; `heard` gives one line of what it got for each utterance."""

    def __init__(self, **wanted: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.wyoming_program", json.dumps(wanted)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        self.uri = self._line()["uri"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=30)

    def heard(self) -> Mapping[str, Any]:
        """Return what the service got with the next utterance; waits for it."""
        return self._line()

    def _line(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the service has ended"
        return json.loads(line)
