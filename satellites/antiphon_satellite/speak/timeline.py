"""Keeps a playback in time with other speakers: waits, leaves out, stretches (pure).

Sample n is due at the begin's time plus n / rate. Where the speaker's own clock runs too fast or
too slow, single samples are doubled or dropped where nobody hears it; what is late by more is left
out.
"""

from array import array
from itertools import pairwise
from typing import Final

from antiphon_protocol.audio import SAMPLE_BYTES

JUMP_US: Final = 25_000
"""Beyond that it is no drift: something was late, and is made up for at once."""
NEAR_US: Final = 500
"""Closer than that nobody can tell, and the measure is no better."""
STRETCH_MAX: Final = 1 / 400
"""Samples doubled or dropped of those that are played: four cents of a semitone."""
SMOOTHING: Final = 0.1
"""Weight of each measure against those before: the sound card tells time in steps."""
SILENCE_SAMPLES: Final = 320


class Timeline:
    """One playback's time on our own clock, microseconds."""

    def __init__(self, rate_hz: int, begins_us: int) -> None:
        self._rate_hz = rate_hz
        self._begins_us = begins_us
        self._late_us: float | None = None
        self.stretched = 0
        """Samples doubled or dropped so far."""
        self.left_out = 0
        """Samples that were too late."""

    @property
    def begins_us(self) -> int:
        """When sample 0 is due."""
        return self._begins_us

    def move(self, begins_us: int) -> None:
        """The begin is known better."""
        if self._late_us is not None:
            self._late_us += self._begins_us - begins_us
        self._begins_us = begins_us

    def fit(self, pcm: bytes, position: int, sounds_us: int) -> bytes:
        """Return what to play in place of samples that would sound at `sounds_us`.

        Args:
            pcm: Signed 16-bit mono samples.
            position: How many samples of the playback are before them.
            sounds_us: When the first of them would sound, if it were handed over now.
        """
        late_us = sounds_us - self._begins_us - position * 1_000_000 / self._rate_hz
        if late_us > JUMP_US:
            return self._leave_out(pcm, late_us)
        known = self._late_us if self._late_us is not None else late_us
        self._late_us = known + SMOOTHING * (late_us - known)
        if abs(self._late_us) < NEAR_US:
            return pcm
        return self._stretch(pcm)

    def silence(self, position: int, sounds_us: int) -> bytes:
        """Return the silence to play before the sample at `position`; empty: it is due."""
        early_us = self._begins_us + position * 1_000_000 / self._rate_hz - sounds_us
        began = self._late_us is not None
        if early_us < (JUMP_US if began else NEAR_US):
            return b""
        samples = min(SILENCE_SAMPLES, int(early_us * self._rate_hz / 1_000_000))
        return bytes(samples * SAMPLE_BYTES)

    def _leave_out(self, pcm: bytes, late_us: float) -> bytes:
        samples = min(len(pcm) // SAMPLE_BYTES, int(late_us * self._rate_hz / 1_000_000))
        self.left_out += samples
        self._late_us = None
        return pcm[samples * SAMPLE_BYTES :]

    def _stretch(self, pcm: bytes) -> bytes:
        """Return the samples with a few of them dropped (we are late) or doubled (early)."""
        late_us = self._late_us or 0.0
        samples = array("h", pcm)
        wanted = int(abs(late_us) * self._rate_hz / 1_000_000)
        count = min(wanted, max(1, int(len(samples) * STRETCH_MAX)), len(samples) // 2)
        for number in range(count):
            begin = number * len(samples) // count
            part = samples[begin : begin + len(samples) // count]
            at = begin + _calmest(part)
            if late_us > 0:
                del samples[at]
            else:
                samples.insert(at, samples[at])
        self.stretched += count
        played_us = count * 1_000_000 / self._rate_hz
        self._late_us = late_us - played_us if late_us > 0 else late_us + played_us
        return samples.tobytes()


def _calmest(samples: "array[int]") -> int:
    """Return where a sample differs least from the next one: there nobody hears a change."""
    steps = [abs(one - other) for one, other in pairwise(samples)]
    return min(range(len(steps)), key=steps.__getitem__) if steps else 0
