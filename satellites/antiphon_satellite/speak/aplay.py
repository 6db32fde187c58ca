"""A speaker behind ALSA, fed through alsa-utils' `aplay` as a child process."""

import asyncio
import asyncio.subprocess
import contextlib
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_satellite.clock import now_us
from antiphon_satellite.errors import SoundDeviceError

_BUFFER_US = 100_000
"""Device buffer: short, so that a stop is heard at once."""
_PIPE_BYTES = 4096
"""The pipe to aplay holds so much: Linux' least, one page. Its default is two seconds of audio."""
_CHECK = bytes(int(0.05 * SAMPLE_RATE_HZ) * SAMPLE_BYTES)


class AplayOutput:
    """One run of aplay. It ends when ALSA has played the last sample (snd_pcm_drain)."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, rate_hz: int) -> None:
        assert process.stdin is not None  # noqa: S101 - it was asked for as a pipe
        self._name = name
        self._process = process
        self._stdin = process.stdin
        _narrow(self._stdin.transport)
        self._rate_hz = rate_hz
        self._written = 0
        self._words = asyncio.create_task(self._listen_to(process), name=f"{name}: aplay")
        self._said = ""
        self.first_at_us = 0
        self.underruns = 0

    @property
    def ahead_us(self) -> int:
        """What pipe and device hold when both are full, as writing keeps them; see `Output`."""
        pipe_us = _PIPE_BYTES / SAMPLE_BYTES / self._rate_hz * 1e6
        written_us = self._written / SAMPLE_BYTES / self._rate_hz * 1e6
        return round(min(written_us, pipe_us + _BUFFER_US))

    async def write(self, pcm: bytes) -> None:
        """Hand over samples; see `Output`."""
        self.first_at_us = self.first_at_us or now_us()
        try:
            self._stdin.write(pcm)
            self._written += len(pcm)
            await self._stdin.drain()
        except (BrokenPipeError, ConnectionResetError, RuntimeError):
            # aplay has ended; uvloop calls writing to it then a RuntimeError.
            raise await self._error() from None

    async def drain(self) -> None:
        """Wait for aplay to end; see `Output`."""
        self._stdin.close()
        if await self._process.wait():
            raise await self._error()
        await self._words

    async def close(self) -> None:
        """End the process, at once if it still plays."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._stdin.close()
        await self._words
        await self._process.wait()

    async def _listen_to(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - it was asked for as a pipe
        async for line in process.stderr:
            text = line.decode(errors="replace").strip()
            if "underrun" in text:
                self.underruns += 1
            elif text:
                self._said = text

    async def _error(self) -> SoundDeviceError:
        await self._words
        return SoundDeviceError(
            f"speaker {self._name}: {self._said or 'aplay ended without a word'}; "
            "`aplay -L` lists the devices, --speaker alsa:DEVICE chooses one"
        )


def _narrow(transport: asyncio.WriteTransport) -> None:
    """Keep buffer and pipe short, where the system can: what they hold is late.

    The transport's own buffer would hold seconds of audio, and hide the end of the sound.
    """
    try:
        transport.set_write_buffer_limits(high=0)
    except RuntimeError:
        return  # uvloop's word for: aplay has ended already, and writing to it will tell why
    pipe = transport.get_extra_info("pipe")
    if pipe is not None:
        with contextlib.suppress(OSError, AttributeError, ValueError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class AplaySpeaker:
    """One ALSA playback device."""

    def __init__(self, device: str) -> None:
        """Use a device by its ALSA name: `default`, `plughw:1`."""
        self._device = device
        self.name = f"alsa:{device}"

    async def check(self) -> None:
        """Play a moment of silence; see `Speaker`."""
        async with self.open("check", SAMPLE_RATE_HZ) as output:
            await output.write(_CHECK)
            await output.drain()

    @asynccontextmanager
    async def open(self, sound: str, rate_hz: int) -> AsyncIterator[AplayOutput]:  # noqa: ARG002 - the port's
        """Open the device for one sound; see `Speaker`."""
        output = AplayOutput(self.name, await self._start(rate_hz), rate_hz)
        try:
            yield output
        finally:
            await output.close()

    async def _start(self, rate_hz: int) -> asyncio.subprocess.Process:
        arguments = ["-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate_hz), "-D", self._device]
        try:
            return await asyncio.create_subprocess_exec(
                "aplay",
                "-q",
                f"--buffer-time={_BUFFER_US}",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise SoundDeviceError(
                f"speaker {self.name}: cannot start aplay: {error.strerror}; "
                "install Debian's alsa-utils"
            ) from None
