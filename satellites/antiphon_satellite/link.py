"""The satellite's edge to the house: its topics, its presence, the hub's, and the hub's clock."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any, Literal

import msgspec

from antiphon_link.link import Envelope, Link, Will
from antiphon_protocol.audio import AudioFormat, AudioFrame, Frame, OpusFrame
from antiphon_protocol.errors import VersionError
from antiphon_protocol.messages.config import DesiredSettings, ReportedSettings, WakeScores
from antiphon_protocol.messages.presence import (
    Farewell,
    Goodbye,
    Hello,
    HubPresence,
    SatellitePresence,
    TimeTold,
    Welcome,
)
from antiphon_protocol.messages.satellite import SatelliteCommand, SatelliteFact
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.topics import (
    EVERY_SATELLITE,
    HUB_PRESENCE,
    PLAYBACK_AUDIO,
    SATELLITE_AUDIO,
    SATELLITE_DESIRED,
    SATELLITE_DID,
    SATELLITE_DO,
    SATELLITE_OPUS,
    SATELLITE_PRESENCE,
    SATELLITE_REPORTED,
    SATELLITE_SCORES,
    SATELLITE_WAKE,
    Topic,
)
from antiphon_protocol.version import OURS, negotiate
from antiphon_satellite.clock import now_us, steady_us
from antiphon_satellite.device.identity import Claim, Identity
from antiphon_satellite.hub_clock import HubClock
from antiphon_satellite.settings import WakeMode

log = logging.getLogger(__name__)

LinkMaker = Callable[[str, Callable[[], Will]], Link]
"""Makes the link for a client id and a will: to a broker, or to one in memory."""


class House:
    """What the satellite says to the house, and what it hears from it."""

    def __init__(
        self,
        make_link: LinkMaker,
        who: Identity,
        *,
        wake: WakeMode,
        phrases: tuple[str, ...],
        commanded: Callable[[SatelliteCommand], None],
        hub_changed: Callable[[bool], None],
        desired: Callable[[DesiredSettings], None],
        reported: Callable[[], ReportedSettings],
        steady: Callable[[], int] = steady_us,
    ) -> None:
        """Prepare the link; `run` connects it.

        Args:
            make_link: Makes the link.
            who: Who we are.
            wake: Where the wake word is recognised.
            phrases: Wake phrases that are listened for here.
            commanded: Called with each command of the hub; must return at once.
            hub_changed: Called with True when the hub can be talked to, with False when it cannot.
            desired: Called with what the hub wants to be set here; must return at once.
            reported: Returns what is set here.
            steady: A clock that nobody sets, microseconds.
        """
        self._who = who
        self._wake: WakeMode = wake
        self._phrases = phrases
        self._commanded = commanded
        self._hub_changed = hub_changed
        self._reported = reported
        self._claim = Claim(who.instance)
        self._claim_moved = asyncio.Event()
        self._welcome: Welcome | None = None
        self._hub_here = False
        # Each satellite of a house has waits of its own, the same in each run of a bench.
        waits = Random(who.satellite)  # noqa: S311 - no secret
        self.clock = HubClock(self.tell, waits, steady)
        # Two satellites of one id must not take the connection from each other for ever.
        self.link = make_link(f"satellite-{who.satellite}-{who.instance}", self._will)
        self.link.on(SATELLITE_DO, self._on_command, satellite=who.satellite)
        self.link.on(SATELLITE_DESIRED, lambda one, _: desired(one), satellite=who.satellite)
        self.link.on(HUB_PRESENCE, self._on_hub)
        self.link.on(SATELLITE_PRESENCE, self._on_presence, satellite=who.satellite)
        self.link.on(SATELLITE_DID, self._on_fact, satellite=who.satellite)
        self.link.on_connected(self._greet)
        self.link.on_leaving(self._take_leave)

    @property
    def codecs(self) -> tuple[str, ...]:
        """What the house takes besides PCM; nothing while the hub is away."""
        return self._welcome.codecs if self._welcome else ()

    @property
    def hub_offset_us(self) -> int | None:
        """What to add to our clock to read the hub's, microseconds; None: not known yet."""
        return self.clock.offset_us

    async def run(self) -> None:
        """Be part of the house until cancelled.

        Raises:
            LinkRefusedError: the broker refuses us for a reason that retrying does not mend.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self.link.run(), name="link")
            group.create_task(self._watch_link(), name="watch link")
            group.create_task(self._keep_presence(), name="presence")
            group.create_task(self.clock.run(), name="time")

    def tell(self, fact: SatelliteFact) -> None:
        """Say what we did."""
        if self._claim.mine:
            self.link.post(SATELLITE_DID, fact, satellite=self._who.satellite)

    def report(self) -> None:
        """Say what is set here; also who we are, where that has changed."""
        if not self._claim.mine:
            return
        reported = self._reported()
        settings = reported.settings
        who = msgspec.structs.replace(self._who, room=settings.room or self._who.room)
        if (who, settings.phrases or ()) != (self._who, self._phrases):
            self._who, self._phrases = who, settings.phrases or ()
            self._say_hello()
        self.link.post(SATELLITE_REPORTED, reported, satellite=self._who.satellite)

    def show_scores(self, scores: WakeScores) -> None:
        """Say what our wake engines make of what they hear."""
        if self._claim.mine:
            self.link.post(SATELLITE_SCORES, scores, satellite=self._who.satellite)

    def call(self, heard: WakeHeard) -> None:
        """Say that somebody may have called."""
        self.link.post(SATELLITE_WAKE, heard, satellite=self._who.satellite)

    def stream(self, stream: str, frame: Frame) -> None:
        """Send a frame of a stream."""
        self.link.post(_topic(frame), frame, satellite=self._who.satellite, stream=stream)

    async def stream_again(self, stream: str, frame: Frame) -> None:
        """Send a frame once more, waiting until it is on its way.

        Raises:
            LinkDownError: not connected.
        """
        await self.link.send(_topic(frame), frame, satellite=self._who.satellite, stream=stream)

    @asynccontextmanager
    async def following(
        self, playback: str, take: Callable[[AudioFrame, Envelope], None]
    ) -> AsyncIterator[None]:
        """Be subscribed to a playback inside the block, whether we play it alone or with others.

        Raises:
            LinkDownError: not connected.
        """
        async with AsyncExitStack() as stack:
            for group in (self._who.satellite, EVERY_SATELLITE):
                where = {"group": group, "playback": playback}
                await stack.enter_async_context(self.link.following(PLAYBACK_AUDIO, take, **where))
            yield

    # -- presence ---------------------------------------------------------------------------------

    def _will(self) -> Will:
        # A clock that was set back must not make us look older than our last connection.
        self._claim.begin(max(now_us(), self._claim.epoch + 1))
        topic = SATELLITE_PRESENCE
        return Will(
            topic.path(satellite=self._who.satellite),
            topic.encode(self._goodbye("lost")),
            topic.qos,
            topic.retain,
        )

    def _goodbye(self, reason: Literal["stopped", "lost"]) -> Goodbye:
        return Goodbye(satellite=self._who.satellite, epoch=self._claim.epoch, reason=reason)

    async def _greet(self) -> None:
        self._claim.connected(asyncio.get_running_loop().time())
        self._claim_moved.set()

    async def _take_leave(self) -> None:
        if self._claim.mine:
            self._claim.lost()  # or the echo of our goodbye would make us say Hello again
            goodbye = self._goodbye("stopped")
            await self.link.send(SATELLITE_PRESENCE, goodbye, satellite=self._who.satellite)

    def _say_hello(self) -> None:
        hello = Hello(
            satellite=self._who.satellite,
            epoch=self._claim.epoch,
            room=self._who.room,
            protocol=OURS,
            software=self._who.software,
            host=self._who.host,
            instance=self._who.instance,
            wake=self._wake,
            phrases=self._phrases,
            speaker=AudioFormat(),
        )
        self.link.post(SATELLITE_PRESENCE, hello, satellite=self._who.satellite)

    async def _keep_presence(self) -> None:
        """Say Hello once the id is ours."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout_at(self._claim.due_s):
                    await self._claim_moved.wait()
            except TimeoutError:
                pass  # the claim's time has come
            self._claim_moved.clear()
            if self._claim.settle(loop.time()):
                self._say_hello()
                self.report()
            self._judge_hub()

    def _on_presence(self, presence: SatellitePresence, _: Envelope) -> None:
        had_rival = self._claim.rival is not None
        if self._claim.saw(presence, asyncio.get_running_loop().time()):
            self._say_hello()
        if self._claim.rival is not None and not had_rival:
            log.error(
                "satellite id %r is taken: the satellite on host %r in room %r has it; "
                "choose another with --id NAME or [satellite] id, or stop that one. Waiting.",
                self._who.satellite,
                self._claim.rival.host,
                self._claim.rival.room,
            )
        self._claim_moved.set()

    def _on_fact(self, _: SatelliteFact, envelope: Envelope) -> None:
        if not envelope.retained:
            self._claim.sign_of_life(asyncio.get_running_loop().time())

    # -- the hub ----------------------------------------------------------------------------------

    def _on_command(self, command: SatelliteCommand, _: Envelope) -> None:
        if not self._claim.mine:
            return
        if isinstance(command, TimeTold):
            self.clock.told(command)
        else:
            self._commanded(command)

    def _on_hub(self, presence: HubPresence, _: Envelope) -> None:
        known = self._welcome
        if isinstance(presence, Farewell):
            if known is not None and (known.hub, known.epoch) != (presence.hub, presence.epoch):
                return  # the will of a hub that another has followed, or of its last connection
            self._welcome = None
        else:
            if known is not None and (known.hub, known.epoch) != (presence.hub, presence.epoch):
                self._welcome = None  # another hub, or one that was gone: it knows no turn of ours
                self._judge_hub()
            try:
                negotiate(OURS, presence.protocol)
                self._welcome = presence
            except VersionError as error:
                log.error("hub %s: %s", presence.hub, error)  # noqa: TRY400 - no bug of ours
                self._welcome = None
        self._judge_hub()

    def _judge_hub(self) -> None:
        here = self._welcome is not None and self._claim.mine
        if here is not self._hub_here:
            self._hub_here = here
            if self._welcome is not None and here:
                self.clock.hub_here(self._welcome.hub)
            else:
                self.clock.hub_away()
            log.info("the hub is %s", "here" if here else "away")
            self._hub_changed(here)

    async def _watch_link(self) -> None:
        while True:
            await self.link.wait_connected()
            await self.link.wait_disconnected()
            self._claim.lost()
            self._welcome = None
            self._judge_hub()


def _topic(frame: Frame) -> Topic[Any]:
    return SATELLITE_OPUS if isinstance(frame, OpusFrame) else SATELLITE_AUDIO
