"""Running one of our own commands as a child: what loads engines is never in the hub itself."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from typing import Final

_TEXT_MAX: Final = 600


async def run_tool(arguments: Sequence[str], within_s: float) -> tuple[int, str]:
    """Run `antiphon ARGUMENTS`; return its status, and the last line that it complained of.

    Raises:
        TimeoutError: it took longer, and was ended.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "antiphon_link", *arguments),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(within_s):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, _words(said.decode("utf-8", "replace"))


def _words(said: str) -> str:
    lines = [one for one in said.splitlines() if one.strip()]
    text = lines[-1] if lines else "its process ended without a word"
    text = re.sub(r"^antiphon [\w-]+(?: [\w-]+)?: ", "", text)
    return "".join(one if one.isprintable() else "?" for one in text)[:_TEXT_MAX]
