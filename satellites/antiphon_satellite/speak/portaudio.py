"""A speaker behind PortAudio, through the sounddevice library."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_satellite.clock import now_us
from antiphon_satellite.portaudio import device_error, sounddevice

BLOCK_S: Final = 0.02
"""What PortAudio asks for at a time."""
AHEAD_S: Final = 0.1
"""What is kept ready for it."""


class PortAudioOutput:
    """One open PortAudio stream; its callback runs in PortAudio's thread."""

    def __init__(self, rate_hz: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._rate_hz = rate_hz
        self._ahead_bytes = int(AHEAD_S * rate_hz) * SAMPLE_BYTES
        self._ready = bytearray()
        self._room = asyncio.Event()
        self._stream: Any = None
        self._draining = False
        self._dry = False
        self.first_at_us = 0
        self.underruns = 0

    def attach(self, stream: Any) -> None:
        """Play through this stream."""
        self._stream = stream

    def fill(self, out: Any, *_: Any) -> None:
        """Give PortAudio its next block; silence where nothing is ready."""
        # One bytearray operation each: the interpreter's lock makes them whole.
        size = len(out)
        block = bytes(self._ready[:size])
        del self._ready[: len(block)]
        dry = len(block) < size and not self._draining
        self.underruns += dry and not self._dry
        self._dry = dry
        out[:] = block.ljust(size, b"\0")
        self._loop.call_soon_threadsafe(self._room.set)

    @property
    def ahead_us(self) -> int:
        """What is ready, and what PortAudio says that it holds itself; see `Output`."""
        ready_s = len(self._ready) / SAMPLE_BYTES / self._rate_hz
        return round(1e6 * (ready_s + float(self._stream.latency)))

    async def write(self, pcm: bytes) -> None:
        """Hand over samples; see `Output`."""
        self._ready += pcm
        if len(self._ready) >= self._ahead_bytes:
            self._start()
            await self._wait_until_below(self._ahead_bytes)

    async def drain(self) -> None:
        """Wait for the last sample; see `Output`."""
        self._draining = True
        if not self._ready and not self.first_at_us:
            return
        self._start()
        await self._wait_until_below(1)
        # PortAudio's stop plays what it was given, and blocks meanwhile.
        await asyncio.to_thread(self._stream.stop)

    def _start(self) -> None:
        if not self.first_at_us:
            self.first_at_us = now_us()
            self._stream.start()

    async def _wait_until_below(self, size: int) -> None:
        while len(self._ready) >= size:
            self._room.clear()
            await self._room.wait()


class PortAudioSpeaker:
    """One PortAudio output device."""

    def __init__(self, device: str = "") -> None:
        """Use a device by its name, a part of it, or its number; empty: the system's default."""
        self._device = device
        self.name = f"portaudio:{device}" if device else "portaudio"

    async def check(self) -> None:
        """Open and close the device; see `Speaker`."""
        async with self.open("check", SAMPLE_RATE_HZ):
            pass

    @asynccontextmanager
    async def open(self, sound: str, rate_hz: int) -> AsyncIterator[PortAudioOutput]:  # noqa: ARG002 - the port's
        """Open the device for one sound; see `Speaker`."""
        library = sounddevice(f"speaker {self.name}")
        output = PortAudioOutput(rate_hz)
        try:
            stream = library.RawOutputStream(
                samplerate=rate_hz,
                blocksize=int(BLOCK_S * rate_hz),
                channels=1,
                dtype="int16",
                device=int(self._device) if self._device.isdigit() else self._device or None,
                callback=output.fill,
            )
        except (library.PortAudioError, ValueError) as error:
            raise device_error(f"speaker {self.name}", "--speaker", error) from None
        output.attach(stream)
        try:
            yield output
        finally:
            stream.close(ignore_errors=True)
