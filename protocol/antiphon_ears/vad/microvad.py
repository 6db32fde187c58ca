"""Voice activity by microVAD: 0.8 % of a core, windows of 10 ms.

Model: pymicro-vad (Apache-2.0), from ESPHome's voice_assistant.
"""

from typing import Any

from antiphon_ears.errors import EngineMissingError
from antiphon_ears.vad.port import VadStream
from antiphon_ears.vad.stream import WindowedStream


class MicroVadEngine:
    """See VadEngine.

    Raises:
        EngineMissingError: its package is not installed.
    """

    name = "microvad"
    window_samples = 160

    def __init__(self) -> None:
        try:
            from pymicro_vad import MicroVad  # noqa: PLC0415 - lazy: an optional engine
        except ImportError as error:
            remedy = "pip install 'antiphon-protocol[microvad]'"
            raise EngineMissingError(f"{error}; {remedy}") from None
        self._detector = MicroVad

    def open(self) -> VadStream:
        """See VadEngine.open."""
        return WindowedStream(_MicroVad(self._detector()), self.window_samples)


class _MicroVad:
    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self._last = 0.0

    def probability(self, window: bytes) -> float:
        probability = float(self._detector.process_10ms(window))
        # Below zero: it is still collecting, and what was said last goes on.
        if probability >= 0.0:
            self._last = probability
        return self._last

    def reset(self) -> None:
        self._detector.reset()
        self._last = 0.0
