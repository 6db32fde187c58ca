"""What is wanted to be set at each satellite, kept in one file, and what each says that counts."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from antiphon_hub.errors import StorageError
from antiphon_hub.fleet.fleet import SATELLITES_MAX
from antiphon_hub.table_file import read_table, write_table
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.config import DesiredSettings, ReportedSettings, SatelliteSettings

log = logging.getLogger(__name__)

FILE: Final = "satellites.json"
REPORT_S: Final = 3.0
"""A satellite loads its wake engines anew in less."""


class Twins:
    """All satellites' settings twins."""

    def __init__(self, folder: Path, post: Callable[[str, DesiredSettings], None]) -> None:
        """Read what is wanted.

        Args:
            folder: Where it is kept.
            post: Tells a satellite; returns at once.

        Raises:
            StorageError: the file cannot be read, or is not ours.
        """
        self._path = folder / FILE
        self._post = post
        self._desired = read_table(self._path, dict[Slug, DesiredSettings])
        self._reported: dict[str, ReportedSettings] = {}
        self._moved = asyncio.Event()
        self._setting = asyncio.Lock()

    def desired(self, satellite: str) -> DesiredSettings:
        """Return what is wanted of a satellite."""
        return self._desired.get(satellite, DesiredSettings(version=0))

    def reported(self, satellite: str) -> ReportedSettings | None:
        """Return what a satellite said last; None: nothing since the hub's start."""
        return self._reported.get(satellite)

    def told(self, satellite: str, reported: ReportedSettings) -> None:
        """Take in what counts at a satellite; tell it what is wanted, if that is something else."""
        if satellite not in self._reported and len(self._reported) >= SATELLITES_MAX:
            return
        self._reported[satellite] = reported
        version = self.desired(satellite).version
        refused = version > 0 and version == reported.refused
        if version != reported.version and not refused:
            self._post(satellite, self.desired(satellite))
        self._moved.set()

    async def set(
        self, satellite: str, settings: SatelliteSettings, *, here: bool
    ) -> ReportedSettings | None:
        """Want these settings of a satellite, whether it is here or not.

        What it refuses is taken back. Returns what it says to that; None: nothing. Only a satellite
        that is here is waited for, REPORT_S at most.

        Raises:
            StorageError: they cannot be kept, or there are too many.
        """
        async with self._setting:
            before = self.desired(satellite)
            version = before.version + 1
            await self._want(satellite, DesiredSettings(version=version, settings=settings))
            answer = await self._answer(satellite, version) if here else None
            if answer is not None and answer.refused == version:
                again = DesiredSettings(version=version + 1, settings=before.settings)
                await self._want(satellite, again)
            return answer

    # -- inside -----------------------------------------------------------------------------------

    async def _want(self, satellite: str, desired: DesiredSettings) -> None:
        wanted = {**self._desired, satellite: desired}
        if len(wanted) > SATELLITES_MAX:
            raise StorageError(f"no more than {SATELLITES_MAX} satellites can be set")
        await asyncio.to_thread(write_table, self._path, wanted)
        self._desired = wanted
        self._post(satellite, desired)

    async def _answer(self, satellite: str, version: int) -> ReportedSettings | None:
        def answered() -> bool:
            known = self._reported.get(satellite)
            return known is not None and version in (known.version, known.refused)

        try:
            async with asyncio.timeout(REPORT_S):
                while not answered():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return None
        return self._reported[satellite]
