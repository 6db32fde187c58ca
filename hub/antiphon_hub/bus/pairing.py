"""Pairing on the bus: devices' questions in, answers out; and the rooms learn who was revoked."""

import asyncio
import logging
from collections import Counter
from typing import Final

from antiphon_hub.errors import HubError
from antiphon_hub.identity.pairing import Pairing
from antiphon_hub.identity.rights import Account
from antiphon_link.errors import LinkError
from antiphon_link.link import Envelope, Link
from antiphon_protocol import epochs
from antiphon_protocol.messages.pairing import PairAsk, PairHello
from antiphon_protocol.messages.presence import Goodbye, WorkerGoodbye
from antiphon_protocol.topic import Role
from antiphon_protocol.topics import PAIR_ANSWER, PAIR_ASK, SATELLITE_PRESENCE, WORKER_PRESENCE

log = logging.getLogger(__name__)

ASKS_MAX: Final = 16
"""Questions that wait; policy: reject, counted as `asks_refused`: the device asks again."""
LOOK_S: Final = 1.0
"""How often to look at the clock, and at what `antiphon devices` did."""


class PairingDesk:
    """Answers devices that want to be let in, one at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._asks: asyncio.Queue[tuple[str, PairAsk]] = asyncio.Queue(maxsize=ASKS_MAX)
        self.counts: Counter[str] = Counter()
        """asks_refused."""
        link.on(PAIR_ASK, self._asked)

    async def run(self, pairing: Pairing) -> None:
        """Answer until cancelled."""
        loop = asyncio.get_running_loop()
        look_s = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(look_s):
                    request, ask = await self._asks.get()
            except TimeoutError:
                look_s = loop.time() + LOOK_S
                await self._look(pairing)
            else:
                await self._answer(pairing, request, ask)

    def _asked(self, ask: PairAsk, envelope: Envelope) -> None:
        try:
            self._asks.put_nowait((envelope.ids["request"], ask))
        except asyncio.QueueFull:
            self.counts["asks_refused"] += 1

    async def _answer(self, pairing: Pairing, request: str, ask: PairAsk) -> None:
        try:
            if isinstance(ask, PairHello):
                await self._link.send(
                    PAIR_ANSWER,
                    await asyncio.to_thread(pairing.hello, request, ask),
                    request=request,
                )
            else:
                await self._link.send(
                    PAIR_ANSWER,
                    await asyncio.to_thread(pairing.proof, request, ask),
                    request=request,
                )
        except (HubError, LinkError) as error:
            log.error("pairing: %s", error)  # noqa: TRY400 - the message says it all

    async def _look(self, pairing: Pairing) -> None:
        try:
            for account in await asyncio.to_thread(pairing.refresh):
                await self._say_gone(account)
        except (HubError, LinkError) as error:
            log.error("pairing: %s", error)  # noqa: TRY400 - the message says it all

    async def _say_gone(self, account: Account) -> None:
        """Say goodbye for a device that was cut off: its own will was refused with its account."""
        if account.role is Role.SATELLITE:
            goodbye = Goodbye(satellite=account.id, epoch=epochs.ANY, reason="lost")
            await self._link.send(SATELLITE_PRESENCE, goodbye, satellite=account.id)
            await self._link.clear(SATELLITE_PRESENCE, satellite=account.id)
        elif account.role is Role.WORKER:
            gone = WorkerGoodbye(worker=account.id, epoch=epochs.ANY, reason="lost")
            await self._link.send(WORKER_PRESENCE, gone, worker=account.id)
            await self._link.clear(WORKER_PRESENCE, worker=account.id)
