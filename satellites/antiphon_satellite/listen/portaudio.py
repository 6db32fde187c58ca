"""A microphone behind PortAudio, through the sounddevice library."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final

from antiphon_protocol.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from antiphon_satellite.clock import now_us
from antiphon_satellite.listen.microphone import FRAME_US, PcmFrame
from antiphon_satellite.portaudio import device_error, sounddevice

QUEUE_FRAMES: Final = 64
"""Two seconds: a machine that is busy for longer has lost the call anyway."""


class PortAudioMicrophone:
    """One PortAudio input device."""

    def __init__(self, device: str = "") -> None:
        """Use a device by its name, a part of it, or its number; empty: the system's default."""
        self._device = device
        self.name = f"portaudio:{device}" if device else "portaudio"
        self.dropped = 0

    async def frames(self) -> AsyncGenerator[PcmFrame, None]:
        """Capture until closed; see `Microphone`. Full, the queue drops its oldest frame."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[PcmFrame] = asyncio.Queue(QUEUE_FRAMES)

        def put(frame: PcmFrame) -> None:
            if queue.full():
                queue.get_nowait()
                self.dropped += 1
            queue.put_nowait(frame)

        def captured(pcm: Any, *_: Any) -> None:
            # PortAudio's own thread.
            loop.call_soon_threadsafe(put, PcmFrame(bytes(pcm), now_us() - FRAME_US))

        library = sounddevice(f"microphone {self.name}")
        try:
            stream = library.RawInputStream(
                samplerate=SAMPLE_RATE_HZ,
                blocksize=FRAME_SAMPLES,
                channels=1,
                dtype="int16",
                device=int(self._device) if self._device.isdigit() else self._device or None,
                callback=captured,
            )
        except (library.PortAudioError, ValueError) as error:
            raise device_error(f"microphone {self.name}", "--microphone", error) from None
        with stream:
            while True:
                yield await queue.get()
