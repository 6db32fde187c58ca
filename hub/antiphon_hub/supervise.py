"""Child processes that stay up: started again when they die, ended in order, never left behind.

How a child dies with us, even when we are killed by SIGKILL: it is started through setpriv(1) of
util-linux with `--pdeathsig KILL` (prctl(2), PR_SET_PDEATHSIG), which then becomes the child by
exec, under the same process id. A `preexec_fn` would do the same in Python between fork and exec,
where CPython warns of deadlocks once threads exist. The kernel watches the *thread* that forked, so
children must be started by the event loop's own thread; asyncio and uvloop both do that. A parent
that dies before setpriv has run is one that the kernel does not report: therefore a line of sh(1),
run behind setpriv, sees whether the parent is still ours, and only then becomes the child.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final

from antiphon_hub.errors import ChildError
from antiphon_link.logs import Rate

log = logging.getLogger(__name__)

STEADY_S: Final = 30.0
"""A child that lived this long was well: its next death counts as a first one again."""
FIRST_WAIT_S: Final = 0.2
WAIT_CAP_S: Final = 10.0
TERM_GRACE_S: Final = 3.0
"""From SIGTERM to SIGKILL; the service manager allows the whole program five seconds."""
LINE_BYTES_MAX: Final = 4096
"""Longer lines of a child's output are cut into several."""
LAST_LINES: Final = 20
_OURS_ALONE: Final = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
"""The service manager listens to the main process only, and would log each word of a child."""
_LINES_PER_S: Final = 20.0
_LINES_BURST: Final = 200
_GUARD: Final = 'test "$PPID" = "$1" || exit 0; shift; exec "$@"'
_READ_BYTES: Final = 65536
_DRAIN_S: Final = 0.2
"""How long to read on after the child's end: a grandchild may hold the pipe open for ever."""


def deaths_in_row(deaths: int, lived_s: float) -> int:
    """Return how many deaths in a row there are, with the one of a child that lived so long."""
    return 1 if lived_s >= STEADY_S else deaths + 1


def restart_wait_s(deaths: int) -> float:
    """Return how long to wait after that many deaths in a row, seconds: the first costs nothing."""
    if deaths <= 1:
        return 0.0
    return min(WAIT_CAP_S, FIRST_WAIT_S * float(2 ** min(deaths - 2, 16)))


class Lines:
    """Cuts a byte stream into lines of bounded length (pure)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that became whole, without their ends; empty ones are left out."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LINE_BYTES_MAX:
            whole.append(self._rest[:LINE_BYTES_MAX])
            self._rest = self._rest[LINE_BYTES_MAX:]
        return [line for part in whole for line in _printable(part)]

    def end(self) -> list[str]:
        """Return what stands after the last line end."""
        rest, self._rest = self._rest, b""
        return list(_printable(rest))


def _printable(raw: bytes) -> list[str]:
    cuts = [raw[at : at + LINE_BYTES_MAX] for at in range(0, len(raw), LINE_BYTES_MAX)]
    texts = (cut.decode("utf-8", "replace").strip() for cut in cuts)
    return ["".join(c if c.isprintable() else "?" for c in text) for text in texts if text]


class Child:
    """One child process. `run()` lives in a task; `start()` before it is for who must know early.

    The child gets no standard input; what it writes goes to our log under its name. It has a
    session of its own, so that Ctrl-C in a terminal reaches us alone and we end it in order.
    """

    def __init__(
        self, argv: Sequence[str], *, name: str, env: Mapping[str, str] | None = None
    ) -> None:
        """Describe the child.

        Args:
            argv: Program and arguments.
            name: How logs call it.
            env: Variables to set besides ours.
        """
        self._argv = list(argv)
        self._name = name
        ours = {name: os.environ[name] for name in os.environ if name not in _OURS_ALONE}
        self._env = {**ours, **(env or {})}
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._rate = Rate(per_s=_LINES_PER_S, burst=_LINES_BURST)
        self._log = logging.getLogger(f"{__name__}.{name}")
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        """What it said last; the oldest line is dropped."""
        self.counts: Counter[str] = Counter()
        """starts, start_errors, kills, lines_dropped (over the log's rate)."""

    @property
    def pid(self) -> int | None:
        """Its process id; None while it is not running."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self) -> None:
        """Start the process; the caller then runs `run()` or awaits `stop()`.

        Raises:
            ChildError: the program is not there or may not be run.
        """
        ours, theirs = socket.socketpair()
        # A stream of our own: asyncio's wait() may not return before its pipes are closed, and a
        # grandchild may hold them open.
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *self._dying_with_us(),
                    stdin=DEVNULL,
                    stdout=theirs.fileno(),
                    stderr=STDOUT,
                    env=self._env,
                    start_new_session=True,
                )
        except (OSError, ChildError) as error:
            ours.close()
            self.counts["start_errors"] += 1
            raise ChildError(f"{self._name} cannot be started: {error}") from None
        self.counts["starts"] += 1
        self._reader = asyncio.create_task(self._read(ours), name=f"{self._name}: output")

    async def wait(self) -> int:
        """Return the exit status once the started process has ended (negative: the signal)."""
        if self._process is None:
            raise ChildError(f"{self._name} was never started")
        status = await self._process.wait()
        await self._end_reading()
        return status

    async def run(self) -> None:
        """Keep the child running until cancelled, then end it: SIGTERM, and SIGKILL after 3 s."""
        loop = asyncio.get_running_loop()
        deaths = 0
        try:
            while True:
                began = loop.time()
                reason = await self._live()
                deaths = deaths_in_row(deaths, loop.time() - began)
                wait_s = restart_wait_s(deaths)
                log.warning("%s %s; starting it again in %.1f s", self._name, reason, wait_s)
                await asyncio.sleep(wait_s)
        finally:
            await self.stop()

    async def _live(self) -> str:
        """Live through one process; return why it ended."""
        try:
            if self.pid is None:
                await self.start()
            return _reason(await self.wait())
        except ChildError as error:
            return str(error)

    async def stop(self) -> None:
        """End the process if it runs; returns once it is gone."""
        if self._process is None:
            return
        try:
            self._signal(signal.SIGTERM)
            async with asyncio.timeout(TERM_GRACE_S):
                await self._process.wait()
        except TimeoutError:
            log.warning("%s did not end within %g s; killing it", self._name, TERM_GRACE_S)
        finally:
            self._kill()
        await self._process.wait()
        await self._end_reading()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pid is not None:
                os.kill(self.pid, number)

    def _kill(self) -> None:
        if self.pid is None:
            return
        self.counts["kills"] += 1
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _read(self, ours: socket.socket) -> None:
        stream, writer = await asyncio.open_connection(sock=ours)
        lines = Lines()
        try:
            while data := await stream.read(_READ_BYTES):
                self._say(lines.feed(data))
        finally:
            self._say(lines.end())
            writer.close()

    def _say(self, lines: list[str]) -> None:
        now = asyncio.get_running_loop().time()
        for line in lines:
            self.last_lines.append(line)
            if self._rate.allows(now):
                self._log.info("%s", line)
            else:
                self.counts["lines_dropped"] += 1

    async def _end_reading(self) -> None:
        reader = self._reader
        if reader is not None:
            await asyncio.wait([reader], timeout=_DRAIN_S)
            reader.cancel()
            await asyncio.wait([reader])

    def _dying_with_us(self) -> list[str]:
        program = shutil.which(self._argv[0], path=self._env.get("PATH"))
        if program is None:  # setpriv would only say so by an exit status
            raise ChildError(f"there is no program {self._argv[0]}")
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            log.warning("setpriv (util-linux) is missing: if we are killed, %s stays", self._name)
            return [program, *self._argv[1:]]
        guard = ["/bin/sh", "-c", _GUARD, "sh", str(os.getpid())]
        return [setpriv, "--pdeathsig", "KILL", "--", *guard, program, *self._argv[1:]]


def _reason(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
