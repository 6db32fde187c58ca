"""Rings, one cycle after the other, and is hushed while somebody speaks with the house."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Final, Literal

from antiphon_protocol.messages.satellite import Fault
from antiphon_protocol.messages.timer import Alarm, SetAlarms, StoppedBy
from antiphon_satellite.alarms.book import AlarmBook
from antiphon_satellite.alarms.shelf import Shelf
from antiphon_satellite.alarms.sounds import PAUSE_S, ring_pcm
from antiphon_satellite.clock import now_us
from antiphon_satellite.link import House
from antiphon_satellite.machine import Event, State
from antiphon_satellite.speak.player import Player

log = logging.getLogger(__name__)

LOOK_S: Final = 600.0
"""The longest sleep; a timer's own time ends it earlier."""

_QUIET: Final = frozenset({State.AWAY, State.IDLE})
"""Nobody speaks with the house: ringing disturbs nothing."""

Cause = Literal["phrase", "button", "voice"]


class Ringer:
    """Rings for what is due until it is stopped, or has rung for as long as it may."""

    def __init__(self, house: House, player: Player, shelf: Shelf) -> None:
        self._house = house
        self._player = player
        self._shelf = shelf
        self._book = AlarmBook()
        self._moved = asyncio.Event()
        self._dirty = False
        self._hushed = False

    async def run(self) -> None:
        """Ring until cancelled."""
        self._book.restore(self._shelf.read(), now_us(), _now_s())
        while True:
            self._moved.clear()
            await self._keep()
            self._tell_passed()
            due = self._book.ringing(_now_s())
            if due and not self._hushed:
                await self._until_moved(self._cycle(due[0]))
            else:
                left_s = self._book.next_s(_now_s())
                await self._until_moved(asyncio.sleep(min(LOOK_S, left_s or LOOK_S)))

    def set(self, told: SetAlarms) -> None:
        """Take over what the hub set."""
        self._book.set(told, _now_s())
        self._change()
        self._tell_again()

    def takes(self, cause: Cause, state: State) -> bool:
        """Take a call for `stop` if something rings and that is all it can mean.

        The button means it always, the wake word while no hub is there to hear more.
        """
        alone = cause == "phrase" and state is State.AWAY
        if not (alone or cause == "button") or not self._book.ringing(_now_s()):
            return False
        self._stop("button" if cause == "button" else "voice")
        if state is State.PLAYING:
            self._player.stop_all()  # the words that go with it
        return True

    def follow(self, before: State, event: Event, state: State) -> None:
        """Be silent while somebody speaks with the house, and ring on afterwards."""
        if before is State.CALLING and event in (Event.TIME_OUT, Event.HUB_WENT):
            self._stop("voice")  # nobody was there to hear "stop": the call itself is taken for it
        if event is Event.HUB_CAME:
            self._tell_again()
        hushed = state not in _QUIET
        if hushed is not self._hushed:
            self._hushed = hushed
            self._moved.set()

    # -- inside -----------------------------------------------------------------------------------

    def _stop(self, by: StoppedBy) -> None:
        if stopped := self._book.stop(by, _now_s()):
            for fact in stopped:
                self._house.tell(fact)
            self._change()

    def _tell_again(self) -> None:
        for fact in self._book.told_again(_now_s()):
            self._house.tell(fact)

    def _change(self) -> None:
        self._dirty = True
        self._moved.set()

    def _tell_passed(self) -> None:
        for fact in self._book.passed(_now_s()):
            self._dirty = True
            self._house.tell(fact)

    async def _keep(self) -> None:
        if not self._dirty:
            return
        self._dirty = False
        try:
            await asyncio.to_thread(self._shelf.write, self._book.kept(now_us(), _now_s()))
        except OSError as error:
            log.error("alarms cannot be kept: %s", error)  # noqa: TRY400 - the message says it all
            self._house.tell(Fault(code="storage", text=f"alarms cannot be kept: {error}"[:500]))

    async def _cycle(self, alarm: Alarm) -> None:
        await self._player.sound(f"ring-{alarm.kind}", ring_pcm(alarm.kind))
        await asyncio.sleep(PAUSE_S)

    async def _until_moved(self, doing: Coroutine[None, None, None]) -> None:
        """Do it until it is done, or until something changed; a sound is then cut off."""
        tasks = [asyncio.ensure_future(doing), asyncio.ensure_future(self._moved.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
