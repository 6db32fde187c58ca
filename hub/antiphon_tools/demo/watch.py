"""The demo's ear on the bus: facts, workers and levels for whoever presents them."""

import asyncio
from collections.abc import Callable
from typing import Final

from antiphon_link.link import Envelope, Link, Resolver
from antiphon_protocol.audio import AudioFrame
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.event import (
    Event,
    SatelliteJoined,
    TurnEnded,
    WorkerJoined,
    WorkerLeft,
)
from antiphon_protocol.messages.presence import WorkerHello, WorkerPresence
from antiphon_protocol.messages.satellite import Listen, Play, SatelliteCommand
from antiphon_protocol.topics import EVENT, PLAYBACK_AUDIO, SATELLITE_DO, WORKER_PRESENCE
from antiphon_tools.demo.errors import HubFailedError
from antiphon_tools.demo.outcome import Outcome
from antiphon_tools.demo.playout import Playouts
from antiphon_tools.demo.results import Unheard

JOIN_TIMEOUT_S: Final = 5.0
"""The hub waited for its worker by itself before; rooms join in a quarter of a second."""
_LOOK_AGAIN_S: Final = 0.1


class Watch:
    """Follows the house; `run` lives in a task."""

    def __init__(self, resolve: Resolver, tell: Callable[[Event], None]) -> None:
        """Prepare.

        Args:
            resolve: Finds the broker.
            tell: Called with each fact, must return at once.
        """
        self._tell = tell
        self._joined: set[str] = set()
        self._workers: set[str] = set()
        self._outcome = Outcome("")
        self._news = asyncio.Event()
        self.playouts = Playouts()
        self._link = Link(resolve, client_id=new_id("demo"), name="demo")
        self._link.on(EVENT, self._on_event)
        # The hub's own worker said hello before we were here: only its presence is retained.
        self._link.on(WORKER_PRESENCE, self._on_worker)
        self._link.on(SATELLITE_DO, self._on_command)
        self._link.on(PLAYBACK_AUDIO, self._on_audio)

    async def run(self) -> None:
        """Follow the house until cancelled.

        Raises:
            LinkRefusedError: the broker refuses us.
        """
        await self._link.run()

    async def connected(self) -> None:
        """Return once nothing of what happens is missed."""
        await self._link.wait_connected()

    async def joined(self, satellites: set[str]) -> None:
        """Return once the hub knows these satellites, and has a worker.

        Raises:
            HubFailedError: not in time; the message says what is missing.
        """
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                while not (satellites <= self._joined and self._workers):
                    await self._next()
        except TimeoutError:
            missing = sorted(satellites - self._joined) or ["its worker"]
            raise HubFailedError(
                f"the hub runs, but without {', '.join(missing)}; `antiphon doctor` looks for "
                "the reason, --verbose shows what all parts say"
            ) from None

    def begin(self, satellite: str) -> None:
        """Something is about to be spoken to that satellite."""
        self._outcome = Outcome(satellite)

    async def outcome(self, *, called: bool) -> TurnEnded | Unheard:
        """Return what came of it, once all was spoken and the room has come to rest."""
        loop = asyncio.get_running_loop()
        since_s = loop.time()
        while True:
            ended = self._outcome.decide(called=called, waited_s=loop.time() - since_s)
            if ended is not None:
                return ended
            await self._next()

    async def _next(self) -> None:
        """Return at the next fact, or a little later: some things are decided by time alone."""
        self._news.clear()
        waiting = asyncio.ensure_future(self._news.wait())
        await asyncio.wait([waiting], timeout=_LOOK_AGAIN_S)
        waiting.cancel()

    def _on_event(self, event: Event, _: Envelope) -> None:
        if isinstance(event, SatelliteJoined):
            self._joined.add(event.satellite)
        if not isinstance(event, WorkerJoined | WorkerLeft):
            self._tell(event)
        self._outcome.apply(event)
        self._news.set()

    def _on_worker(self, presence: WorkerPresence, _: Envelope) -> None:
        self._news.set()
        if isinstance(presence, WorkerHello):
            self._workers.add(presence.worker)
            engines = tuple(engine.name for engine in presence.engines)
            self._tell(
                WorkerJoined(worker=presence.worker, device=presence.device, engines=engines)
            )
        else:
            self._workers.discard(presence.worker)
            self._tell(WorkerLeft(worker=presence.worker, reason=presence.reason))

    def _on_command(self, command: SatelliteCommand, envelope: Envelope) -> None:
        if isinstance(command, Listen | Play):
            self.playouts.expect(envelope.ids["satellite"], command.playback)

    def _on_audio(self, frame: AudioFrame, envelope: Envelope) -> None:
        now_s = asyncio.get_running_loop().time()
        self.playouts.frame(envelope.ids["playback"], frame, now_s)
