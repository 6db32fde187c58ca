"""Tells the code of a satellite that is to be paired: on the terminal, and aloud, repeatedly."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.speak.digits import RATE_HZ, spoken
from antiphon_satellite.speak.speaker import Speaker

log = logging.getLogger(__name__)

AGAIN_S: Final = 20.0
"""From the end of one telling to the next."""
TOLD_MAX: Final = 30
"""Ten minutes; then the terminal alone must do, for the sake of who lives there."""


class Telling:
    """Says a code aloud while `run` lives."""

    def __init__(self, speaker: Speaker, show: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            speaker: What says it.
            show: Shows it in writing, too.
        """
        self._speaker = speaker
        self._show = show
        self._code = ""
        self._changed = asyncio.Event()

    def tell(self, code: str) -> None:
        """Tell this code from now on."""
        self._show(code)
        self._code = code
        self._changed.set()

    async def run(self) -> None:
        """Speak until cancelled."""
        told = 0
        await self._changed.wait()
        while told < TOLD_MAX:
            self._changed.clear()
            told += 1
            try:
                await self._say(self._code)
            except SoundDeviceError as error:
                log.warning("the code cannot be said aloud: %s", error)
                return
            try:
                async with asyncio.timeout(AGAIN_S):
                    await self._changed.wait()
            except TimeoutError:
                continue
            told = 0  # a new code

    async def _say(self, code: str) -> None:
        async with self._speaker.open("code", RATE_HZ) as output:
            await output.write(spoken(code))
            await output.drain()
