"""The voice-activity gate of a board too small for a wake engine: when is somebody talking? Pure.

Hysteresis: it takes a sure voice for a moment to open, and a while without any voice to close.
"""

from typing import Final

from antiphon_ears.vad.port import VadEngine
from antiphon_protocol.audio import SAMPLE_RATE_HZ

OPEN_AFTER_S: Final = 0.1
"""Voice in a row that opens: a clap or a door is shorter."""


class Gate:
    """Open while somebody talks, and for a while after."""

    def __init__(self, engine: VadEngine, *, threshold: float, hangover_s: float) -> None:
        """Judge by an engine.

        Args:
            engine: Gives a speech probability for each window.
            threshold: Probability from which a window counts as voice to open; two thirds of it
                suffice to stay open.
            hangover_s: Time without voice that closes, seconds of audio.
        """
        self._stream = engine.open()
        self._window_s = engine.window_samples / SAMPLE_RATE_HZ
        self._open_at = threshold
        self._stay_at = threshold * 2 / 3
        self._hangover_s = hangover_s
        self._voice_s = 0.0
        self._quiet_s = 0.0
        self.is_open = False

    def feed(self, pcm: bytes) -> bool:
        """Take 16 kHz mono 16-bit samples, any number; tell whether the gate is open now."""
        for probability in self._stream.feed(pcm):
            self._take(probability)
        return self.is_open

    def _take(self, probability: float) -> None:
        if not self.is_open:
            self._voice_s = self._voice_s + self._window_s if probability >= self._open_at else 0.0
            self.is_open = self._voice_s >= OPEN_AFTER_S
            self._quiet_s = 0.0
            return
        self._quiet_s = 0.0 if probability >= self._stay_at else self._quiet_s + self._window_s
        if self._quiet_s >= self._hangover_s:
            self.is_open, self._voice_s = False, 0.0
