"""What every codec has: a maker of frames at the sender, a taker of frames at each receiver."""

from typing import Protocol, TypeVar

from antiphon_protocol.audio import Frame

F_contra = TypeVar("F_contra", bound=Frame, contravariant=True)


class Maker(Protocol):
    """Makes one stream's frames, numbered from 0 without gaps."""

    def make(self, pcm: bytes, at_us: int) -> Frame | None:
        """Take in samples; return the next frame, or None while there is too little for one.

        Args:
            pcm: Signed 16-bit little-endian mono samples at 16 kHz, 0.3 s at most.
            at_us: Capture time of the first of them, microseconds.
        """
        ...

    def end(self, at_us: int) -> Frame:
        """Return the last frame, with all samples that are still here.

        Args:
            at_us: Capture time of the sample that would come next, microseconds.
        """
        ...


class Taker(Protocol[F_contra]):
    """Takes one stream's frames in their order, and returns what they hold.

    The same frames give the same samples, whatever was in other streams, or before a `reset`.
    """

    def take(self, frame: F_contra) -> bytes:
        """Return the frame's samples, `frame.samples` of them, signed 16-bit mono.

        Raises:
            PacketDamagedError: it does not hold them; `reset` before the next frame.
        """
        ...

    def reset(self) -> None:
        """Frames are missing here: nothing of what was before has to do with what follows."""
        ...
