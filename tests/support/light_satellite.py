"""A satellite without ear and mouth: the real link and uplink, for hundreds in one process."""

import asyncio
import time

import msgspec

from antiphon_codecs.codecs import PCM
from antiphon_link.link import Envelope, Resolver
from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, AudioFrame
from antiphon_protocol.messages.config import ReportedSettings, SatelliteSettings
from antiphon_protocol.messages.satellite import (
    Listen,
    PlaybackReady,
    Played,
    Release,
    Resend,
    SatelliteCommand,
    StopListening,
)
from antiphon_satellite.app import broker_link
from antiphon_satellite.clock import now_us
from antiphon_satellite.device.identity import identity
from antiphon_satellite.link import House
from antiphon_satellite.listen.ear import Call
from antiphon_satellite.listen.microphone import PcmFrame
from antiphon_satellite.listen.preroll import PREROLL_FRAMES, Measured, PreRoll
from antiphon_satellite.packing import Packing
from antiphon_satellite.streams import Streams

FRAME_S = FRAME_SAMPLES / 16_000
REPLY_S = 15.0


class Answer(msgspec.Struct, kw_only=True):
    """What came of one call; times are seconds on the performance counter."""

    turn: str = ""
    sent_s: list[float] = []
    """When each live frame left; the pre-roll's left with the first."""
    first_s: float = 0.0
    """When the reply's first audio came; 0: none did."""
    whole: bool = False


class LightSatellite:
    """`run()` lives in a task; `call()` speaks once."""

    def __init__(self, resolve: Resolver, name: str) -> None:
        self.house = House(
            broker_link(resolve),
            identity(name, f"room {name}"),
            wake="none",
            phrases=(),
            commanded=self._take,
            hub_changed=self._hub_changed,
            desired=lambda _: None,
            reported=lambda: ReportedSettings(version=0, settings=SatelliteSettings()),
        )
        self._streams = Streams(self.house, name, Packing(lambda: PCM, tuple, self.house.tell))
        self._stream = ""
        self._listen: asyncio.Future[Listen] | None = None
        self._stopped = asyncio.Event()
        self.ready = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.house.run())
            group.create_task(self._streams.run())

    def _hub_changed(self, here: bool) -> None:
        (self.ready.set if here else self.ready.clear)()

    def _take(self, command: SatelliteCommand) -> None:
        match command:
            case Listen() if command.stream == self._stream and self._listen is not None:
                if not self._listen.done():
                    self._listen.set_result(command)
            case StopListening() if command.stream == self._stream:
                self._stopped.set()
            case Resend():
                self._streams.resend(command)
            case Release():
                self._streams.release(command.stream)
            case _:
                pass

    async def call(self, pcm: bytes) -> Answer:
        """Press the button, say this, and wait for the reply."""
        answer = Answer(sent_s=[])
        self._listen = asyncio.get_running_loop().create_future()
        self._stopped.clear()
        self._stream = self._streams.open(
            Call(cause="button", at_us=now_us(), begin=0, end=0), _quiet()
        )
        speaking = asyncio.create_task(self._speak(pcm, answer))
        try:
            async with asyncio.timeout(REPLY_S):
                listen = await self._listen
                answer.turn = listen.turn
                await self._hear(listen.playback, answer)
        except TimeoutError:
            pass
        finally:
            self._stopped.set()
            await speaking
        return answer

    async def _speak(self, pcm: bytes, answer: Answer) -> None:
        began_s = time.perf_counter()
        pieces = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
        number = 0
        while not self._stopped.is_set() and number < 1000:
            piece = pieces[number] if number < len(pieces) else bytes(FRAME_BYTES)
            if self._streams.feed(PcmFrame(piece.ljust(FRAME_BYTES, b"\0"), now_us()), began_s):
                break
            number += 1
            answer.sent_s.append(time.perf_counter())
            await asyncio.sleep(max(0.0, began_s + number * FRAME_S - time.perf_counter()))
        self._streams.end("asked", time.perf_counter())

    async def _hear(self, playback: str, answer: Answer) -> None:
        over = asyncio.Event()
        samples = 0

        def take(frame: AudioFrame, _: Envelope) -> None:
            nonlocal samples
            answer.first_s = answer.first_s or time.perf_counter()
            samples += frame.samples
            if frame.last:
                over.set()

        async with self.house.following(playback, take):
            self.house.tell(PlaybackReady(playback=playback))
            await over.wait()
            answer.whole = True
            self.house.tell(Played(playback=playback, samples=samples, complete=True))


def _quiet() -> PreRoll:
    preroll = PreRoll()
    for _ in range(PREROLL_FRAMES):
        preroll.push(Measured(PcmFrame(bytes(FRAME_BYTES), now_us()), -60.0, -60.0))
    return preroll
