"""Synthesized spoken commands for the demo and the tests: no recording of a person is needed.

flite and Debian's espeak-ng run as child processes. The voices and their rates are those that a
wake engine and a recogniser were measured to understand (docs/measurements.md): this speech shows
that the parts work together, and says nothing about how well people are heard.
"""

import contextlib
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import Final, Literal

import msgspec

from antiphon_engines.resample import Resampler
from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.limits import TEXT_CHARS_MAX

_TIMEOUT_S: Final = 30.0
_LEAD_S: Final = 0.8
_GAP_S: Final = 0.3
"""Between wake phrase and command, as people pause."""
_TRAIL_S: Final = 1.2
"""Longer than any silence that an endpointer waits for."""


class SpeechError(Exception):
    """Speech cannot be synthesized here; the message names the program and the remedy."""


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A synthetic speaker: a program with options for commands, and others for the wake phrase."""

    name: str
    program: Literal["flite", "espeak-ng"]
    options: tuple[str, ...]
    wake_options: tuple[str, ...]
    """The wake phrase is said slower or faster than the rest, where the wake engine needs it."""


def _flite(name: str, stretch: float, wake_stretch: float) -> Voice:
    return Voice(
        name=name,
        program="flite",
        options=("-voice", name, "--setf", f"duration_stretch={stretch}"),
        wake_options=("-voice", name, "--setf", f"duration_stretch={wake_stretch}"),
    )


def _espeak(name: str, words_per_minute: int, wake_words_per_minute: int) -> Voice:
    return Voice(
        name=name,
        program="espeak-ng",
        options=("-v", name, "-s", str(words_per_minute)),
        wake_options=("-v", name, "-s", str(wake_words_per_minute)),
    )


_VOICES: Final = (
    _flite("slt", 1.0, 1.3),
    _flite("rms", 1.0, 1.0),
    _flite("awb", 1.1, 1.0),
    _espeak("en-us+f5", 150, 170),
    _espeak("en-us+m2", 150, 170),
)


def voices() -> tuple[Voice, ...]:
    """Return the voices whose program is installed; the best understood come first."""
    return tuple(voice for voice in _VOICES if shutil.which(voice.program))


def say(text: str, voice: Voice) -> bytes:
    """Return the text, spoken: 16 kHz mono signed 16-bit PCM; cached in `cache_dir()`.

    Raises:
        SpeechError: the program is missing or fails, or the text is empty or too long.
    """
    return _cached(text, voice, voice.options)


def command(text: str, voice: Voice, wake: str = "hey mycroft") -> bytes:
    """Return "<wake>, <text>", spoken, with silence before, between and after; an empty wake: none.

    Raises:
        SpeechError: as `say`.
    """
    call = _cached(f"{wake}.", voice, voice.wake_options) + _silence(_GAP_S) if wake else b""
    return _silence(_LEAD_S) + call + say(text, voice) + _silence(_TRAIL_S)


def cache_dir() -> Path:
    """Return where spoken texts are kept: below $XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "antiphon" / "speech"


def _silence(seconds: float) -> bytes:
    return bytes(int(seconds * SAMPLE_RATE_HZ) * SAMPLE_BYTES)


def _cached(text: str, voice: Voice, options: tuple[str, ...]) -> bytes:
    if not text.strip() or len(text) > TEXT_CHARS_MAX:
        raise SpeechError(f"a text of {len(text)} characters; 1 to {TEXT_CHARS_MAX} can be spoken")
    key = "\0".join((voice.program, *options, text))
    path = cache_dir() / f"{hashlib.sha256(key.encode()).hexdigest()}.pcm"
    with contextlib.suppress(OSError):
        if pcm := path.read_bytes():
            return pcm
    pcm = _resampled(_run(text, voice.program, options))
    _keep(path, pcm)
    return pcm


def _keep(path: Path, pcm: bytes) -> None:
    # A cache that cannot be written costs time, nothing else.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(pcm)
        part.replace(path)


def _run(text: str, program: str, options: tuple[str, ...]) -> bytes:
    """Return a WAV file; the text goes in by a file, so that it is never taken for an option."""
    with tempfile.TemporaryDirectory(prefix="antiphon-speech-") as folder:
        source, target = Path(folder, "text"), Path(folder, "speech.wav")
        source.write_text(text, encoding="utf-8")
        output = "-o" if program == "flite" else "-w"
        try:
            subprocess.run(
                (program, *options, "-f", str(source), output, str(target)),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=True,
            )
            return target.read_bytes()
        except FileNotFoundError:
            raise SpeechError(f"{program} is not installed; apt install {program}") from None
        except (subprocess.SubprocessError, OSError) as error:
            raise SpeechError(f"{program} could not speak: {error}") from None


def _resampled(wav: bytes) -> bytes:
    try:
        with wave.open(io.BytesIO(wav), "rb") as reader:
            rate_hz = reader.getframerate()
            pcm = reader.readframes(reader.getnframes())
    except (wave.Error, EOFError) as error:
        raise SpeechError(f"the synthesizer gave no WAV file: {error}") from None
    if rate_hz == SAMPLE_RATE_HZ:
        return pcm
    return Resampler(rate_hz, SAMPLE_RATE_HZ).feed(pcm, last=True)
