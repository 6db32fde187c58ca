"""The microphone port: frames of 512 samples with their capture time."""

from collections.abc import AsyncGenerator
from typing import Final, Protocol

import msgspec

from antiphon_protocol.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ

FRAME_S: Final = FRAME_SAMPLES / SAMPLE_RATE_HZ
FRAME_US: Final = FRAME_SAMPLES * 1_000_000 // SAMPLE_RATE_HZ


class PcmFrame(msgspec.Struct, frozen=True):
    """What the microphone heard in 32 ms."""

    pcm: bytes
    """512 samples, signed 16-bit little-endian mono at 16 kHz."""
    at_us: int
    """When the first of them was captured, microseconds since 1970, our clock."""


class Microphone(Protocol):
    """A source of sound. One reader at a time."""

    name: str
    """As in the settings: `alsa:plughw:1`."""
    dropped: int
    """Frames lost because nobody read in time; the oldest go first."""

    def frames(self) -> AsyncGenerator[PcmFrame, None]:
        """Capture until the generator is closed, or the source has ended.

        Raises:
            SoundDeviceError: the device cannot be opened or went away.
        """
        ...
