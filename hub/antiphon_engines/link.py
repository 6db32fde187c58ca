"""The worker's edge to the bus: what comes in to whom, and what goes out where."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from antiphon_codecs.codecs import decodable
from antiphon_engines.streams import Streams
from antiphon_link.link import Envelope, Link, Will
from antiphon_protocol.audio import AudioFrame, Frame
from antiphon_protocol.messages.presence import EngineOffer, WorkerGoodbye, WorkerHello
from antiphon_protocol.messages.work import WorkerCommand, WorkFact
from antiphon_protocol.topics import (
    PLAYBACK_AUDIO,
    SATELLITE_AUDIO,
    SATELLITE_OPUS,
    TURN_WORK,
    WORKER_DO,
    WORKER_PRESENCE,
)
from antiphon_protocol.version import OURS

OpenLink = Callable[[Callable[[], Will]], Link]
"""Makes the link, given what makes its will."""
LEAVE_S: Final = 0.05
"""The broker takes a fact in a millisecond; a slow one must not hold up the transcript."""
SOFTWARE: Final = f"antiphon-hub {version('antiphon-hub')}"


class WorkerLink:
    """Presence, uplinks and facts of one worker; an Outlet for its jobs."""

    def __init__(
        self,
        open_link: OpenLink,
        *,
        worker: str,
        capacity: int,
        engines: tuple[EngineOffer, ...],
        streams: Streams,
    ) -> None:
        self._worker = worker
        self._capacity = capacity
        self._engines = engines
        self._streams = streams
        self._epoch = 0
        self.link = open_link(self._will)
        self.link.on(SATELLITE_AUDIO, self._frame)
        self.link.on(SATELLITE_OPUS, self._frame)
        self.link.on_connected(self._greet)
        self.link.on_leaving(self._say_goodbye)

    def on_command(self, take: Callable[[WorkerCommand], None]) -> None:
        """Hand each job to `take`."""
        self.link.on(WORKER_DO, lambda command, _: take(command), worker=self._worker)

    def report(self, turn: str, fact: WorkFact) -> None:
        """See Outlet.report."""
        self.link.post(TURN_WORK, fact, turn=turn)

    async def reported(self) -> None:
        """See Outlet.reported."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self.link.drain()

    async def play(self, group: str, playback: str, frame: AudioFrame) -> None:
        """See Outlet.play."""
        await self.link.send(PLAYBACK_AUDIO, frame, group=group, playback=playback)

    def _frame(self, frame: Frame, envelope: Envelope) -> None:
        now_s = asyncio.get_running_loop().time()
        self._streams.put(envelope.ids["satellite"], envelope.ids["stream"], frame, now_s)

    def _will(self) -> Will:
        """Make the will of a new connection, whose epoch begins here."""
        # Never the same twice, also where the clock was set back.
        self._epoch = max(time.time_ns() // 1000, self._epoch + 1)
        goodbye = WorkerGoodbye(worker=self._worker, epoch=self._epoch, reason="lost")
        return Will(
            WORKER_PRESENCE.path(worker=self._worker),
            WORKER_PRESENCE.encode(goodbye),
            WORKER_PRESENCE.qos,
            WORKER_PRESENCE.retain,
        )

    async def _greet(self) -> None:
        hello = WorkerHello(
            worker=self._worker,
            epoch=self._epoch,
            protocol=OURS,
            software=SOFTWARE,
            host=socket.gethostname()[:100],
            process=os.getpid(),
            device="cpu",
            capacity=self._capacity,
            engines=self._engines,
            codecs=decodable(),
        )
        await self.link.send(WORKER_PRESENCE, hello, worker=self._worker)

    async def _say_goodbye(self) -> None:
        goodbye = WorkerGoodbye(worker=self._worker, epoch=self._epoch, reason="stopped")
        await self.link.send(WORKER_PRESENCE, goodbye, worker=self._worker)
