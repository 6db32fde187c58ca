"""Recordings made different at each reading: speed, room, noise, gain. Pure.

Source: Ko et al. 2015 (speed), Ko et al. 2017 (reverberation), both Interspeech.
"""

from typing import Annotated, Final

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.features import Samples

_Audio = npt.NDArray[np.float32]

_FULL_SCALE: Final = 32_768.0
_SILENCE: Final = 1e-4
_DECAY: Final = 6.91
"""ln 1000: reverberation time is that to -60 dB."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Augmentation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often, and how much at most."""

    speed_share: Share = 0.5
    speed_max: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.12
    """0.12: up to 12 % slower or faster."""
    reverb_share: Share = 0.3
    reverb_s: Annotated[float, msgspec.Meta(ge=0.01, le=2)] = 0.4
    """The longest reverberation time."""
    noise_share: Share = 0.5
    noise_snr_db: Annotated[float, msgspec.Meta(ge=-10, le=60)] = 10.0
    """The least ratio of speech to noise; the most is 30 dB above."""
    gain_db: Annotated[float, msgspec.Meta(ge=0, le=40)] = 10.0
    """Always, up to so much louder or quieter."""


NONE: Final = Augmentation(
    speed_share=0, reverb_share=0, noise_share=0, gain_db=0, speed_max=0, reverb_s=0.01
)
"""Recordings as they are."""


def augment(pcm: Samples, how: Augmentation, random: np.random.Generator, rate_hz: int) -> Samples:
    """Return the recording as it might have been, int16; the same for the same generator."""
    audio: _Audio = pcm.astype(np.float32) / _FULL_SCALE
    if random.random() < how.speed_share:
        audio = faster(audio, 1 + random.uniform(-how.speed_max, how.speed_max))
    if random.random() < how.reverb_share:
        audio = in_room(audio, random.uniform(0.05, max(0.05, how.reverb_s)), random, rate_hz)
    if random.random() < how.noise_share:
        snr_db = random.uniform(how.noise_snr_db, how.noise_snr_db + 30)
        audio = noisy(audio, snr_db, random.uniform(0, 1), random)
    gain_db = random.uniform(-how.gain_db, how.gain_db)
    scaled = audio * (_FULL_SCALE * 10 ** (gain_db / 20))
    samples: Samples = np.clip(np.rint(scaled), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    return samples


def faster(audio: _Audio, factor: float) -> _Audio:
    """Return it at another speed (and pitch), by linear interpolation."""
    if len(audio) < 2:  # noqa: PLR2004 - there is nothing between one sample
        return audio
    at = np.arange(0, len(audio) - 1, factor)
    moved: _Audio = np.interp(at, np.arange(len(audio)), audio).astype(np.float32)
    return moved


def in_room(audio: _Audio, decay_s: float, random: np.random.Generator, rate_hz: int) -> _Audio:
    """Return it with a made-up room's echo: noise that fades, after the direct sound."""
    length = max(1, int(decay_s * rate_hz))
    fading = np.exp(-_DECAY * np.arange(length) / length)
    echo = random.standard_normal(length) * fading
    echo *= random.uniform(0.1, 0.7) / max(_SILENCE, float(np.sqrt(np.sum(echo**2))))
    echo[0] = 1.0
    size = 1 << (len(audio) + length).bit_length()
    heard = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(echo, size), size)
    return heard[: len(audio)].astype(np.float32)


def noisy(audio: _Audio, snr_db: float, colour: float, random: np.random.Generator) -> _Audio:
    """Return it with steady noise; colour 0 is white, 1 falls by 6 dB an octave."""
    if not len(audio):
        return audio
    spectrum = np.fft.rfft(random.standard_normal(len(audio)))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** colour
    noise = np.fft.irfft(spectrum, len(audio))
    level = float(np.sqrt(np.mean(audio**2))) * 10 ** (-snr_db / 20)
    scaled = noise * (level / max(_SILENCE**2, float(np.sqrt(np.mean(noise**2)))))
    return (audio + scaled).astype(np.float32)
