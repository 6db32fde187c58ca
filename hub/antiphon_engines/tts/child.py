"""A voice in a process of its own: the child's side.

The voice's module calls `serve` with what builds it; it alone imports the engine's library.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from antiphon_engines.errors import EngineError, EngineFailedError
from antiphon_engines.process import child as process
from antiphon_engines.process.frames import Open
from antiphon_engines.tts.frames import Answer, Audio, Done, Opened, Speak, read_request

_PIECE_BYTES: Final = 32_768
"""Largest piece of audio in a frame: less than a second, and well below the frame limit."""


class Speaker(Protocol):
    """A loaded voice engine."""

    rate_hz: int
    voices: tuple[str, ...]
    languages: tuple[str, ...]

    def speak(self, text: str, language: str, voice: str, sink: Callable[[bytes], bool]) -> None:
        """Put the samples of the text into the sink, until it returns False.

        Raises:
            ModelError: no such voice or language.
        """
        ...


def serve(build: Callable[[Mapping[str, Any]], Speaker]) -> None:
    """Answer requests from stdin on stdout until stdin ends; `build` loads the engine.

    `build` raises ModelError for options or files it cannot use, and EngineMissingError or
    ImportError when its library is not there.
    """
    process.serve(lambda pipe: _Server(pipe, build).run())


class _Server:
    def __init__(self, pipe: process.Pipe, build: Callable[[Mapping[str, Any]], Speaker]) -> None:
        self._pipe = pipe
        self._build = build

    def run(self) -> None:
        request = read_request(self._pipe.read)
        if not isinstance(request, Open):
            raise EngineFailedError("the first request must be Open")
        try:
            speaker = self._build(request.options)
        except (EngineError, ImportError) as error:
            self._pipe.send(process.refusal(error))
            return
        self._pipe.send(Opened(speaker.rate_hz, speaker.voices, speaker.languages))
        while True:
            # A Stop that comes when all was said already needs no answer.
            if isinstance(request := read_request(self._pipe.read), Speak):
                self._pipe.send(self._speak(speaker, request))

    def _speak(self, speaker: Speaker, request: Speak) -> Answer:
        try:
            speaker.speak(request.text, request.language, request.voice, self._sink)
        except EngineError as error:
            return process.refusal(error)
        return Done()

    def _sink(self, pcm: bytes) -> bool:
        for at in range(0, len(pcm), _PIECE_BYTES):
            if self._pipe.has_request:
                return False
            self._pipe.send(Audio(pcm[at : at + _PIECE_BYTES]))
        return True
