"""What the system page shows: recent log lines and figures over the last hour, both bounded."""

import asyncio
import logging
import resource
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from antiphon_protocol.messages.event import Event, TurnEnded

LINES_MAX: Final = 1000
"""Log lines that are kept; policy: drop the oldest."""
LINE_CHARS_MAX: Final = 500
SAMPLE_S: Final = 10.0
SAMPLES_MAX: Final = 360
"""One hour."""
ANSWERS_MAX: Final = 500
"""The last answers' times."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One log line."""

    at_s: float
    """Seconds since 1970."""
    level: str
    name: str
    """The module that says it."""
    text: str


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Figures at one moment."""

    at_s: float
    """Seconds since 1970."""
    memory_mib: float
    cpu_percent: float
    """Of one core, since the last sample."""
    lag_ms: float
    """How late the event loop was: what everything else waits for, too."""
    turns: int
    """Turns that run."""
    pages: int
    """Open live pages."""


class LogRing(logging.Handler):
    """Keeps the last lines. They hold no speech: our logs have none."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[Line] = deque(maxlen=LINES_MAX)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        try:
            text = record.getMessage()[:LINE_CHARS_MAX]
        except (TypeError, ValueError):  # a wrong format string is that module's mistake
            text = str(record.msg)[:LINE_CHARS_MAX]
        self.lines.append(
            Line(at_s=record.created, level=record.levelname, name=record.name, text=text)
        )


class Observer:
    """Samples while the console runs."""

    def __init__(self, turns: Callable[[], int], pages: Callable[[], int]) -> None:
        """`turns` and `pages` tell how many of them there are now."""
        self._turns = turns
        self._pages = pages
        self.log = LogRing()
        self.samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)
        self.answers: deque[tuple[float, float]] = deque(maxlen=ANSWERS_MAX)
        """When, seconds since 1970, and how long the person waited, milliseconds."""
        self.started_s = time.time()

    def happened(self, event: Event) -> None:
        """Take in a fact of the house; returns at once."""
        if isinstance(event, TurnEnded) and "answer" in event.timings:
            self.answers.append((time.time(), event.timings["answer"]))

    async def run(self) -> None:
        """Sample until cancelled."""
        root = logging.getLogger()
        root.addHandler(self.log)
        try:
            loop = asyncio.get_running_loop()
            then_s, then_cpu_s = loop.time(), _cpu_s()
            while True:
                await asyncio.sleep(SAMPLE_S)
                now_s, cpu_s = loop.time(), _cpu_s()
                took_s = now_s - then_s
                self.samples.append(
                    Sample(
                        at_s=time.time(),
                        memory_mib=_memory_mib(),
                        cpu_percent=round(100 * (cpu_s - then_cpu_s) / took_s, 1),
                        lag_ms=round(max(0.0, took_s - SAMPLE_S) * 1e3, 2),
                        turns=self._turns(),
                        pages=self._pages(),
                    )
                )
                then_s, then_cpu_s = now_s, cpu_s
        finally:
            root.removeHandler(self.log)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory_mib() -> float:
    """Return what the process has in memory now; its peak where the system tells no more."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no such file to walk
            pages = int(file.read().split()[1])
        return round(pages * resource.getpagesize() / 2**20, 1)
    except (OSError, ValueError, IndexError):
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
