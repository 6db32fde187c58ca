"""Timers and lists, put together for `app`."""

import os
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from antiphon_hub.home.model import Home
from antiphon_hub.publisher import Publisher
from antiphon_hub.skills.alarming import AlarmSkill, SilencingSkill
from antiphon_hub.skills.listing import ListSkill
from antiphon_hub.skills.port import Skill
from antiphon_hub.skills.timing import TimerSkill
from antiphon_hub.storage import Database
from antiphon_hub.timers.desk import Desk
from antiphon_hub.timers.lists import Lists
from antiphon_hub.timers.requests import TimerRequests
from antiphon_hub.timers.ringing import Ringing, Satellite
from antiphon_hub.timers.store import MIGRATIONS, Store
from antiphon_hub.timers.timers import Timers
from antiphon_link.errors import SettingsError
from antiphon_protocol.messages.ask import Answer, AskAnnounce
from antiphon_protocol.messages.satellite import SatelliteCommand

FILE: Final = "timers.sqlite"
_LOCAL: Final = Path("/etc/localtime")

Announce = Callable[[AskAnnounce], Awaitable[Answer]]


class Timekeeping:
    """Everything about timers, alarms, reminders and lists."""

    def __init__(
        self,
        folder: Path,
        zone: tzinfo,
        publisher: Publisher,
        satellites: Iterable[Satellite],
        command: Callable[[str, SatelliteCommand], None],
    ) -> None:
        """Build it; `meet` completes it.

        Args:
            folder: Where the database lives.
            zone: The home's time zone.
            publisher: Where facts go.
            satellites: Those that are here, each time anew.
            command: Sends a command to a satellite.
        """
        self._announce: Announce = _to_nobody
        self._home: Callable[[], Home] = Home
        self._database = Database(folder / FILE)
        store = Store(self._database)
        self._timers = Timers(store, publisher, lambda: datetime.now(zone))
        lists, desk = Lists(store, publisher), Desk(self._timers, self._same_room)
        self.ringing = Ringing(self._timers, satellites, command, self._say, self._same_room)
        self.requests = TimerRequests(desk, lists)
        self.skills: tuple[Skill, ...] = (
            TimerSkill(desk),
            AlarmSkill(desk),
            SilencingSkill(desk),
            ListSkill(lists),
        )

    def meet(self, announce: Announce, home: Callable[[], Home]) -> None:
        """Let it know what was built after it: how to say things, and the home as it is."""
        self._announce, self._home = announce, home

    async def open(self) -> None:
        """Bring back what was set.

        Raises:
            StorageError: it cannot be read.
        """
        await self._database.open(MIGRATIONS)
        await self._timers.load()

    async def close(self) -> None:
        """Close the database."""
        await self._database.close()

    async def run(self) -> None:
        """Ring for what is due until cancelled."""
        await self.ringing.run()

    async def _say(self, room: str, text: str, *, urgent: bool) -> bool:
        """What rings may disturb, what was missed may not."""
        announcement = AskAnnounce(
            text=text,
            rooms=(room,) if room else (),
            priority="urgent" if urgent else "normal",
        )
        return (await self._announce(announcement)).ok

    def _same_room(self, one: str, other: str) -> bool:
        # What rings everywhere rings in every room.
        return not one or self._key(one) == self._key(other)

    def _key(self, room: str) -> str:
        known = self._home().room(room)
        return known.id if known else room.strip().lower()


async def _to_nobody(announcement: AskAnnounce) -> Answer:
    return Answer(ok=False, error=f"nobody can say {announcement.text!r} yet")


def home_zone(name: str) -> tzinfo:
    """Return the time zone of that name; for an empty one that of this machine.

    Raises:
        SettingsError: there is no zone of that name here.
    """
    if not name:
        return _machine_zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        mistake = f"time_zone: there is no zone {name!r}; `timedatectl list-timezones` lists them"
        raise SettingsError("[hub]", [mistake]) from None


def _machine_zone() -> tzinfo:
    try:
        return ZoneInfo(os.environ["TZ"])
    except (KeyError, ZoneInfoNotFoundError, ValueError):
        pass  # the usual case: the machine's own file says it
    try:
        with _LOCAL.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError):
        return UTC
