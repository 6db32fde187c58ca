"""Samples as they are: what every program of the house understands."""

from antiphon_protocol.audio import AudioFrame


class PcmMaker:
    """A Maker: one frame for each piece of samples."""

    def __init__(self) -> None:
        self._sequence = 0
        self._position = 0

    def make(self, pcm: bytes, at_us: int) -> AudioFrame:
        """See Maker."""
        return self._frame(pcm, at_us, last=False)

    def end(self, at_us: int) -> AudioFrame:
        """See Maker: the frame is empty, for nothing is held back."""
        return self._frame(b"", at_us, last=True)

    def _frame(self, pcm: bytes, at_us: int, *, last: bool) -> AudioFrame:
        frame = AudioFrame(self._sequence, self._position, at_us, pcm, last)
        self._sequence += 1
        self._position += frame.samples
        return frame


class PcmTaker:
    """A Taker that remembers nothing."""

    def take(self, frame: AudioFrame) -> bytes:
        """See Taker."""
        return frame.pcm

    def reset(self) -> None:
        """See Taker."""
