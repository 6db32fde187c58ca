"""A voice in a process of its own: the worker's side.

GPL engines are never loaded into the worker, and one that crashes takes only its own process along.
"""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from antiphon_engines.errors import EngineFailedError, ModelError
from antiphon_engines.process.frames import Open, accept
from antiphon_engines.process.host import EngineProcess
from antiphon_engines.tts.frames import Answer, Audio, Done, Opened, Speak, Stop, read_answer
from antiphon_protocol.limits import TEXT_CHARS_MAX

_ANSWER_LIMIT_S: Final = 20.0
"""Longest wait for an answer: a large voice loads, or speaks a long sentence, in a few seconds."""
_STOP_LIMIT_S: Final = 1.0
"""Longest wait for the end of what is no longer wanted, before the process is ended instead."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class HostedTts:
    """A TtsEngine whose work is done by `python -m <module>`; see `child.serve`.

    The process is started at once, and again by the next call when it has ended.

    Raises:
        EngineMissingError: its library is not installed.
        ModelError: its voice file cannot be used.
        EngineFailedError: it broke while it loaded.
    """

    name: str

    def __init__(self, module: str, options: Mapping[str, Any]) -> None:
        self._module = module
        self._options = dict(options)
        self._process: EngineProcess[Answer] | None = None
        opened = self._open()
        self.rate_hz = opened.rate_hz
        self.voices = opened.voices
        self.languages = opened.languages

    def synthesize(self, text: str, *, language: str, voice: str = "") -> Iterator[bytes]:
        """See TtsEngine.synthesize."""
        if len(text) > TEXT_CHARS_MAX:
            raise ModelError(
                f"{self.name} was given {len(text)} characters; {TEXT_CHARS_MAX} are the limit: "
                "split the text"
            )
        return self._speak(Speak(_plain(text), language, voice))

    def close(self) -> None:
        """See TtsEngine.close."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _speak(self, request: Speak) -> Iterator[bytes]:
        if self._process is None or self._process.ended:
            self._open()
        process = self._process
        if process is None:
            raise EngineFailedError(f"{self.name} was closed")
        finished = False
        try:
            process.send(request)
            while isinstance(answer := process.receive(_ANSWER_LIMIT_S), Audio):
                yield answer.pcm
            finished = True
            accept(self.name, answer, Done)
        except EngineFailedError:
            finished = True
            process.end()
            raise
        finally:
            if not finished:
                _drop_answer(process)

    def _open(self) -> Opened:
        self.close()
        process = EngineProcess(self.name, self._module, read_answer)
        try:
            process.send(Open(self._options))
            opened = accept(self.name, process.receive(_ANSWER_LIMIT_S), Opened)
        except BaseException:
            process.end()
            raise
        self._process = process
        return opened


def _drop_answer(process: EngineProcess[Answer]) -> None:
    """End what the child is saying, so that the next request finds it idle."""
    deadline_s = time.monotonic() + _STOP_LIMIT_S
    try:
        process.send(Stop())
        while isinstance(process.receive(deadline_s - time.monotonic()), Audio):
            pass
    except EngineFailedError:
        process.end()


def _plain(text: str) -> str:
    """Return the text without control characters (some command an engine) and half surrogates."""
    return _CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8")
