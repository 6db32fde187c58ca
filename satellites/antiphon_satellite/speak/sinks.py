"""The speaker that the settings name."""

import importlib.util
import shutil
from pathlib import Path

from antiphon_satellite.errors import SoundDeviceError
from antiphon_satellite.settings import SpeakerSection
from antiphon_satellite.speak.aplay import AplaySpeaker
from antiphon_satellite.speak.paced import null_speaker, wav_speaker
from antiphon_satellite.speak.portaudio import PortAudioSpeaker
from antiphon_satellite.speak.speaker import Speaker


def open_speaker(settings: SpeakerSection) -> Speaker:
    """Return the speaker; its device is opened for each sound.

    Raises:
        SoundDeviceError: no such kind of sink, or nothing to use a device with.
    """
    kind, _, what = settings.sink.partition(":")
    if kind == "auto":
        kind = _installed()
    match kind:
        case "portaudio":
            return PortAudioSpeaker(what)
        case "alsa":
            return AplaySpeaker(what or "default")
        case "wav" if what:
            return wav_speaker(Path(what))
        case "null":
            return null_speaker()
    raise SoundDeviceError(
        f"speaker {settings.sink!r}: no such sink; "
        "use auto, portaudio[:DEVICE], alsa[:DEVICE], wav:FOLDER or null"
    )


def _installed() -> str:
    if importlib.util.find_spec("sounddevice") is not None:
        return "portaudio"
    if shutil.which("aplay") is not None:
        return "alsa"
    raise SoundDeviceError(
        "nothing to play with: install Debian's alsa-utils (aplay), or `pip install "
        "antiphon-satellite[sound]` with Debian's libportaudio2"
    )
