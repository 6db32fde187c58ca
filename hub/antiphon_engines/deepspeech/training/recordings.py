"""Recordings of any usual format as 16 kHz mono samples."""

import importlib
import wave
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.errors import TrainingError
from antiphon_engines.resample import Resampler

SECONDS_MAX: Final = 60.0
"""Longer recordings are not one utterance."""
_SAMPLE_BYTES: Final = 2
_FULL_SCALE: Final = 32_767


def read_recording(path: Path, rate_hz: int) -> Samples:
    """Return a recording's samples, int16 [samples], its channels averaged.

    Raises:
        TrainingError: absent, damaged, too long, or of a format that needs soundfile.
    """
    try:
        pcm, from_hz = _wav(path) if path.suffix.lower() == ".wav" else _other(path)
    except (OSError, EOFError, wave.Error, ValueError, RuntimeError) as error:
        raise TrainingError(f"recording {path}: {error}") from None
    if len(pcm) > SECONDS_MAX * from_hz:
        raise TrainingError(f"recording {path} is longer than {SECONDS_MAX:g} s")
    if from_hz == rate_hz:
        return pcm
    resampled = Resampler(from_hz, rate_hz).feed(pcm.tobytes(), last=True)
    return np.frombuffer(resampled, "<i2").astype(np.int16)


def _wav(path: Path) -> tuple[Samples, int]:
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != _SAMPLE_BYTES:
            return _other(path)
        frames = min(file.getnframes(), int(SECONDS_MAX * file.getframerate()) + 1)
        data = np.frombuffer(file.readframes(frames), "<i2")
        whole = data[: len(data) - len(data) % file.getnchannels()]
        return _mono(whole.reshape(-1, file.getnchannels())), file.getframerate()


def _other(path: Path) -> tuple[Samples, int]:
    try:
        soundfile: Any = importlib.import_module("soundfile")
    except (ImportError, OSError):
        raise TrainingError(
            f"recording {path}: only 16-bit WAV files can be read without soundfile; "
            "the extra torch of antiphon-hub brings it"
        ) from None
    with soundfile.SoundFile(path) as file:
        data = file.read(int(SECONDS_MAX * file.samplerate) + 1, dtype="int16", always_2d=True)
        return _mono(data), int(file.samplerate)


def _mono(channels: Samples) -> Samples:
    if channels.shape[1] == 1:
        return channels[:, 0].astype(np.int16)
    mean = np.clip(np.rint(channels.mean(axis=1)), -_FULL_SCALE - 1, _FULL_SCALE)
    samples: Samples = mean.astype(np.int16)
    return samples
