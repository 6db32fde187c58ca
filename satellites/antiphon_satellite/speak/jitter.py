"""Puts a playback's frames in order and gives them out when it is safe to. Pure.

A hole is filled with silence, once later audio is at hand: at QoS 0 over TCP a frame that was
overtaken was dropped by the broker, and does not come any more.
"""

import heapq
from typing import Final

from antiphon_protocol.audio import SAMPLE_BYTES, AudioFrame
from antiphon_protocol.limits import PLAYBACK_SECONDS_MAX

START_S: Final = 0.06
"""Audio at hand before the first sample is given out, and behind a hole before it is filled."""
_SILENCE_STEP_SAMPLES: Final = 4096


class Jitter:
    """The buffer of one playback."""

    def __init__(self, rate_hz: int) -> None:
        self._start_samples = int(START_S * rate_hz)
        self._limit_samples = int(PLAYBACK_SECONDS_MAX * rate_hz)
        self._waiting: list[tuple[int, AudioFrame]] = []
        self._known: set[int] = set()
        self._next = 0
        self._position = 0
        self._buffered = 0
        self._silence = 0
        self._final: int | None = None
        self._began = False
        self.missing_samples = 0
        """Samples that never came, given out as silence."""
        self.rejected = 0
        """Frames that came twice, too late, or lay behind the limit of 180 s."""

    @property
    def ended(self) -> bool:
        """Everything up to the last frame was given out."""
        return self._final is not None and self._next > self._final and not self._silence

    @property
    def samples(self) -> int:
        """Samples given out so far, silence included."""
        return self._position

    def put(self, frame: AudioFrame) -> None:
        """Take in a frame, in any order."""
        late = frame.sequence < self._next or frame.sequence in self._known
        beyond = frame.position + frame.samples > self._limit_samples
        behind_end = self._final is not None and frame.sequence > self._final
        if late or beyond or behind_end or len(self._waiting) >= self._limit_samples:
            self.rejected += 1
            return
        heapq.heappush(self._waiting, (frame.sequence, frame))
        self._known.add(frame.sequence)
        self._buffered += frame.samples
        if frame.last:
            self._final = frame.sequence

    def take(self) -> bytes | None:
        """Return the samples to play next; None when there are none yet, or no more."""
        if self._silence:
            return self._fill()
        if not self._waiting or not self._safe():
            return None
        self._began = True
        sequence, frame = self._waiting[0]
        if hole := max(0, frame.position - self._position):
            self._silence = hole
            self.missing_samples += hole
            return self._fill()
        heapq.heappop(self._waiting)
        self._known.discard(sequence)
        self._next = sequence + 1
        self._position += frame.samples
        self._buffered -= frame.samples
        return frame.pcm

    def _safe(self) -> bool:
        due = self._began and self._waiting[0][0] == self._next
        return due or self._final is not None or self._buffered >= self._start_samples

    def _fill(self) -> bytes:
        samples = min(self._silence, _SILENCE_STEP_SAMPLES)
        self._silence -= samples
        self._position += samples
        return bytes(samples * SAMPLE_BYTES)
