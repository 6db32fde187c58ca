"""Voices of flite, festival and espeak-ng, each said faster or slower, higher or lower."""

import random
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from antiphon_engines.deepspeech.features import Samples
from antiphon_engines.deepspeech.training.recordings import read_recording
from antiphon_engines.errors import TrainingError
from antiphon_protocol.audio import SAMPLE_RATE_HZ

_TIMEOUT_S: Final = 60.0
_FLITE: Final = {"slt": 180.0, "rms": 110.0, "awb": 130.0, "kal16": 110.0}
"""Voices with their usual pitch, Hz."""
_FESTIVAL: Final = ("ked_diphone", "cmu_us_slt_arctic_hts")
_ESPEAK: Final = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
_VARIANTS: Final = ("", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5")
PROGRAMS: Final = {"flite": 0.55, "text2wave": 0.2, "espeak-ng": 0.25}
"""With the share of the sentences that each one says."""


def missing() -> list[str]:
    """Return the programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def say(text: str, chance: random.Random) -> tuple[str, Samples]:
    """Return a voice's name, and the text as it says it: 16 kHz int16.

    Raises:
        TrainingError: the program is not there or fails.
    """
    program = chance.choices(list(PROGRAMS), list(PROGRAMS.values()))[0]
    with tempfile.TemporaryDirectory(prefix="antiphon-") as folder:
        out = Path(folder) / "said.wav"
        voice, command = _COMMANDS[program](text, out, chance)
        try:
            subprocess.run(
                command, input=text.encode(), check=True, capture_output=True, timeout=_TIMEOUT_S
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise TrainingError(f"{program} cannot say a sentence: {error}") from None
        samples = read_recording(out, SAMPLE_RATE_HZ)
    edge = np.zeros(chance.randint(1600, 6400), np.int16)
    return voice, np.concatenate((edge, samples, edge))


def _flite(text: str, out: Path, chance: random.Random) -> tuple[str, list[str]]:
    voice = chance.choice(list(_FLITE))
    pitch_hz = _FLITE[voice] * chance.uniform(0.85, 1.2)
    slower = chance.uniform(0.75, 1.25)
    options = [f"duration_stretch={slower:.2f}", f"int_f0_target_mean={pitch_hz:.0f}"]
    settings = [part for one in options for part in ("--setf", one)]
    return f"flite {voice}", ["flite", "-voice", voice, *settings, "-t", text, "-o", str(out)]


def _festival(_: str, out: Path, chance: random.Random) -> tuple[str, list[str]]:
    voice = chance.choice(_FESTIVAL)
    slower = f"(Parameter.set 'Duration_Stretch {chance.uniform(0.8, 1.25):.2f})"
    command = ["text2wave", "-eval", f"(voice_{voice})", "-eval", slower, "-o", str(out)]
    return f"festival {voice}", command


def _espeak(text: str, out: Path, chance: random.Random) -> tuple[str, list[str]]:
    voice = chance.choice(_ESPEAK) + chance.choice(_VARIANTS)
    rate, pitch = chance.randint(115, 190), chance.randint(20, 80)
    options = ["-v", voice, "-s", str(rate), "-p", str(pitch), "-w", str(out)]
    return f"espeak-ng {voice}", ["espeak-ng", *options, text]


_COMMANDS: Final = {"flite": _flite, "text2wave": _festival, "espeak-ng": _espeak}
