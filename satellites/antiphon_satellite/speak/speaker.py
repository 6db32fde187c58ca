"""The speaker port: one output per sound, and its real last sample is known."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Output(Protocol):
    """One sound on its way out."""

    first_at_us: int
    """When its first sample left, microseconds since 1970; 0 before."""
    underruns: int
    """How often the device ran dry."""

    @property
    def ahead_us(self) -> int:
        """How long until a sample handed over now would sound, microseconds, as far as known."""
        ...

    async def write(self, pcm: bytes) -> None:
        """Hand over signed 16-bit mono samples; waits while about 0.1 s of audio is ahead.

        Raises:
            SoundDeviceError: the device went away.
        """
        ...

    async def drain(self) -> None:
        """Return once the last sample has left the device.

        Raises:
            SoundDeviceError: the device went away.
        """
        ...


class Speaker(Protocol):
    """What makes sound. One output at a time, and one of music beside it; `Player` sees to that."""

    name: str
    """As in the settings: `alsa:plughw:1`."""

    async def check(self) -> None:
        """Make sure that the device can be used.

        Raises:
            SoundDeviceError: it cannot; the message says what to do.
        """
        ...

    def open(self, sound: str, rate_hz: int) -> AbstractAsyncContextManager[Output]:
        """Open the device for one sound; left without `drain`, what has not sounded is dropped.

        Args:
            sound: A name for it: the playback's id, or `cue-failed`.
            rate_hz: Sampling rate of what will be written.

        Raises:
            SoundDeviceError: the device cannot be opened; the message says what to do.
        """
        ...
