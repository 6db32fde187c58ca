"""A broker in memory behind a bad Wi-Fi: audio is lost, repeated, overtaken; all else is late."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from antiphon_link.broker import BrokerAddress
from antiphon_link.connection import Connection, Publication, Receiver, Will
from antiphon_link.errors import LinkDownError
from antiphon_link.fake import FakeBus

_APART_S = 1e-4


class Weather(msgspec.Struct, frozen=True, kw_only=True):
    """What the network does; times are seconds, from the first sample of a stream on."""

    seed: int = 0
    loss: float = 0.0
    """Share of the audio frames that never arrive, those sent again included."""
    repeats: float = 0.0
    """Share of them that arrive twice."""
    delay_s: float = 0.0
    """Each takes up to so long, and overtakes others."""
    away_at_s: float = 0.0
    away_s: float = 0.0
    """How long nothing passes at all."""
    cut: bool = False
    """The satellites' connections break when that begins, and none is made until it ends."""


class WifiBus(FakeBus):
    """A FakeBus; `begin` starts the weather."""

    def __init__(self, weather: Weather) -> None:
        super().__init__()
        self._weather = weather
        self._dice = random.Random(weather.seed)
        self._away_from_s = self._away_until_s = self._last_s = 0.0

    def begin(self) -> None:
        """Let the weather begin now."""
        if self._away_until_s or not self._weather.away_s:
            return
        loop = asyncio.get_running_loop()
        self._away_from_s = loop.time() + self._weather.away_at_s
        self._away_until_s = self._away_from_s + self._weather.away_s
        if self._weather.cut:
            loop.call_at(self._away_from_s, self._cut)

    @asynccontextmanager
    async def connect(
        self, address: BrokerAddress, client_id: str, will: Will | None, receiver: Receiver
    ) -> AsyncIterator[Connection]:
        if self._away and self._weather.cut and client_id.startswith("satellite"):
            raise LinkDownError("there is no network")
        async with super().connect(address, client_id, will, receiver) as connection:
            yield connection

    def publish(self, publication: Publication) -> None:
        loop, weather, dice = asyncio.get_running_loop(), self._weather, self._dice
        if publication.qos == 0:
            for _ in range(1 + (dice.random() < weather.repeats)):
                if not self._away and dice.random() >= weather.loss:
                    loop.call_later(dice.random() * weather.delay_s, super().publish, publication)
            return
        # Acknowledged messages are sent by TCP until they arrive, in order.
        soonest_s = loop.time() + dice.random() * weather.delay_s
        if self._away and not weather.cut:
            soonest_s += self._away_until_s - loop.time()
        self._last_s = max(self._last_s + _APART_S, soonest_s)
        loop.call_at(self._last_s, super().publish, publication)

    @property
    def _away(self) -> bool:
        return self._away_from_s <= asyncio.get_running_loop().time() < self._away_until_s

    def _cut(self) -> None:
        for client_id in tuple(self._connections):
            if client_id.startswith("satellite"):
                self.cut(client_id)
