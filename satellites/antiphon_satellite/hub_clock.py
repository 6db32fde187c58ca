"""What time it is at the hub: asked now and then, and often where it matters."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from antiphon_protocol.clock import Exchange, OffsetEstimator
from antiphon_protocol.messages.presence import TimeAsked, TimeTold
from antiphon_satellite.clock import now_us, steady_us

ASK_EVERY_S: Final = 3.0
ASK_SOON_S: Final = 0.05
ASKS: Final = 40
"""In a row: of so many answers one is quick in each direction."""
ASKS_EVERY_S: Final = 5.0


class HubClock:
    """Keeps the offset between our steady clock and the hub's."""

    def __init__(
        self, ask: Callable[[TimeAsked], None], steady: Callable[[], int] = steady_us
    ) -> None:
        self._ask_hub = ask
        self._steady_us = steady
        self._offsets = OffsetEstimator()
        self._asked_us: deque[int] = deque(maxlen=ASKS)
        self._left = 0
        self._again_s = 0.0
        self._wanted = asyncio.Event()

    @property
    def offset_us(self) -> int | None:
        """What to add to our wall clock to read the hub's, microseconds; None: not known yet."""
        steady = self._steady_us()
        offset_us = self._offsets.offset_at(steady)
        return None if offset_us is None else offset_us + steady - now_us()

    def steady_time_of(self, hub_us: int) -> int | None:
        """Return when it is that time at the hub, on our steady clock; None: not known yet."""
        offset_us = self._offsets.offset_at(self._steady_us())
        return None if offset_us is None else hub_us - offset_us

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                async with asyncio.timeout(ASK_SOON_S if self._left else ASK_EVERY_S):
                    await self._wanted.wait()
            except TimeoutError:
                self._left = max(0, self._left - 1)
                self._ask()
            self._wanted.clear()

    def ask_soon(self) -> None:
        """The hub's time is needed well: ask for it some times in a row, unless just done."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._again_s:
            self._again_s = now_s + ASKS_EVERY_S
            self._left = ASKS
            self._wanted.set()

    def told(self, told: TimeTold) -> None:
        """The hub has answered."""
        if told.asked_us not in self._asked_us:
            return  # the answer to a satellite of our id, or to a question of long ago
        answered_us = self._steady_us()
        self._offsets.add(Exchange(told.asked_us, told.received_us, told.replied_us, answered_us))

    def _ask(self) -> None:
        asked_us = self._steady_us()
        self._asked_us.append(asked_us)
        self._ask_hub(TimeAsked(asked_us=asked_us))
