"""Timers with everything around them scripted: satellites, a voice, a clock that can be set."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import msgspec

from antiphon_hub.publisher import RecordingPublisher
from antiphon_hub.storage import Database
from antiphon_hub.timers.model import Entry, microseconds
from antiphon_hub.timers.ringing import Ringing
from antiphon_hub.timers.store import MIGRATIONS, Store
from antiphon_hub.timers.timers import Timers
from antiphon_protocol.messages.satellite import SatelliteCommand
from antiphon_protocol.messages.timer import AlarmRang, AlarmStopped, SetAlarms

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 11, 21, 12, 0, tzinfo=BERLIN)


class Here(msgspec.Struct, frozen=True):
    id: str
    room: str


def same_room(one: str, other: str) -> bool:
    return not one or one == other


class TimersWorld:
    """A hub's timers in virtual time, over a file that outlives it."""

    def __init__(self, file: Path, now: datetime = BEGIN) -> None:
        self._begin = now
        self._began_s = asyncio.get_running_loop().time()
        self.publisher = RecordingPublisher()
        self.satellites: list[Here] = [Here("sat", "kitchen")]
        self.commands: list[tuple[str, SatelliteCommand]] = []
        self.said: list[tuple[str, str]] = []
        self.voice = True
        self.database = Database(file)
        self.store = Store(self.database)
        self.timers = Timers(self.store, self.publisher, self.now)
        self.ringing = Ringing(self.timers, self.satellites, self._command, self._say, same_room)

    async def __aenter__(self) -> Self:
        await self.database.open(MIGRATIONS)
        await self.timers.load()
        self._running = asyncio.create_task(self.ringing.run())
        await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.wait((self._running,))
        await self.database.close()

    def now(self) -> datetime:
        passed_s = asyncio.get_running_loop().time() - self._began_s
        return self._begin + timedelta(seconds=passed_s)

    def set_clock(self, by: timedelta) -> None:
        self._begin += by

    def entry(self, seconds: float, entry_id: str = "timer-1", **more: Any) -> Entry:
        due_us = microseconds(self.now()) + round(seconds * 1e6)
        known: dict[str, Any] = {"kind": "timer", "room": "kitchen", "length_s": seconds}
        return Entry(id=entry_id, due_us=due_us, **{**known, **more})

    def copies(self, satellite: str = "sat") -> list[str]:
        """Return the ids that the satellite was told last."""
        told = [one for to, one in self.commands if to == satellite and isinstance(one, SetAlarms)]
        return [alarm.alarm for alarm in told[-1].alarms] if told else []

    @property
    def facts(self) -> list[str]:
        """What was published, in short: `TimerEnded pasta stopped`."""
        return [
            " ".join(
                filter(None, (type(one).__name__, one.timer.name, getattr(one, "reason", "")))  # type: ignore[union-attr] - only timers publish here
            )
            for one in self.publisher.events
        ]

    def rang(self, entry: Entry) -> None:
        self.ringing.did(AlarmRang(alarm=entry.id, due_us=entry.due_us))

    def stopped(self, entry: Entry, by: Any = "button") -> None:
        self.ringing.did(AlarmStopped(alarm=entry.id, due_us=entry.due_us, by=by))

    def _command(self, satellite: str, command: SatelliteCommand) -> None:
        self.commands.append((satellite, command))

    async def _say(self, room: str, text: str, *, urgent: bool) -> bool:
        del urgent
        await asyncio.sleep(1.5)
        if self.voice:
            self.said.append((room, text))
        return self.voice
