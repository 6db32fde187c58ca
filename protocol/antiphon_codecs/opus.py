"""Opus (RFC 6716): a tenth of the bytes, for rooms with weak Wi-Fi.

A decoder's first samples are the encoder's delay and none of the stream's, so that a stream's first
frame says how many to skip, and positions stay true to the sample.
"""

from typing import Final

from antiphon_codecs.errors import PacketDamagedError
from antiphon_codecs.libopus import Decoder, Encoder
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ, OpusFrame

BITS_PER_S: Final = 24_000
COMPLEXITY: Final = 5
PACKET_SAMPLES: Final = 320
"""20 ms: what Opus is tuned for; at most so much waits for the next piece of the microphone's."""
_PACKET_BYTES: Final = PACKET_SAMPLES * SAMPLE_BYTES


class OpusMaker:
    """A Maker: as many whole packets of 20 ms a frame as there are; the rest waits."""

    def __init__(self) -> None:
        """Begin a stream.

        Raises:
            CodecMissingError: libopus is not here.
        """
        self._encoder = Encoder(bits_per_s=BITS_PER_S, complexity=COMPLEXITY)
        self._skip = self._encoder.delay_samples
        self._rest = bytearray()
        self._sequence = 0
        self._position = 0
        self._taken = 0

    def make(self, pcm: bytes, at_us: int) -> OpusFrame | None:
        """See Maker."""
        begin_us = at_us - _us(self._taken - self._position)
        self._rest += pcm
        self._taken += len(pcm) // SAMPLE_BYTES
        packets = self._packets()
        samples = len(packets) * PACKET_SAMPLES - self._skip
        return self._frame(packets, samples, begin_us, last=False) if packets else None

    def end(self, at_us: int) -> OpusFrame:
        """See Maker: what is missing to a whole packet is silence, which the frame cuts off."""
        samples = self._taken - self._position
        missing = samples + self._skip if samples else 0
        self._rest += bytes(missing * SAMPLE_BYTES - len(self._rest))
        self._rest += bytes(-len(self._rest) % _PACKET_BYTES)
        return self._frame(self._packets(), samples, at_us - _us(samples), last=True)

    def _packets(self) -> tuple[bytes, ...]:
        whole = len(self._rest) // _PACKET_BYTES * _PACKET_BYTES
        cuts = range(0, whole, _PACKET_BYTES)
        packets = [self._encoder.encode(bytes(self._rest[at : at + _PACKET_BYTES])) for at in cuts]
        del self._rest[:whole]
        return tuple(packets)

    def _frame(
        self, packets: tuple[bytes, ...], samples: int, at_us: int, *, last: bool
    ) -> OpusFrame:
        frame = OpusFrame(
            self._sequence, self._position, max(0, at_us), packets, self._skip, samples, last
        )
        self._sequence += 1
        self._position += samples
        self._skip = 0
        return frame


class OpusTaker:
    """A Taker."""

    def __init__(self) -> None:
        """Begin a stream.

        Raises:
            CodecMissingError: libopus is not here.
        """
        self._decoder = Decoder()

    def take(self, frame: OpusFrame) -> bytes:
        """See Taker."""
        pcm = b"".join(map(self._decoder.decode, frame.packets))
        wanted = pcm[frame.skip * SAMPLE_BYTES :][: frame.samples * SAMPLE_BYTES]
        if len(wanted) < frame.samples * SAMPLE_BYTES:
            raise PacketDamagedError(
                f"Opus: {len(pcm) // SAMPLE_BYTES} samples where {frame.skip} and "
                f"{frame.samples} should be"
            )
        return wanted

    def reset(self) -> None:
        """See Taker."""
        self._decoder.reset()


def _us(samples: int) -> int:
    return samples * 1_000_000 // SAMPLE_RATE_HZ
