"""Sends the uplink's streams to the house, once and again."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

from antiphon_link.errors import LinkDownError
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.satellite import Listen, ListenEnded, Resend
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_satellite.clock import now_us
from antiphon_satellite.link import House
from antiphon_satellite.listen.ear import Call
from antiphon_satellite.listen.microphone import PcmFrame
from antiphon_satellite.listen.preroll import PreRoll
from antiphon_satellite.packing import Packing
from antiphon_satellite.uplink import Uplink

log = logging.getLogger(__name__)

RESENDS_MAX: Final = 16
"""Requests for frames that wait; more are refused and counted, and the worker asks again."""

EndReason = Literal["asked", "limit", "no-hub", "source-ended", "voice-ended"]


class Streams:
    """The satellite's streams, running and past."""

    def __init__(self, house: House, satellite: str, packing: Packing) -> None:
        self._house = house
        self._packing = packing
        self._satellite = satellite
        self._uplink = Uplink()
        self._resends: asyncio.Queue[Resend] = asyncio.Queue(RESENDS_MAX)
        self._resends_refused = 0
        self._called: WakeHeard | None = None
        self._ended: ListenEnded | None = None

    @property
    def counts(self) -> Counter[str]:
        """The uplink's, and resends_refused."""
        return self._uplink.counts + Counter(resends_refused=self._resends_refused)

    @property
    def running(self) -> bool:
        """Whether a stream runs."""
        return bool(self._uplink.running)

    def knows(self, stream: str) -> bool:
        """Tell whether a stream of that id runs or has run lately."""
        return self._uplink.knows(stream)

    async def run(self) -> None:
        """Send again what is asked for, until cancelled."""
        while True:
            asked = await self._resends.get()
            try:
                for frame in self._uplink.again(asked.stream, asked.first, asked.last):
                    await self._house.stream_again(asked.stream, frame)
            except LinkDownError as error:
                log.debug("resend of %s: %s", asked.stream, error)

    def open(self, call: Call, preroll: PreRoll) -> str:
        """Call the hub, and begin a stream with the pre-roll; return its id."""
        stream, origin = new_id("stream"), preroll.begin
        offset_us = self._house.hub_offset_us
        frames = self._uplink.open(stream, preroll.frames, self._packing.maker())
        self._called = WakeHeard(
            satellite=self._satellite,
            stream=stream,
            cause=call.cause,
            heard_at_us=call.at_us,
            heard_on_hub_us=0 if offset_us is None else max(0, call.at_us + offset_us),
            phrase=call.phrase,
            engine=call.engine,
            confidence=call.confidence,
            level_dbfs=min(0.0, call.level_dbfs),
            noise_dbfs=min(0.0, call.noise_dbfs),
            begin=max(0, call.begin - origin),
            end=max(0, call.end - origin) if call.cause != "button" else 0,
        )
        self._house.call(self._called)
        for frame in frames:
            self._house.stream(stream, frame)
        return stream

    def call_again(self, stream: str) -> None:
        """Say again what a hub that was away has missed: the call, and the stream's end."""
        if self._called is not None and self._called.stream == stream:
            self._house.call(self._called)
        if self._ended is not None and self._ended.stream == stream:
            self._house.tell(self._ended)

    def open_asked(self, asked: Listen, heard: Sequence[PcmFrame]) -> None:
        """Begin the stream that the hub asked for, with what was heard since our own voice."""
        for frame in self._uplink.open(asked.stream, heard, self._packing.maker()):
            self._house.stream(asked.stream, frame)
        self._uplink.limit(asked.limit_s)

    def limit(self, seconds: float) -> None:
        """Let the running stream last at most this much audio, seconds."""
        self._uplink.limit(seconds)

    def pause(self) -> None:
        """Keep the running stream's audio here, instead of sending it."""
        self._uplink.pause()

    def resume(self) -> None:
        """Send what was kept of the running stream, and go on sending."""
        if held := self._uplink.resume():
            stream, first, last = held
            self.resend(Resend(stream=stream, first=first, last=last))

    def feed(self, frame: PcmFrame, now_s: float) -> bool:
        """Send a microphone frame, if a stream runs; tell whether the stream is full now."""
        sent = self._uplink.feed(frame)
        if sent is not None:
            self._house.stream(self._uplink.running, sent)
        self._uplink.expire(now_s)
        return self._uplink.full

    def end(self, reason: EndReason, now_s: float) -> bool:
        """End the running stream and say so; tell whether one ran."""
        ended = self._uplink.end(now_s, now_us())
        if ended is None:
            return False
        stream, last = ended
        self._ended = ListenEnded(stream=stream, frames=last.sequence + 1, reason=reason)
        self._house.stream(stream, last)
        self._house.tell(self._ended)
        return True

    def resend(self, asked: Resend) -> None:
        """Send frames again, behind earlier requests; too many are refused and counted."""
        try:
            self._resends.put_nowait(asked)
        except asyncio.QueueFull:
            self._resends_refused += 1

    def release(self, stream: str) -> None:
        """Forget a stream's audio."""
        self._uplink.release(stream)
