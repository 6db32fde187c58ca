"""WAV files as commands take and give them: 16 kHz mono signed 16-bit PCM.

Format: Multimedia Programming Interface and Data Specifications 1.0 (RIFF), read by the standard
library's `wave`; the checks here are about what a satellite would have recorded.
"""

import io
import shlex
import wave
from pathlib import Path
from typing import IO, Final

from antiphon_protocol.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from antiphon_protocol.errors import WavError
from antiphon_protocol.limits import WAV_SECONDS_MAX

FRAMES_MAX: Final = int(WAV_SECONDS_MAX * SAMPLE_RATE_HZ)
"""Samples that are read from one file."""

_KINDS: Final = {3: "floating-point samples", 65534: "an extensible header"}


def read_wav(path: Path) -> bytes:
    """Return a file's samples: signed 16-bit little-endian mono at 16 kHz.

    Raises:
        WavError: the file is missing, no WAV, of another format, empty, cut short or too long; the
            message names the file and the remedy.
    """
    try:
        if path.exists() and not path.is_file():
            raise WavError(f"{path}: is no file; name one WAV file")
        with path.open("rb") as file:
            return _samples(path, file, path.stat().st_size)
    except OSError as error:
        raise WavError(f"{path}: cannot be read: {error.strerror or error}") from None


def wav_samples(data: bytes, name: str) -> bytes:
    """Return the samples of a WAV file that is at hand, called so in errors; see `read_wav`.

    Raises:
        WavError: as `read_wav`.
    """
    return _samples(Path(name), io.BytesIO(data), len(data))


def _samples(path: Path, file: IO[bytes], size: int) -> bytes:
    try:
        with wave.open(file, "rb") as reader:
            _check_format(path, reader)
            promised = reader.getnframes()
            if promised > FRAMES_MAX and size > FRAMES_MAX * SAMPLE_BYTES:
                raise WavError(_too_long(path, promised / SAMPLE_RATE_HZ))
            # A header may lie: what it promises is no reason to set that much memory aside.
            pcm = reader.readframes(min(promised, FRAMES_MAX))
    except (wave.Error, EOFError, RuntimeError) as error:
        # `wave` raises a bare RuntimeError where a chunk is longer than the file's own size.
        raise WavError(f"{path}: {_reason(error)}; {_convert(path)}") from None
    if promised == 0:
        raise WavError(f"{path}: holds no samples; record it again")
    if len(pcm) < promised * SAMPLE_BYTES:
        raise WavError(
            f"{path}: cut short: its header promises {promised * SAMPLE_BYTES} bytes of samples, "
            f"it holds {len(pcm)}; copy or record it again"
        )
    return pcm


def write_wav(pcm: bytes, rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    """Return a whole WAV file around signed 16-bit mono samples."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(rate_hz)
        writer.writeframes(pcm)
    return buffer.getvalue()


def _check_format(path: Path, reader: wave.Wave_read) -> None:
    wrong = []
    if reader.getframerate() != SAMPLE_RATE_HZ:
        wrong.append(f"{reader.getframerate()} Hz instead of {SAMPLE_RATE_HZ}")
    if reader.getnchannels() != 1:
        wrong.append(f"{reader.getnchannels()} channels instead of 1")
    if reader.getsampwidth() != SAMPLE_BYTES:
        wrong.append(f"{8 * reader.getsampwidth()} bits instead of 16")
    if wrong:
        raise WavError(f"{path}: {', '.join(wrong)}; {_convert(path)}")


def _reason(error: Exception) -> str:
    text = str(error)
    prefix, _, tag = text.partition(": ")
    if prefix == "unknown format":
        kind = _KINDS.get(int(tag), f"compressed samples, format tag {tag},")
        return f"{kind} instead of plain 16-bit PCM"
    return f"not a WAV file ({text or 'it ends inside its header'})"


def _convert(path: Path) -> str:
    return f"convert it: sox {shlex.quote(str(path))} -r 16000 -c 1 -b 16 -e signed-integer out.wav"


def _too_long(path: Path, seconds: float) -> str:
    return (
        f"{path}: {seconds:.0f} s of audio, at most {WAV_SECONDS_MAX:.0f} s are taken; "
        f"cut it: sox {shlex.quote(str(path))} part.wav trim 0 {WAV_SECONDS_MAX:.0f}"
    )
