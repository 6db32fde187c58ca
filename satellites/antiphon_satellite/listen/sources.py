"""The microphone that the settings name."""

import importlib.util
import shutil
from pathlib import Path

from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.listen.arecord import ArecordMicrophone
from antiphon_satellite.listen.microphone import Microphone
from antiphon_satellite.listen.portaudio import PortAudioMicrophone
from antiphon_satellite.listen.scripted import ScriptedMicrophone
from antiphon_satellite.listen.wav import WavMicrophone
from antiphon_satellite.settings import MicrophoneSection


def open_microphone(settings: MicrophoneSection) -> Microphone:
    """Return the microphone; its device is opened when it is read.

    Raises:
        SoundDeviceError: no such kind of source, or nothing to use a device with.
        WavError: a file is not what a satellite would record.
    """
    kind, _, what = settings.source.partition(":")
    if kind == "auto":
        kind = _installed()
    match kind:
        case "portaudio":
            return PortAudioMicrophone(what)
        case "alsa":
            return ArecordMicrophone(what or "default")
        case "wav" if what:
            return WavMicrophone(
                [Path(name) for name in what.split(",")],
                fast=settings.pace == "fast",
                then_silence=settings.after == "silence",
            )
        case "none":
            return ScriptedMicrophone()
    raise SoundDeviceError(
        f"microphone {settings.source!r}: no such source; "
        "use auto, portaudio[:DEVICE], alsa[:DEVICE], wav:FILE[,FILE...] or none"
    )


def _installed() -> str:
    if importlib.util.find_spec("sounddevice") is not None:
        return "portaudio"
    if shutil.which("arecord") is not None:
        return "alsa"
    raise SoundDeviceError(
        "nothing to record with: install Debian's alsa-utils (arecord), or `pip install "
        "antiphon-satellite[sound]` with Debian's libportaudio2"
    )
