"""The hub's own presence: welcome, farewell, will."""

import logging
from collections.abc import Callable
from importlib.metadata import version
from typing import Literal

from antiphon_hub.clock import now_us
from antiphon_link.errors import LinkDownError
from antiphon_link.link import Envelope, Link, Will
from antiphon_protocol.messages.presence import Farewell, HubPresence, Welcome
from antiphon_protocol.topics import HUB_PRESENCE
from antiphon_protocol.version import OURS

log = logging.getLogger(__name__)

Reason = Literal["stopped", "lost"]


class Presence:
    """Says that the hub is here, once calls can be taken, and that it is gone.

    Each connection has an epoch of its own, ever greater, so that the will of an earlier one is
    told from today's, also when the clock was set back.
    """

    def __init__(self, hub: str, site: str, codecs: Callable[[], tuple[str, ...]]) -> None:
        """Prepare to be here; `codecs` tells what satellites may send besides PCM."""
        self._hub = hub
        self._site = site
        self._codecs = codecs
        self._said: tuple[str, ...] = ()
        self._epoch = 0
        self._open = False
        self._link: Link | None = None

    def will(self) -> Will:
        """Return the will of a new connection, whose epoch begins here."""
        self._epoch = max(now_us(), self._epoch + 1)
        farewell = HUB_PRESENCE.encode(self._farewell("lost"))
        return Will(HUB_PRESENCE.path(), farewell, HUB_PRESENCE.qos, HUB_PRESENCE.retain)

    def attach(self, link: Link) -> None:
        """Use this link, which has our will; call it before the link runs."""
        self._link = link
        link.on(HUB_PRESENCE, self._on_presence)
        link.on_connected(self._greet)
        link.on_leaving(self._take_leave)

    async def open(self) -> None:
        """Calls can be taken: say so, now and on every connection from now on."""
        self._open = True
        try:
            await self._greet()
        except LinkDownError as error:
            log.debug("the welcome waits for the next connection: %s", error)

    def look_again(self) -> None:
        """Who hears satellites has changed: say what they may send now, if that is another."""
        if self._open and self._link is not None and self._codecs() != self._said:
            self._link.post(HUB_PRESENCE, self._welcome())

    def hand_over(self) -> None:
        """Another hub has taken over: leave without a word, for the topic is its own."""
        self._open = False

    async def _greet(self) -> None:
        if self._open and self._link is not None:
            await self._link.send(HUB_PRESENCE, self._welcome())

    async def _take_leave(self) -> None:
        if self._open and self._link is not None:
            await self._link.send(HUB_PRESENCE, self._farewell("stopped"))

    def _on_presence(self, presence: HubPresence, _: Envelope) -> None:
        ours = (presence.hub, presence.epoch) == (self._hub, self._epoch)
        if isinstance(presence, Farewell) and not ours and self._open and self._link is not None:
            self._link.post(HUB_PRESENCE, self._welcome())  # an earlier hub's will has come late

    def _welcome(self) -> Welcome:
        self._said = self._codecs()
        return Welcome(
            hub=self._hub,
            epoch=self._epoch,
            site=self._site,
            protocol=OURS,
            software=version("antiphon-hub"),
            codecs=self._said,
        )

    def _farewell(self, reason: Reason) -> Farewell:
        return Farewell(hub=self._hub, epoch=self._epoch, reason=reason)
