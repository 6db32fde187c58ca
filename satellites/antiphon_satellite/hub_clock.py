"""What time it is at the hub: asked now and then, and often where it matters and is in doubt."""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final

from antiphon_protocol.clock import Exchange, OffsetEstimator
from antiphon_protocol.messages.presence import TimeAsked, TimeTold
from antiphon_satellite.clock import now_us, steady_us

ASK_S: Final = 1.0
"""The first wait: a large house joins at once, and each question is three messages."""
ASK_IN_DOUBT_S: Final = 3.0
"""The longest wait while in doubt; 1.02 times the one before until then, so that some fifty
questions within the first two minutes prepare us for an announcement."""
ASK_SELDOM_S: Final = 15.0
"""The longest wait where all is known well, 1.5 times the one before until then: a clock that
somebody sets is noticed by then."""
SLOWER_IN_DOUBT: Final = 1.02
SLOWER: Final = 1.5
ASK_SOON_S: Final = 0.05
SPREAD: Final = 0.25
"""Each wait is longer or shorter by up to this share, so that a house does not ask in chorus."""
DOUBT_US: Final = 2000.0
"""Standard error from which on we ask often, so that an announcement finds us prepared."""
SURE_US: Final = 1000.0
"""Standard error below which others who speak with us gain nothing by another question."""
ASKS: Final = 40
"""In a row at most: of so many answers one is quick in each direction."""
ASKS_AT_LEAST: Final = 3
"""In a row, however sure we are: somebody may have set a clock."""
ASKS_EVERY_S: Final = 5.0


class Pace:
    """When to ask the hub's time (pure)."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._wait_s = ASK_S
        self._again_s = 0.0
        self._asked = ASKS
        """Of the questions in a row."""

    def first_s(self) -> float:
        """Return how long to wait when the hub has come back: many satellites see it at once."""
        self._wait_s = ASK_S
        return self._random.uniform(0.0, ASK_S)

    def need(self, now_s: float) -> bool:
        """The time is needed well: return whether to ask now, for it is long since we did."""
        if now_s < self._again_s:
            return False
        self._again_s = now_s + ASKS_EVERY_S
        self._asked = 0
        return True

    def wait_s(self, doubt_us: float) -> float:
        """Return how long to wait behind a question, with the doubt there is."""
        self._asked += 1
        if self._asked < (ASKS if doubt_us > SURE_US else ASKS_AT_LEAST):
            return ASK_SOON_S
        self._asked = ASKS
        if doubt_us > DOUBT_US:
            self._wait_s = min(ASK_IN_DOUBT_S, SLOWER_IN_DOUBT * self._wait_s)
        else:
            self._wait_s = min(ASK_SELDOM_S, SLOWER * self._wait_s)
        return self._wait_s * self._random.uniform(1.0 - SPREAD, 1.0 + SPREAD)


class HubClock:
    """Keeps the offset between our steady clock and the hub's."""

    def __init__(
        self,
        ask: Callable[[TimeAsked], None],
        random: Random,
        steady: Callable[[], int] = steady_us,
    ) -> None:
        self._ask_hub = ask
        self._steady_us = steady
        self._offsets = OffsetEstimator()
        self._asked_us: deque[int] = deque(maxlen=ASKS)
        self._hub = ""
        self._pace = Pace(random)
        self._due_s: float | None = None
        self._moved = asyncio.Event()

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
        """Ask until cancelled, as long as a hub is there."""
        while True:
            try:
                async with asyncio.timeout_at(self._due_s):
                    await self._moved.wait()
            except TimeoutError:
                self._ask()
            self._moved.clear()

    def hub_here(self, hub: str) -> None:
        """A hub can be asked: at once if we know nothing of its clock."""
        if hub != self._hub:
            self._hub = hub
            self._offsets = OffsetEstimator()
        wait_s = self._pace.first_s()
        self._ask_in(0.0 if self._offsets.offset_us is None else wait_s)

    def hub_away(self) -> None:
        """Nobody can be asked."""
        self._due_s = None
        self._moved.set()

    def ask_soon(self) -> None:
        """The hub's time is needed well: ask for it some times in a row, unless just done."""
        if self._due_s is not None and self._pace.need(asyncio.get_running_loop().time()):
            self._ask_in(0.0)

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
        self._ask_in(self._pace.wait_s(self._offsets.doubt_at(asked_us)))

    def _ask_in(self, wait_s: float) -> None:
        self._due_s = asyncio.get_running_loop().time() + wait_s
        self._moved.set()
