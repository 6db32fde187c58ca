"""Frames of one stream in, samples out: the one place where a receiver knows of codecs."""

from collections.abc import Iterable
from typing import Any, Final

from antiphon_codecs.errors import PacketDamagedError
from antiphon_codecs.opus import OpusTaker
from antiphon_codecs.pcm import PcmTaker
from antiphon_codecs.port import Taker
from antiphon_protocol.audio import SAMPLE_BYTES, AudioFrame, Frame, OpusFrame

_TAKERS: Final[dict[type[Frame], type[Taker[Any]]]] = {
    AudioFrame: PcmTaker,
    OpusFrame: OpusTaker,
}


class Joiner:
    """Joins a stream's frames, in the order of their numbers; some may be missing.

    What is missing or damaged is silence of its length, and what follows sounds as it would had
    there been nothing before: no codec invents what nobody said. The same frames give the same
    bytes, wherever they are joined.
    """

    def __init__(self) -> None:
        self._takers: dict[type[Frame], Taker[Any]] = {}
        self._next = 0
        self._position = 0
        self.damaged_samples = 0
        """Silence that stands for what could not be decoded."""

    def put(self, frame: Frame) -> bytes:
        """Return the frame's samples, with silence before them where something is missing.

        Raises:
            CodecMissingError: the stream's codec is not on this machine.
        """
        taker = self._taker(frame)
        silence = max(0, frame.position - self._position)
        if silence or frame.sequence != self._next:
            taker.reset()
        self._next = frame.sequence + 1
        self._position += silence + frame.samples
        return bytes(silence * SAMPLE_BYTES) + self._samples(taker, frame)

    def _samples(self, taker: Taker[Any], frame: Frame) -> bytes:
        try:
            return taker.take(frame)
        except PacketDamagedError:
            taker.reset()
            self.damaged_samples += frame.samples
            return bytes(frame.samples * SAMPLE_BYTES)

    def _taker(self, frame: Frame) -> Taker[Any]:
        kind = type(frame)
        if kind not in self._takers:
            self._takers[kind] = _TAKERS[kind]()
        return self._takers[kind]


def joined(frames: Iterable[Frame]) -> bytes:
    """Return what these frames of one stream hold, in whatever order they are given.

    Raises:
        CodecMissingError: the stream's codec is not on this machine.
    """
    joiner = Joiner()
    return b"".join(map(joiner.put, sorted(frames, key=lambda frame: frame.sequence)))
