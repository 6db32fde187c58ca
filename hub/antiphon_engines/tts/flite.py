"""Text to speech by flite: English, a person's voice, well understood; some 70 ms a sentence.

flite (BSD-like licence) is Debian's package of that name; its program runs once a text.
"""

import io
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from antiphon_engines.errors import EngineFailedError, EngineMissingError, ModelError
from antiphon_protocol.limits import TEXT_CHARS_MAX

PIECE_BYTES: Final = 8192
"""Samples are handed on in pieces of a quarter of a second."""
TIMEOUT_S: Final = 20.0
"""The longest text takes five seconds on a slow machine."""
VOICES: Final = ("slt", "rms", "awb", "kal16")
"""What Debian's flite has at 16 kHz; the first is the one that recognisers hear best."""
RATE_HZ: Final = 16_000


class FliteOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[options.flite]` may hold."""

    voice: str = VOICES[0]
    """Spoken with unless a job names another."""


class FliteEngine:
    """See TtsEngine."""

    name = "flite"
    rate_hz = RATE_HZ
    voices = VOICES
    languages = ("en",)

    def __init__(self, options: FliteOptions | None = None) -> None:
        """Find the program.

        Raises:
            EngineMissingError: it is not installed.
            ModelError: it has no such voice.
        """
        program = shutil.which("flite")
        if program is None:
            raise EngineMissingError("engine 'flite' needs its program: apt-get install flite")
        self._program = program
        self._voice = _known((options or FliteOptions()).voice)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """See TtsEngine.from_options."""
        try:
            return cls(msgspec.convert(options, FliteOptions))
        except msgspec.ValidationError as error:
            raise ModelError(f"[options.flite]: {error}") from None

    def synthesize(self, text: str, *, language: str, voice: str = "") -> Iterator[bytes]:
        """See TtsEngine.synthesize."""
        if not language.lower().startswith("en"):
            raise ModelError(f"flite speaks English only, not {language[:40]!r}")
        if len(text) > TEXT_CHARS_MAX:
            raise ModelError(
                f"a text of {len(text)} characters, at most {TEXT_CHARS_MAX}; split the text"
            )
        pcm = self._speak(text, _known(voice or self._voice))
        for at in range(0, len(pcm), PIECE_BYTES):
            yield pcm[at : at + PIECE_BYTES]

    def close(self) -> None:
        """See TtsEngine.close; nothing of it runs between two texts."""

    def _speak(self, text: str, voice: str) -> bytes:
        # A NUL would end an argument, and other control characters are nothing to speak.
        said = "".join(sign if sign.isprintable() else " " for sign in text)
        with tempfile.TemporaryDirectory(prefix="antiphon-flite-") as folder:
            file = Path(folder) / "said.wav"
            try:
                subprocess.run(
                    [self._program, "-voice", voice, "-t", said, "-o", str(file)],
                    check=True,
                    capture_output=True,
                    timeout=TIMEOUT_S,
                )
                return _samples(file.read_bytes())
            except (OSError, subprocess.SubprocessError, wave.Error, EOFError) as error:
                raise EngineFailedError(f"flite: {error}") from None


def _known(voice: str) -> str:
    if voice not in VOICES:
        raise ModelError(f"flite has no voice {voice[:40]!r}; it has {', '.join(VOICES)}")
    return voice


def _samples(wav: bytes) -> bytes:
    with wave.open(io.BytesIO(wav)) as reader:
        if reader.getframerate() != RATE_HZ or reader.getnchannels() != 1:
            raise EngineFailedError(f"flite gave {reader.getframerate()} Hz audio")
        pcm: bytes = reader.readframes(reader.getnframes())
    return pcm
