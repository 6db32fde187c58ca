"""What the hub knows of its people's calls: read when the file changes, taught by a command."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from antiphon_hub.callers.store import FILE, Taught, load
from antiphon_hub.errors import CallersError, StorageError
from antiphon_hub.tool_process import run_tool

log = logging.getLogger(__name__)

WITHIN_S: Final = 60.0
"""Some seconds of audio through two small models, on a slow machine that is busy."""

Run = Callable[[list[str]], Awaitable[tuple[int, str]]]
"""Runs an `antiphon` command; returns its status and what it complained of."""


async def _run(arguments: list[str]) -> tuple[int, str]:
    return await run_tool(arguments, WITHIN_S)


class Callers:
    """The household's calls. What computes on audio is a process of its own."""

    def __init__(self, state_dir: Path, own: Path, run: Run = _run) -> None:
        """Know what is kept there.

        Args:
            state_dir: The hub's.
            own: Its folder of what was made in the console.
            run: Runs an `antiphon` command.
        """
        self._state_dir = state_dir
        self._own = own
        self._run = run
        self._read_at: tuple[int, int] | None = None
        self._taught = Taught()
        self._changing = asyncio.Lock()

    def taught(self) -> Taught:
        """Return what was taught; nothing where that cannot be read. Blocking, for a moment."""
        try:
            stat = (self._own / FILE).stat()
        except OSError:
            self._read_at, self._taught = None, Taught()
            return self._taught
        written = (stat.st_mtime_ns, stat.st_size)
        if written != self._read_at:
            self._read_at = written
            try:
                self._taught = load(self._own)
            except StorageError as error:
                log.error("nobody's calls are known: %s", error)  # noqa: TRY400 - the message says it all
                self._taught = Taught()
        return self._taught

    def likeness(self, phrase: str) -> bytes:
        """Return what the calls of a phrase have in common; empty: too few were taught."""
        return self.taught().likenesses.get(phrase, b"")

    async def teach(self, person: str, turn: str) -> None:
        """Take the call of a turn whose audio is kept as that person's.

        Raises:
            CallersError: it cannot be used; the message says why.
        """
        await self._tell("call", person, "--turn", turn)

    async def forget(self, person: str) -> None:
        """Forget a person's calls.

        Raises:
            CallersError: none are known.
        """
        await self._tell("forget", person)

    async def _tell(self, verb: str, person: str, *more: str) -> None:
        """Have the command do it; a name that begins with a dash is no option."""
        command = ["teach-wake", verb, "--state-dir", str(self._state_dir), *more, "--", person]
        async with self._changing:
            try:
                status, said = await self._run(command)
            except TimeoutError:
                raise CallersError(f"it took more than {WITHIN_S:.0f} s") from None
        if status:
            raise CallersError(said)
