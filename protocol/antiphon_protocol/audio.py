"""Audio as it travels: formats and frames. Time is counted in samples."""

from typing import Annotated, Final, Literal

import msgspec

from antiphon_protocol.limits import AUDIO_FRAME_BYTES_MAX

SAMPLE_RATE_HZ: Final = 16_000
SAMPLE_BYTES: Final = 2
FRAME_SAMPLES: Final = 512
"""32 ms at 16 kHz: one silero window, and a third of the messages that 10 ms frames would cost."""
FRAME_BYTES: Final = FRAME_SAMPLES * SAMPLE_BYTES


class AudioFormat(msgspec.Struct, frozen=True):
    """A PCM format: signed 16-bit little-endian mono at a rate in hertz."""

    rate_hz: Annotated[int, msgspec.Meta(ge=8000, le=48000)] = SAMPLE_RATE_HZ
    codec: Literal["pcm"] = "pcm"

    def seconds(self, pcm_bytes: int) -> float:
        """Return how long that many bytes last, in seconds."""
        return pcm_bytes / SAMPLE_BYTES / self.rate_hz


class AudioFrame(msgspec.Struct, frozen=True, array_like=True):
    """Some consecutive samples of one stream, up or down.

    Frames are numbered from 0 without gaps, so that a receiver can order them, see a loss and ask
    again. `position` makes audio time independent of arrival and of frame sizes.
    """

    sequence: Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
    """Number of the frame in its stream, from 0."""
    position: Annotated[int, msgspec.Meta(ge=0, lt=2**40)]
    """Samples of the stream before this frame."""
    at_us: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    """Microseconds. Up: capture time of the first sample, sender's clock. Down: 0 (see `Play`)."""
    pcm: Annotated[bytes, msgspec.Meta(max_length=AUDIO_FRAME_BYTES_MAX)]
    """Signed 16-bit little-endian mono samples; empty only in a last frame."""
    last: bool = False
    """The stream ends with this frame."""

    def __post_init__(self) -> None:
        if len(self.pcm) % SAMPLE_BYTES:
            raise ValueError(f"frame of {len(self.pcm)} bytes holds half a sample")
        if not self.pcm and not self.last:
            raise ValueError("empty frame in mid-stream")

    @property
    def samples(self) -> int:
        """How many samples the frame holds."""
        return len(self.pcm) // SAMPLE_BYTES
