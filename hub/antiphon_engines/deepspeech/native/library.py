"""libdeepspeech and libstt by ctypes: the same functions under two prefixes.

Source: Mozilla DeepSpeech 0.9.3, `native_client/deepspeech.h`; Coqui STT 1.4.0, `coqui-stt.h`.
"""

import ctypes
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from antiphon_engines.errors import EngineFailedError, EngineMissingError, ModelError
from antiphon_engines.stt.frames import Candidate

Prefix = Literal["DS_", "STT_"]

LIBRARIES: Final[Mapping[Prefix, str]] = {"DS_": "libdeepspeech.so", "STT_": "libstt.so"}
_KENLM: Final = "libkenlm.so"
"""libstt needs it, and does not find it by itself."""
_CANDIDATES_MAX: Final = 1024
_TOKENS_MAX: Final = 100_000
_SAID_BYTES_MAX: Final = 1024 * 1024
_SAID_CHARS_MAX: Final = 10_000
_SHOWN_CHARS: Final = 300
_HARMLESS: Final = re.compile(
    r"\s*$|\d{4}-\d\d-\d\d [\d:.]+: [IW] "
    r"|(INFO|WARNING|Warning|TensorFlow|DeepSpeech| ?Coqui STT): "
)
"""What the libraries write when nothing is wrong: TensorFlow's notes and warnings, and versions."""


class _Token(ctypes.Structure):
    _fields_ = (("text", ctypes.c_char_p), ("step", ctypes.c_uint), ("at_s", ctypes.c_float))


class _Transcript(ctypes.Structure):
    _fields_ = (
        ("tokens", ctypes.POINTER(_Token)),
        ("count", ctypes.c_uint),
        ("score", ctypes.c_double),
    )


class _Metadata(ctypes.Structure):
    _fields_ = (("transcripts", ctypes.POINTER(_Transcript)), ("count", ctypes.c_uint))


_POINTER, _TEXT = ctypes.c_void_p, ctypes.c_char_p
_OUT: Final = ctypes.POINTER(ctypes.c_void_p)
_FUNCTIONS: Final[Mapping[str, tuple[Any, tuple[Any, ...]]]] = {
    "Version": (_POINTER, ()),
    "ErrorCodeToErrorMessage": (_POINTER, (ctypes.c_int,)),
    "FreeString": (None, (_POINTER,)),
    "CreateModel": (ctypes.c_int, (_TEXT, _OUT)),
    "FreeModel": (None, (_POINTER,)),
    "GetModelSampleRate": (ctypes.c_int, (_POINTER,)),
    "GetModelBeamWidth": (ctypes.c_uint, (_POINTER,)),
    "SetModelBeamWidth": (ctypes.c_int, (_POINTER, ctypes.c_uint)),
    "EnableExternalScorer": (ctypes.c_int, (_POINTER, _TEXT)),
    "SetScorerAlphaBeta": (ctypes.c_int, (_POINTER, ctypes.c_float, ctypes.c_float)),
    "AddHotWord": (ctypes.c_int, (_POINTER, _TEXT, ctypes.c_float)),
    "CreateStream": (ctypes.c_int, (_POINTER, _OUT)),
    "FeedAudioContent": (None, (_POINTER, _TEXT, ctypes.c_uint)),
    "IntermediateDecode": (_POINTER, (_POINTER,)),
    "FinishStreamWithMetadata": (ctypes.POINTER(_Metadata), (_POINTER, ctypes.c_uint)),
    "FreeMetadata": (None, (ctypes.POINTER(_Metadata),)),
    "FreeStream": (None, (_POINTER,)),
}


class Library:
    """The loaded library; a broken file or a wrong call may end this process.

    Raises:
        EngineMissingError: the library cannot be loaded.
    """

    def __init__(self, prefix: Prefix, path: Path) -> None:
        path = path / LIBRARIES[prefix] if path.is_dir() else path
        self.said = _Said()
        """What the library wrote to stderr: the only place where it says that inference failed."""
        try:
            if (kenlm := path.with_name(_KENLM)).is_file():
                ctypes.CDLL(str(kenlm), mode=ctypes.RTLD_GLOBAL)
            library = ctypes.CDLL(str(path))
            for name, (result, arguments) in _FUNCTIONS.items():
                function = getattr(library, prefix + name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            raise EngineMissingError(
                f"{path} cannot be used: {error}; unpack the wheel that has {LIBRARIES[prefix]}, "
                "and set `library` to the file or its folder"
            ) from None
        self._library, self._prefix = library, prefix
        self.version = self._own_text(self.call("Version"))

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function by its name without prefix."""
        return getattr(self._library, self._prefix + name)(*arguments)

    def check(self, status: int, what: str) -> None:
        """Raise ModelError if a function's status says so."""
        if status:
            why = self._own_text(self.call("ErrorCodeToErrorMessage", status))
            raise ModelError(f"{what}: {why} (0x{status:04x}) {self.said.take()}".rstrip())

    def text(self, pointer: int | None) -> str:
        """Return a text that the library gave, and free it."""
        return self._own_text(pointer)

    def _own_text(self, pointer: int | None) -> str:
        if not pointer:
            return ""
        data = ctypes.string_at(pointer)
        self.call("FreeString", pointer)
        return data.decode("utf-8", "replace")


class Model:
    """A loaded model, and the streams that are open on it.

    Raises:
        ModelError: the model or the scorer cannot be used.
    """

    def __init__(self, library: Library, path: Path) -> None:
        self._library = library
        self._streams: dict[int, ctypes.c_void_p] = {}
        self._said = ""
        if not path.is_file():
            raise ModelError(f"model {path}: there is no such file")
        self._model = ctypes.c_void_p()
        status = library.call("CreateModel", os.fsencode(path), ctypes.byref(self._model))
        library.check(status, f"model {path}")
        self.rate_hz: int = library.call("GetModelSampleRate", self._model)
        library.said.take()

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @property
    def beam_width(self) -> int:
        """How many beginnings of texts the decoder keeps."""
        return int(self._library.call("GetModelBeamWidth", self._model))

    def set_beam_width(self, width: int) -> None:
        """Keep that many beginnings of texts."""
        status = self._library.call("SetModelBeamWidth", self._model, width)
        self._library.check(status, f"beam width {width}")

    def set_scorer(self, path: Path, weights: tuple[float, float] | None) -> None:
        """Use a `.scorer` package; `weights` are alpha and beta, by default its own."""
        call, check = self._library.call, self._library.check
        check(call("EnableExternalScorer", self._model, os.fsencode(path)), f"scorer {path}")
        if weights is not None:
            check(call("SetScorerAlphaBeta", self._model, *weights), "the scorer's weights")

    def add_hot_word(self, word: str, boost: float) -> None:
        """Prefer a word; only with a scorer."""
        status = self._library.call("AddHotWord", self._model, word.encode(), boost)
        self._library.check(status, f"hot word {word!r}")

    def begin(self, stream: int) -> None:
        """Open a stream under that number."""
        self._said = self._said if self._streams else ""
        state = ctypes.c_void_p()
        status = self._library.call("CreateStream", self._model, ctypes.byref(state))
        self._library.check(status, "a stream")
        self._streams[stream] = state

    def feed(self, stream: int, pcm: bytes) -> None:
        """Take samples."""
        self._library.call("FeedAudioContent", self._state(stream), pcm, len(pcm) // 2)
        self._check_said()

    def read(self, stream: int) -> str:
        """Return what was understood so far."""
        pointer = self._library.call("IntermediateDecode", self._state(stream))
        return self._library.text(pointer)

    def finish(self, stream: int, alternatives: int) -> tuple[Candidate, ...]:
        """End a stream and return what was understood, best first."""
        # Its own end frees the stream, whatever comes.
        state = self._state(stream)
        del self._streams[stream]
        count = min(max(1, alternatives), _CANDIDATES_MAX)
        metadata = self._library.call("FinishStreamWithMetadata", state, count)
        if not metadata:
            raise EngineFailedError(f"the library gave no result; {self._library.said.take()}")
        try:
            found = metadata.contents
            heard = tuple(map(_candidate, found.transcripts[: min(found.count, count)]))
        finally:
            self._library.call("FreeMetadata", metadata)
        self._check_said(nothing=not heard or not heard[0].text)
        return heard

    def drop(self, stream: int) -> None:
        """End a stream, if it is open."""
        if (state := self._streams.pop(stream, None)) is not None:
            self._library.call("FreeStream", state)

    def _state(self, stream: int) -> ctypes.c_void_p:
        if stream not in self._streams:
            raise EngineFailedError("that stream is not open")
        return self._streams[stream]

    def _check_said(self, *, nothing: bool = False) -> None:
        """Raise EngineFailedError if it wrote of an error, or anything and hears nothing."""
        self._said = f"{self._said} {self._library.said.take()}".strip()[-_SAID_CHARS_MAX:]
        if self._said and (nothing or "error" in self._said.lower()):
            raise EngineFailedError(f"the library failed: {self._said[-_SHOWN_CHARS:]}")


def _candidate(transcript: _Transcript) -> Candidate:
    tokens = transcript.tokens[: min(transcript.count, _TOKENS_MAX)]
    # Joined before they are decoded: in the byte mode a label is part of a character.
    text = b"".join([token.text or b"" for token in tokens]).decode("utf-8", "replace")
    return Candidate(text, transcript.score, tuple(token.at_s for token in tokens))


class _Said:
    """Takes this process's stderr into a file, and passes on what was read there."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115 - open as long as the process
        self._stderr = os.dup(2)
        os.dup2(self._file.fileno(), 2)
        self._at = 0

    def take(self) -> str:
        """Return what the library complained of since the last time; often nothing."""
        size_bytes = os.fstat(self._file.fileno()).st_size
        data = os.pread(self._file.fileno(), min(size_bytes - self._at, _SAID_BYTES_MAX), self._at)
        self._at = size_bytes
        if size_bytes > _SAID_BYTES_MAX:
            # The library appends, so that what it writes next is at the begin.
            os.ftruncate(self._file.fileno(), 0)
            self._at = 0
        if data:
            os.write(self._stderr, data)
        lines = data.decode("utf-8", "replace").splitlines()
        return " ".join(line.strip() for line in lines if not _HARMLESS.match(line))
