"""The hub's lease on the bus, on a connection of its own: losing one says nothing of the other."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final

from antiphon_hub.errors import LeaseLostError
from antiphon_hub.leadership import Leadership
from antiphon_link.errors import LinkDownError
from antiphon_link.link import Envelope, Link, Resolver, Will
from antiphon_protocol.messages.event import Event, Understood
from antiphon_protocol.messages.presence import HubLease
from antiphon_protocol.topics import EVENT, HUB_LEASE

log = logging.getLogger(__name__)

TOLD_S: Final = 1.0
"""A free lease is had within this."""
LOOK_S: Final = 0.1
ACT_WITHIN_S: Final = 2.0
"""A broker that was started again is back within this; the person still waits for the answer."""


class LeaseKeeper:
    """Waits for the lease, then keeps it. `run()` lives in a task."""

    def __init__(
        self,
        resolve: Resolver,
        hub: str,
        *,
        standby: bool,
        alone: bool,
    ) -> None:
        """Prepare.

        Args:
            resolve: Finds the broker.
            hub: The hub's id.
            standby: Let another hub take a free lease first.
            alone: The broker is this hub's own.
        """
        self._rule = Leadership(hub, secrets.token_hex(8), standby=standby, alone=alone)
        self._hub = hub
        self._lost: Callable[[], None] = lambda: None
        self._acted: Callable[[str], None] = lambda _: None
        self._acquired = asyncio.Event()
        # An id of its own: a hub of the same id that still runs must not be thrown out.
        name = f"lease-{hub}-{secrets.token_hex(4)}"
        self._link = Link(resolve, client_id=name, will=self._will, name="lease")
        self._link.on(HUB_LEASE, self._on_lease)
        self._link.on(EVENT, self._on_event, kind="understood")
        self._link.on_leaving(self._leave)

    def valid(self) -> bool:
        """Tell whether this hub may act now."""
        return self._rule.valid(asyncio.get_running_loop().time())

    async def may_act(self) -> bool:
        """Tell whether this hub may act, waiting a moment for a lease that is being renewed."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + ACT_WITHIN_S
        while not self.valid() and loop.time() < until_s:  # noqa: ASYNC110 - a lease runs out, too
            await asyncio.sleep(LOOK_S)
        return self.valid()

    def tell(self, lost: Callable[[], None], acted: Callable[[str], None]) -> None:
        """Call `lost` when another hub takes over, `acted` with each turn it is about to act on."""
        self._lost, self._acted = lost, acted

    async def wait_for_it(self, standing_by: Callable[[str], None]) -> None:
        """Return once the lease is ours; tell if that takes longer, and why."""
        try:
            async with asyncio.timeout(TOLD_S):
                await self._acquired.wait()
        except TimeoutError:
            holder = self._rule.holder
            why = f"hub {holder} acts" if holder else "nobody is known to act, others go first"
            log.info("hub %s stands by: %s", self._hub, why)
            standing_by(f"standing by: {why}")
            await self._acquired.wait()
        log.info("hub %s acts from now on", self._hub)

    async def run(self) -> None:
        """Wait, claim and renew until cancelled.

        Raises:
            ExceptionGroup: of LeaseLostError, when another hub took the lease that was ours.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._link.run(), name="lease link")
            group.create_task(self._keep(), name="lease")

    async def _keep(self) -> None:
        loop, connected = asyncio.get_running_loop(), False
        while True:
            if self._link.connected is not connected:
                connected = self._link.connected
                if connected:
                    self._rule.connected(loop.time())
                else:
                    self._rule.disconnected()
            self._do(loop.time())
            await asyncio.sleep(LOOK_S)

    def _do(self, now_s: float) -> None:
        move = self._rule.move(now_s)
        if move in ("claim", "renew"):
            lease = self._rule.message(now_s, claim=move == "claim")
            self._link.post(HUB_LEASE, lease)
        elif move == "lost":
            self._lost()
            raise LeaseLostError(f"hub {self._rule.holder} has taken over")

    def _on_lease(self, lease: HubLease, _: Envelope) -> None:
        self._rule.saw(lease, asyncio.get_running_loop().time())
        if self.valid():
            self._acquired.set()

    def _on_event(self, event: Event, _: Envelope) -> None:
        if isinstance(event, Understood) and not self._acquired.is_set():
            self._acted(event.turn)

    def _will(self) -> Will:
        # Not retained: it is made before there is a term, and must not replace the lease.
        release = HUB_LEASE.encode(self._rule.release())
        return Will(HUB_LEASE.path(), release, HUB_LEASE.qos, retain=False)

    async def _leave(self) -> None:
        if self._rule.had:
            try:
                await self._link.send(HUB_LEASE, self._rule.release())
            except LinkDownError as error:
                log.debug("the lease runs out by itself: %s", error)
