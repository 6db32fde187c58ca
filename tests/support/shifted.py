"""`python -m tests.support.shifted FILE PROGRAM ...`: a program whose wall clock is wrong.

It is off by the seconds that FILE holds, from one moment to the next, as after a clock was set.
What runs on the monotonic clock is not touched, as there.
"""

import sys
import time
from pathlib import Path

from antiphon_link.command import main

_time_ns = time.time_ns


def shift(path: str) -> None:
    """Let this process's wall clock be off by what the file says, at every look."""
    file = Path(path)

    def shifted_ns() -> int:
        try:
            return _time_ns() + int(float(file.read_text(encoding="utf-8")) * 1e9)
        except (OSError, ValueError):
            return _time_ns()  # it is being written

    time.time_ns = shifted_ns
    time.time = lambda: shifted_ns() / 1e9


if __name__ == "__main__":
    shift(sys.argv[1])
    sys.argv = ["antiphon", *sys.argv[2:]]
    main()
