"""Audio as it travels: formats and frames. Time is counted in samples."""

from typing import Annotated, Final, Literal

import msgspec

from antiphon_protocol.limits import (
    AUDIO_FRAME_BYTES_MAX,
    OPUS_PACKET_BYTES_MAX,
    OPUS_PACKETS_MAX,
    STREAM_FRAMES_MAX,
    STREAM_SECONDS_MAX,
)

SAMPLE_RATE_HZ: Final = 16_000
SAMPLE_BYTES: Final = 2
FRAME_SAMPLES: Final = 512
"""32 ms at 16 kHz: one silero window, and a third of the messages that 10 ms frames would cost."""
FRAME_BYTES: Final = FRAME_SAMPLES * SAMPLE_BYTES


STREAM_SAMPLES_MAX: Final = int(STREAM_SECONDS_MAX * SAMPLE_RATE_HZ)

Sequence = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Position = Annotated[int, msgspec.Meta(ge=0, lt=2**40)]
AtUs = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
OpusPacket = Annotated[bytes, msgspec.Meta(min_length=1, max_length=OPUS_PACKET_BYTES_MAX)]


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

    sequence: Sequence
    """Number of the frame in its stream, from 0."""
    position: Position
    """Samples of the stream before this frame."""
    at_us: AtUs
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

    @property
    def size(self) -> int:
        """How many bytes its audio takes."""
        return len(self.pcm)


class OpusFrame(msgspec.Struct, frozen=True, array_like=True):
    """The same as Opus packets (RFC 6716), mono, to be decoded at 16 kHz in the stream's order.

    Of what a decoder makes of the packets, `skip` samples are left out, and the next `samples`
    are the frame's; more than that is padding.
    """

    sequence: Sequence
    """See AudioFrame."""
    position: Position
    """See AudioFrame."""
    at_us: AtUs
    """See AudioFrame."""
    packets: Annotated[tuple[OpusPacket, ...], msgspec.Meta(max_length=OPUS_PACKETS_MAX)]
    """Each complete, in their order; none only in a last frame."""
    skip: Annotated[int, msgspec.Meta(ge=0, le=SAMPLE_RATE_HZ // 8)]
    """Decoded samples that come before the frame's: in a stream's first frame the encoder's delay,
    else 0."""
    samples: Annotated[int, msgspec.Meta(ge=0, le=AUDIO_FRAME_BYTES_MAX)]
    """How many samples the frame holds."""
    last: bool = False
    """The stream ends with this frame."""

    def __post_init__(self) -> None:
        if bool(self.packets) != bool(self.samples):
            raise ValueError(f"{len(self.packets)} packets for {self.samples} samples")
        if not self.packets and not self.last:
            raise ValueError("empty frame in mid-stream")

    @property
    def size(self) -> int:
        """How many bytes its audio takes."""
        return sum(map(len, self.packets))


Frame = AudioFrame | OpusFrame


def acceptable(frame: Frame) -> bool:
    """Tell whether a frame can be of an uplink stream of allowed length."""
    return (
        frame.sequence < STREAM_FRAMES_MAX and frame.position + frame.samples <= STREAM_SAMPLES_MAX
    )
