"""Rings when it is time: satellites get copies in advance, and what was missed is told."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from antiphon_hub.errors import StorageError
from antiphon_hub.timers.model import RING_S, SECOND_US, Entry
from antiphon_hub.timers.timers import Timers
from antiphon_hub.timers.watch import ClockWatch
from antiphon_hub.timers.words import missed_text, ringing_text
from antiphon_protocol.limits import ALARMS_MAX
from antiphon_protocol.messages.satellite import SatelliteCommand
from antiphon_protocol.messages.timer import Alarm, AlarmRang, AlarmStopped, SetAlarms

log = logging.getLogger(__name__)

SETTLE_S: Final = 4.0
"""After the hub's start satellites have this long to say what they rang for alone."""
LOOK_S: Final = 5.0
"""How often to look at the clock at least: somebody may have set it."""
RETRY_S: Final = 5.0
"""After the database refused."""
UNTOLD_S: Final = 86_400.0
"""What nobody could be told of for a day is forgotten."""
FACTS_MAX: Final = 256
"""Facts of satellites that wait; policy: reject. Satellites say them again."""

RETELL_S: Final = 900.0
"""How often to try to tell what was missed, where a room may not be disturbed, or has no voice."""


class Satellite(Protocol):
    """A satellite that is here."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def room(self) -> str:
        """Its room, as it calls it."""
        ...


class Say(Protocol):
    """Says things in rooms."""

    async def __call__(self, room: str, text: str, *, urgent: bool) -> bool:
        """Say it (room empty: everywhere) and tell whether it was heard; urgent: at any time."""
        ...


class Ringing:
    """Watches the clock, and keeps the satellites' copies as they should be."""

    def __init__(
        self,
        timers: Timers,
        satellites: Iterable[Satellite],
        command: Callable[[str, SatelliteCommand], None],
        say: Say,
        same_room: Callable[[str, str], bool],
    ) -> None:
        """Prepare; `run` does it.

        Args:
            timers: What is set.
            satellites: Those that are here, each time anew.
            command: Sends a command to a satellite.
            say: Says something in a room.
            same_room: Tells whether two names mean one room.
        """
        self._timers = timers
        self._satellites = satellites
        self._command = command
        self._say = say
        self._same_room = same_room
        self._facts: asyncio.Queue[AlarmRang | AlarmStopped] = asyncio.Queue(FACTS_MAX)
        self._moved = asyncio.Event()
        self._copies: dict[str, tuple[Alarm, ...]] = {}
        self._rang: set[str] = set()
        self._telling: set[str] = set()
        self._in_vain: dict[str, float] = {}
        self._settled_s = 0.0
        self.counts: Counter[str] = Counter()
        """facts_refused, clock_jumps."""
        timers.on_moved(self._moved.set)

    async def run(self) -> None:
        """Ring until cancelled."""
        loop = asyncio.get_running_loop()
        self._settled_s = loop.time() + SETTLE_S
        watch = ClockWatch(self._timers.now_us, loop.time())
        async with asyncio.TaskGroup() as group:
            while True:
                self._moved.clear()
                try:
                    await self._look(watch, group)
                    wait_s = self._wait_s()
                except StorageError as error:
                    log.error("timers: %s", error)  # noqa: TRY400 - the message says it all
                    wait_s = RETRY_S
                await self._wait(wait_s)

    def joined(self, satellite: str) -> None:
        """A satellite said Hello: it needs its copy, and may be told what was missed."""
        self._copies.pop(satellite, None)
        self._in_vain.clear()
        self._moved.set()

    def did(self, fact: AlarmRang | AlarmStopped) -> None:
        """A satellite rings, or rings no more."""
        try:
            self._facts.put_nowait(fact)
        except asyncio.QueueFull:
            self.counts["facts_refused"] += 1
        self._moved.set()

    # -- the loop ---------------------------------------------------------------------------------

    async def _look(self, watch: ClockWatch, group: asyncio.TaskGroup) -> None:
        jump_us = watch.jump_us(self._timers.now_us, asyncio.get_running_loop().time())
        if jump_us:
            log.warning("the clock was set by %+.1f s", jump_us / SECOND_US)
            self.counts["clock_jumps"] += 1
            self._copies.clear()
            await self._timers.shift(jump_us)
        while not self._facts.empty():
            await self._take(self._facts.get_nowait())
        for entry in self._timers.entries:
            await self._tend(entry, group)
        self._send_copies()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            pass  # nothing happened: look at the clock

    def _wait_s(self) -> float:
        now_us = self._timers.now_us
        times = [one.due_us for one in self._timers.entries if one.state == "running"]
        times += [one.rings_until_us() for one in self._timers.entries if one.state == "ringing"]
        waits = [(at_us - now_us) / SECOND_US for at_us in times if at_us > now_us]
        unsettled_s = self._settled_s - asyncio.get_running_loop().time()
        return min([LOOK_S, *waits, *([unsettled_s] if unsettled_s > 0 else [])])

    @property
    def _settled(self) -> bool:
        return asyncio.get_running_loop().time() >= self._settled_s

    async def _tend(self, entry: Entry, group: asyncio.TaskGroup) -> None:
        late_s = (self._timers.now_us - entry.due_us) / SECOND_US
        if entry.state == "running" and late_s >= 0:
            if not self._settled and self._timers.restored(entry.id):
                return  # its satellites may have rung for it while we were away
            if late_s >= RING_S[entry.kind]:
                await self._timers.end(entry.id, "missed")
                return
            await self._timers.ring(entry.id)
            self._tell(entry, ringing_text(entry, self._timers.now_us), group, forget=False)
        elif entry.state == "ringing" and late_s >= RING_S[entry.kind]:
            rang = entry.id in self._rang
            self._rang.discard(entry.id)
            await self._timers.end(entry.id, "unheard" if rang else "missed")
        elif entry.state == "missed" and self._settled:
            if late_s >= UNTOLD_S:
                await self._timers.forget(entry.id)
            else:
                text = missed_text(entry, self._timers.now_us)
                self._tell(entry, text, group, forget=True)

    async def _take(self, fact: AlarmRang | AlarmStopped) -> None:
        entry = self._timers.get(fact.alarm)
        if entry is None or entry.due_us != fact.due_us:
            return
        if isinstance(fact, AlarmRang):
            self._rang.add(entry.id)
        elif fact.by in ("button", "voice"):
            self._rang.discard(entry.id)
            await self._timers.end(entry.id, "stopped")
        elif fact.by == "limit":
            # If it rang while we were away, nobody knows of it: that is as good as missed.
            alone = entry.state == "running"
            self._rang.discard(entry.id)
            await self._timers.end(entry.id, "missed" if alone else "unheard")

    # -- satellites -------------------------------------------------------------------------------

    def _of(self, entry: Entry) -> list[Satellite]:
        return [
            one
            for one in self._satellites
            if not entry.room or self._same_room(entry.room, one.room)
        ]

    def _send_copies(self) -> None:
        now_us = self._timers.now_us
        live = [one for one in self._timers.entries if one.state in ("running", "ringing")]
        live = [one for one in live if one.rings_until_us() > now_us]
        live.sort(key=lambda one: one.due_us)
        here = list(self._satellites)
        copies: dict[str, list[Alarm]] = {one.id: [] for one in here}
        for entry in live:
            for satellite in self._of(entry):
                copies[satellite.id].append(_alarm(entry))
        for satellite_id, alarms in copies.items():
            copy = tuple(alarms[:ALARMS_MAX])
            if self._copies.get(satellite_id) != copy:
                self._copies[satellite_id] = copy
                self._command(satellite_id, SetAlarms(told_us=now_us, alarms=copy))
        self._copies = {one: copy for one, copy in self._copies.items() if one in copies}

    # -- telling ----------------------------------------------------------------------------------

    def _tell(self, entry: Entry, text: str, group: asyncio.TaskGroup, *, forget: bool) -> None:
        rooms = sorted({one.room for one in self._of(entry)})
        again_s = self._in_vain.get(entry.id, 0.0) if forget else 0.0
        known = entry.id in self._telling or asyncio.get_running_loop().time() < again_s
        if not text or not rooms or known:
            return
        self._telling.add(entry.id)
        story = self._tell_now(entry, text, rooms if entry.room else [""], forget=forget)
        group.create_task(story, name=f"tell {entry.id}")

    async def _tell_now(self, entry: Entry, text: str, rooms: list[str], *, forget: bool) -> None:
        try:
            heard = [await self._say(room, text, urgent=not forget) for room in rooms]
            if not forget:
                return
            if any(heard):
                await self._timers.forget(entry.id)
            else:
                # Until the next satellite joins, or a while has passed.
                self._in_vain[entry.id] = asyncio.get_running_loop().time() + RETELL_S
        except StorageError as error:
            log.error("timers: %s", error)  # noqa: TRY400 - the message says it all
        finally:
            self._telling.discard(entry.id)


def _alarm(entry: Entry) -> Alarm:
    return Alarm(
        alarm=entry.id,
        kind=entry.kind,
        due_us=entry.due_us,
        ring_s=RING_S[entry.kind],
        name=entry.name,
    )
