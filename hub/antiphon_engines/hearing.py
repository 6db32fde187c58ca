"""Hears one utterance: samples in, facts out. Blocking; one thread at a time, no I/O of its own.

What it finds depends on the samples alone, not on how they were grouped: each window of 32 ms goes
through wake engine, voice activity, recogniser and endpoint in turn, before the next is looked at.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from antiphon_ears.vad.port import VadStream
from antiphon_ears.wake.port import WakeDetection, WakeStream
from antiphon_engines.endpoint import Ending, Endpoint, Window
from antiphon_engines.nearness import ROOM_WINDOWS, UNKNOWN_DBFS
from antiphon_engines.stt.port import SttPartial, SttResult, SttStream
from antiphon_protocol.audio import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.messages.work import Transcribe

PARTIAL_SAMPLES: Final = SAMPLE_RATE_HZ // 5
"""A person reads no faster than five changes a second."""
LOOK_BACK_BYTES: Final = SAMPLE_RATE_HZ * SAMPLE_BYTES
"""A wake phrase lasts up to a second: heard from there on, it is whole for the recogniser."""
FLOOR_DBFS: Final = -120.0
NOTHING: Final = SttResult(best=None)

OpenStt = Callable[[str], SttStream]
"""Opens the recogniser's stream, given the wake phrase."""


class WakeFound(msgspec.Struct, frozen=True):
    """The wake phrase is in the stream."""

    detection: WakeDetection
    """Its `end` is a position in the stream."""


class WakeAbsent(msgspec.Struct, frozen=True):
    """The wake phrase was not found in time: this is no turn."""


class TextHeard(msgspec.Struct, frozen=True):
    """What was understood so far has changed."""

    text: str


Event = WakeFound | WakeAbsent | TextHeard | Ending


class Hearing:
    """One utterance, from `begin` of its stream to the ending."""

    def __init__(
        self, job: Transcribe, *, open_stt: OpenStt, vad: VadStream, wake: WakeStream | None
    ) -> None:
        self._job = job
        self._open_stt = open_stt
        self._vad = vad
        self._wake = wake
        self._earlier_dbfs: deque[float] = deque(maxlen=ROOM_WINDOWS)
        self._stt: SttStream | None = None
        self._endpoint = self._new_endpoint(job.begin, job.wake_end)
        self._to_skip = job.begin % FRAME_SAMPLES
        self._position = 0
        self._rest = b""
        self._look_back: deque[bytes] = deque(maxlen=LOOK_BACK_BYTES // FRAME_BYTES)
        self._shown = ""
        self._shown_at = 0
        self._engine_s = 0.0
        self._heard_bytes = 0
        self.ended = False
        """True once there was an Ending or a WakeAbsent: nothing more is taken in."""

    @property
    def engine_ms(self) -> float:
        """Time that the recogniser computed so far."""
        return self._engine_s * 1e3

    @property
    def audio_s(self) -> float:
        """Audio that went into the recogniser."""
        return self._heard_bytes / SAMPLE_BYTES / SAMPLE_RATE_HZ

    def open(self) -> None:
        """Open the recogniser, unless the wake phrase must be found first.

        Raises:
            EngineError: the recogniser cannot start.
        """
        if self._wake is None:
            self._start(self._job.wake_phrase)

    def feed(self, pcm: bytes) -> list[Event]:
        """Take in the stream's next samples, any number; return what was found, in order.

        Raises:
            EngineError: the recogniser broke.
        """
        pcm = self._whole_windows(pcm)
        data = self._rest + pcm
        events: list[Event] = []
        at = 0
        while not self.ended and len(data) - at >= FRAME_BYTES:
            self._window(data[at : at + FRAME_BYTES], events)
            at += FRAME_BYTES
        self._rest = data[at:]
        return events

    def end(self) -> list[Event]:
        """Take in the end of the stream."""
        self.ended = True
        if self._stt is None:
            return [WakeAbsent()]
        if self._rest:
            self._give(self._stt, self._rest)
        self._read(self._stt)
        return [self._endpoint.stream_ended()]

    def finish(self) -> SttResult:
        """Return what was understood; without any speech the recogniser is not asked.

        Raises:
            EngineError: the recogniser broke.
        """
        if self._stt is None or not self._endpoint.spoken:
            return NOTHING
        began_s = time.perf_counter()
        result = self._stt.finish()
        self._engine_s += time.perf_counter() - began_s
        return result

    def close(self) -> None:
        """Free the recogniser's stream."""
        if self._stt is not None:
            self._stt.close()

    def _new_endpoint(self, begin: int, wake_end: int) -> Endpoint:
        job = self._job
        return Endpoint(
            job.endpointing,
            begin=begin,
            wake_end=wake_end,
            call_dbfs=UNKNOWN_DBFS if wake_end else job.level_dbfs,
            grammar=job.context is not None,
        )

    def _whole_windows(self, pcm: bytes) -> bytes:
        """Cut off what would make one of the windows lie across `begin`."""
        skipped = min(self._to_skip * SAMPLE_BYTES, len(pcm))
        self._to_skip -= skipped // SAMPLE_BYTES
        self._position += skipped // SAMPLE_BYTES
        return pcm[skipped:]

    def _start(self, phrase: str) -> SttStream:
        began_s = time.perf_counter()
        self._stt = self._open_stt(phrase)
        self._engine_s += time.perf_counter() - began_s
        return self._stt

    def _window(self, pcm: bytes, events: list[Event]) -> None:
        begin = self._position
        self._position += len(pcm) // SAMPLE_BYTES
        if begin < self._job.begin:
            self._hear_room(pcm)
        elif self._stt is not None:
            self._hear(self._stt, pcm, begin, events)
        elif self._wake is not None:
            self._look_for_wake(self._wake, pcm, events)

    def _hear_room(self, pcm: bytes) -> None:
        """Before a wake phrase the room is heard, and what else talks in it."""
        if self._job.wake_end:
            self._endpoint.hear_room(level_dbfs(pcm))

    def _look_for_wake(self, wake: WakeStream, pcm: bytes, events: list[Event]) -> None:
        if len(self._look_back) == self._look_back.maxlen:
            self._earlier_dbfs.append(level_dbfs(self._look_back[0]))
        self._look_back.append(pcm)
        found = wake.feed(pcm)
        if found:
            self._confirm(found[0], events)
        elif self._job.wake is not None and self._waited_s >= self._job.wake.within_s:
            self.ended = True
            events.append(WakeAbsent())

    @property
    def _waited_s(self) -> float:
        return (self._position - self._job.begin) / SAMPLE_RATE_HZ

    def _confirm(self, found: WakeDetection, events: list[Event]) -> None:
        """Hear again, with the recogniser, what lies up to a second back."""
        end = min(self._job.begin + found.end, self._position)
        events.append(WakeFound(msgspec.structs.replace(found, end=end)))
        kept = b"".join(self._look_back)
        begin = self._position - len(kept) // SAMPLE_BYTES
        self._endpoint = self._new_endpoint(begin, end)
        for earlier_dbfs in self._earlier_dbfs:
            self._endpoint.hear_room(earlier_dbfs)
        stt = self._start(self._job.wake_phrase or found.phrase)
        for at in range(0, len(kept), FRAME_BYTES):
            if not self.ended:
                piece = kept[at : at + FRAME_BYTES]
                self._hear(stt, piece, begin + at // SAMPLE_BYTES, events)

    def _hear(self, stt: SttStream, pcm: bytes, begin: int, events: list[Event]) -> None:
        end = begin + len(pcm) // SAMPLE_BYTES
        self._give(stt, pcm)
        due = end - self._shown_at >= PARTIAL_SAMPLES
        if due or self._job.context is not None:  # open text tells the endpoint nothing
            partial = self._read(stt)
            if due:
                self._shown_at = end
                self._show(partial, events)
        voice = max(self._vad.feed(pcm), default=0.0)
        window = Window(begin=begin, end=end, voice=voice, level_dbfs=level_dbfs(pcm))
        if ending := self._endpoint.hear(window):
            self.ended = True
            events.append(ending)

    def _give(self, stt: SttStream, pcm: bytes) -> None:
        began_s = time.perf_counter()
        stt.feed(pcm)
        self._engine_s += time.perf_counter() - began_s
        self._heard_bytes += len(pcm)

    def _read(self, stt: SttStream) -> SttPartial | None:
        began_s = time.perf_counter()
        partial = stt.partial()
        self._engine_s += time.perf_counter() - began_s
        self._endpoint.read(partial)
        return partial

    def _show(self, partial: SttPartial | None, events: list[Event]) -> None:
        if partial is not None and partial.text != self._shown:
            self._shown = partial.text
            events.append(TextHeard(partial.text))


def level_dbfs(pcm: bytes) -> float:
    """Return the root-mean-square level of signed 16-bit samples, dB of full scale (≤ 0)."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
    power = float(np.dot(samples, samples)) / max(1, len(samples))
    return max(FLOOR_DBFS, 10.0 * float(np.log10(power))) if power > 0.0 else FLOOR_DBFS
