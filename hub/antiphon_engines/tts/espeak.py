"""Text to speech by espeak-ng: 100 languages, first audio at once, a robot's voice.

espeak-ng is GPL-3.0: it runs in `espeak_process`, and nothing of it is loaded here.
"""

from collections.abc import Mapping
from typing import Any, Self

from antiphon_engines.tts.host import HostedTts


class EspeakEngine(HostedTts):
    """See TtsEngine; options: `voice`, `rate_wpm`, `pitch` (see `espeak_process.Options`)."""

    name = "espeak"

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See TtsEngine.from_options."""
        return cls("antiphon_engines.tts.espeak_process", options)
