"""The text-to-speech port. Engines register under the entry point group `antiphon.tts`."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self


class TtsEngine(Protocol):
    """A text-to-speech engine; one synthesis at a time, called from one thread."""

    name: str
    rate_hz: int
    """Rate of the samples that it gives."""
    voices: tuple[str, ...]
    languages: tuple[str, ...]

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Build the engine from its settings section.

        Raises:
            ModelError: a voice file cannot be used.
        """
        ...

    def synthesize(self, text: str, *, language: str, voice: str = "") -> Iterator[bytes]:
        """Speak a text; yield signed 16-bit mono samples, piece by piece as they come.

        Raises:
            EngineFailedError: the engine broke; the next call starts it anew.
            ModelError: no such voice; the message lists some that there are.
        """
        ...

    def close(self) -> None:
        """End the engine."""
        ...
