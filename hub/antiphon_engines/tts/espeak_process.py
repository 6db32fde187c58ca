"""espeak-ng in its own process; the only module that touches its library (GPL-3.0).

Source: espeak-ng's speak_lib.h.
"""

import ctypes
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from antiphon_engines.errors import EngineFailedError, EngineMissingError, ModelError
from antiphon_engines.tts.child import serve

_SYNCHRONOUS: Final = 2
_PIECE_MS: Final = 60
_DONT_EXIT: Final = 0x8000
_UTF8: Final = 1
"""The only flag given with a text: neither SSML nor phonemes are read in it."""
_AT_CHARACTER: Final = 1
_RATE, _PITCH = 1, 3
_VOICE = re.compile(r"[A-Za-z0-9-]+(\+[A-Za-z0-9-]+)?")
_ALIASES: Final = {"zh": "cmn", "no": "nb", "iw": "he"}
"""Language codes that espeak-ng knows by another name."""
_MUTE: Final = frozenset({"fo", "kaa", "xex"})
"""Voices that espeakng-loader 0.2.4 brings without their dictionaries: they speak nothing."""
_LISTED_MAX: Final = 256
"""As many voices as a worker can announce."""

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.espeak]` may hold."""

    voice: str = "en-us+f5"
    """Spoken with when a job names none and its language fits: a language, and a variant."""
    rate_wpm: Annotated[int, msgspec.Meta(ge=80, le=400)] = 145
    pitch: Annotated[int, msgspec.Meta(ge=0, le=99)] = 50


class _VoiceRecord(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("rest", ctypes.c_ubyte * 24),
    ]


class EspeakSpeaker:
    """See child.Speaker.

    Raises:
        ModelError: an option cannot be used.
        EngineMissingError: the library cannot be loaded.
    """

    def __init__(self, options: Options) -> None:
        data = self._load()
        self._variants = {path.name for path in (data / "voices" / "!v").iterdir()}
        self._files = self._list()
        self._known = tuple(sorted(self._files))
        self._options = options
        self._check(options.voice)
        default = _language(options.voice)
        others = sorted({_language(voice) for voice in self._known} - {default})
        self.voices = (options.voice, *self._known)[:_LISTED_MAX]
        self.languages = (default, *others)[:_LISTED_MAX]
        self._sink: Callable[[bytes], bool] = _nowhere
        # Kept: the library calls it long after this constructor.
        self._callback = _Callback(self._on_samples)
        self._api.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, language: str, voice: str, sink: Callable[[bytes], bool]) -> None:
        """See Speaker.speak."""
        name = voice or self._for_language(language)
        self._check(name)
        base, plus, variant = name.partition("+")
        if self._api.espeak_SetVoiceByName((self._files[base.lower()] + plus + variant).encode()):
            raise ModelError(f"espeak-ng cannot load its voice {name!r}; install it again")
        self._api.espeak_SetParameter(_RATE, self._options.rate_wpm, 0)
        self._api.espeak_SetParameter(_PITCH, self._options.pitch, 0)
        data = text.encode()
        self._sink = sink
        try:
            status = self._api.espeak_Synth(
                data, len(data) + 1, 0, _AT_CHARACTER, 0, _UTF8, None, None
            )
        finally:
            self._sink = _nowhere
        if status:
            raise EngineFailedError(f"espeak-ng gave status {status}")

    def _load(self) -> Path:
        """Load the library, and return the folder of its data."""
        import espeakng_loader  # noqa: PLC0415 - lazy: an optional engine

        data = Path(espeakng_loader.get_data_path())
        try:
            self._api = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise EngineMissingError(f"espeak-ng's library cannot be loaded: {error}") from None
        self.rate_hz = self._api.espeak_Initialize(
            _SYNCHRONOUS, _PIECE_MS, str(data.parent).encode(), _DONT_EXIT
        )
        if self.rate_hz <= 0:
            raise ModelError(f"{data}: espeak-ng's data cannot be used; install it again")
        return data

    def _on_samples(self, samples: Any, count: int, _events: Any) -> int:
        """Take samples from the library; return 1 to end the synthesis."""
        if not samples or count <= 0:
            return 0
        return 0 if self._sink(ctypes.string_at(samples, 2 * count)) else 1

    def _for_language(self, language: str) -> str:
        wanted = language.lower().replace("_", "-")
        wanted = _ALIASES.get(_language(wanted), wanted)
        default = self._options.voice
        if wanted in (_language(default), default.partition("+")[0]):
            return default
        if wanted in self._known:
            return wanted
        for known in self._known:
            if _language(known) == _language(wanted):
                return known
        raise ModelError(f"espeak-ng speaks no {language!r}; it speaks {', '.join(self.languages)}")

    def _check(self, voice: str) -> None:
        base, _, variant = voice.partition("+")
        if not _VOICE.fullmatch(voice) or base.lower() not in self._known:
            some = ", ".join(self._known[:12])
            raise ModelError(f"espeak-ng has no voice {voice!r}; some that it has: {some}")
        if variant and variant not in self._variants:
            some = ", ".join(sorted(self._variants)[:12])
            raise ModelError(f"espeak-ng has no variant {variant!r}; some that it has: {some}")

    def _list(self) -> dict[str, str]:
        """Return its voices by their languages: file of the voice, as the library wants it."""
        self._api.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceRecord))
        records = self._api.espeak_ListVoices(None)
        files, at = {}, 0
        while records[at]:
            # The first byte is a priority, then the first of its languages follows.
            language = records[at].contents.languages[1:].decode("ascii", "replace").lower()
            if language not in _MUTE:
                files[language] = records[at].contents.identifier.decode("utf-8", "replace")
            at += 1
        return files


def _language(voice: str) -> str:
    return voice.partition("+")[0].partition("-")[0].lower()


def _nowhere(_pcm: bytes) -> bool:
    return False


def _build(options: Mapping[str, Any]) -> EspeakSpeaker:
    try:
        wanted = msgspec.convert(options, Options)
    except msgspec.ValidationError as error:
        raise ModelError(f"[options.espeak]: {error}") from None
    try:
        return EspeakSpeaker(wanted)
    except ImportError as error:
        remedy = "pip install 'antiphon-hub[espeak]'"
        raise EngineMissingError(f"{error}; {remedy}") from None


if __name__ == "__main__":
    serve(_build)
