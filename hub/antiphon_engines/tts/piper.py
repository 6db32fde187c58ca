"""Text to speech by Piper, with a voice file that the owner has (`.onnx` and `.onnx.json`).

piper-tts is GPL-3.0: it runs in `piper_process`, and nothing of it is loaded here.
"""

from collections.abc import Mapping
from typing import Any, Self

from antiphon_engines.tts.host import HostedTts


class PiperEngine(HostedTts):
    """See TtsEngine; options: `model` and more (see `piper_process.Options`)."""

    name = "piper"

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See TtsEngine.from_options."""
        return cls("antiphon_engines.tts.piper_process", options)
