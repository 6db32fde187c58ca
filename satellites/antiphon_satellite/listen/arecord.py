"""A microphone behind ALSA, read by alsa-utils' `arecord` as a child process."""

import asyncio
import asyncio.subprocess
import contextlib
from collections.abc import AsyncGenerator

from antiphon_protocol.audio import FRAME_BYTES, SAMPLE_RATE_HZ
from antiphon_satellite.clock import now_us
from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.listen.microphone import FRAME_US, PcmFrame

_STDERR_BYTES_MAX = 4096


class ArecordMicrophone:
    """One ALSA capture device. The kernel's pipe is its queue: full, arecord overruns and drops."""

    dropped = 0

    def __init__(self, device: str) -> None:
        """Use a device by its ALSA name: `default`, `plughw:1`."""
        self._device = device
        self.name = f"alsa:{device}"

    async def frames(self) -> AsyncGenerator[PcmFrame, None]:
        """Capture until closed; see `Microphone`."""
        process = await self._start()
        assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        try:
            while True:
                try:
                    pcm = await process.stdout.readexactly(FRAME_BYTES)
                except asyncio.IncompleteReadError:
                    raise SoundDeviceError(await self._why(process)) from None
                yield PcmFrame(pcm, now_us() - FRAME_US)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            # Reads the pipes to their end: a full one would keep `wait` waiting for ever.
            await process.communicate()

    async def _start(self) -> asyncio.subprocess.Process:
        arguments = ["-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(SAMPLE_RATE_HZ)]
        try:
            return await asyncio.create_subprocess_exec(
                "arecord",
                *arguments,
                "-D",
                self._device,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise SoundDeviceError(
                f"microphone {self.name}: cannot start arecord: {error.strerror}; "
                "install Debian's alsa-utils"
            ) from None

    async def _why(self, process: asyncio.subprocess.Process) -> str:
        assert process.stderr is not None  # noqa: S101 - it was asked for as a pipe
        said = (await process.stderr.read(_STDERR_BYTES_MAX)).decode(errors="replace").strip()
        last = said.splitlines()[-1] if said else "arecord ended without a word"
        return (
            f"microphone {self.name}: {last}; `arecord -L` lists the devices, "
            "--microphone alsa:DEVICE chooses one"
        )
