"""A bus in memory with satellites on Wi-Fi: messages take their time, in order for each one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Connection, Delivery, Receiver, Will
from antiphon_link.fake import FakeBus
from antiphon_protocol.topics import SATELLITE_DID


class LateBus(FakeBus):
    """Each delivery takes between 0 and `jitter_s` seconds, evenly spread."""

    def __init__(self, jitter_s: float, random: Random) -> None:
        super().__init__()
        self._jitter_s = jitter_s
        self._random = random

    @asynccontextmanager
    async def connect(
        self, address: BrokerAddress, client_id: str, will: Will | None, receiver: Receiver
    ) -> AsyncIterator[Connection]:
        late = _Late(receiver, self._jitter_s, self._random)
        async with super().connect(address, client_id, will, late) as connection:
            yield connection


class _Late:
    """A receiver behind slow lines: its own, or for what satellites say, each one's own."""

    def __init__(self, receiver: Receiver, jitter_s: float, random: Random) -> None:
        self._receiver = receiver
        self._jitter_s = jitter_s
        self._random = random
        self._last_s: dict[str, float] = {}

    def dispatch(self, delivery: Delivery) -> None:
        said = SATELLITE_DID.match(delivery.path)
        line = said["satellite"] if said else ""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self._random.uniform(0, self._jitter_s)
        # One TCP connection each way: nothing overtakes.
        self._last_s[line] = max(self._last_s.get(line, 0.0), due_s)
        loop.call_at(self._last_s[line], self._receiver.dispatch, delivery)
