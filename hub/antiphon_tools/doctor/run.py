"""Runs a program to its end and keeps what it said."""

import asyncio
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence

import msgspec


class Ended(msgspec.Struct, frozen=True):
    """How a program ended."""

    status: int | None
    """Negative: the signal that ended it; None: it took too long and was killed."""
    output: str
    """Standard output."""
    errors: str = ""
    """Standard error."""

    @property
    def reason(self) -> str:
        """The end in words."""
        if self.status is None:
            return "it does not come to an end"
        if self.status < 0:
            return f"it crashed ({signal.Signals(-self.status).name})"
        return f"it ended with status {self.status}"


async def run(argv: Sequence[str], timeout_s: float) -> Ended:
    """Run a program without input.

    Raises:
        OSError: it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(*argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(timeout_s):
            output, errors = await process.communicate()
    except TimeoutError:
        return Ended(None, "")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(
        process.returncode, *(text.decode("utf-8", "replace") for text in (output, errors))
    )
