"""Cuts a reply's samples into numbered frames (pure)."""

from typing import Final

from antiphon_protocol.audio import SAMPLE_BYTES, AudioFrame

REPLY_FRAME_SAMPLES: Final = 1024
"""64 ms at 16 kHz: nobody waits for the middle of a reply, and half the messages are saved."""
_FRAME_BYTES: Final = REPLY_FRAME_SAMPLES * SAMPLE_BYTES


class Framer:
    """Samples in, frames out. The last frame says so, thus one frame's samples are held back."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self.frames = 0
        self.samples = 0

    def feed(self, pcm: bytes) -> list[AudioFrame]:
        """Return the frames that became whole."""
        self._rest += pcm
        whole = []
        while len(self._rest) > _FRAME_BYTES:
            whole.append(self._frame(bytes(self._rest[:_FRAME_BYTES]), last=False))
            del self._rest[:_FRAME_BYTES]
        return whole

    def end(self) -> AudioFrame:
        """Return the last frame; it is empty when there was no sample at all."""
        return self._frame(bytes(self._rest), last=True)

    def _frame(self, pcm: bytes, *, last: bool) -> AudioFrame:
        frame = AudioFrame(self.frames, self.samples, 0, pcm, last)
        self.frames += 1
        self.samples += frame.samples
        return frame
