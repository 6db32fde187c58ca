"""The sounddevice library, loaded when a PortAudio device is used."""

from typing import Any

from antiphon_satellite.errors import SoundDeviceError


def sounddevice(what: str) -> Any:
    """Return the library.

    Raises:
        SoundDeviceError: it or PortAudio is not installed; the message says for what it was wanted.
    """
    try:
        import sounddevice as library  # noqa: PLC0415 - optional, and slow to import
    except (ImportError, OSError) as error:
        raise SoundDeviceError(
            f"{what}: PortAudio cannot be used ({error}); `pip install antiphon-satellite[sound]` "
            "and Debian's libportaudio2, or choose alsa:DEVICE"
        ) from None
    return library


def device_error(what: str, option: str, error: Exception) -> SoundDeviceError:
    """Return the error for a device that cannot be opened."""
    return SoundDeviceError(
        f"{what}: {error}; `python -m sounddevice` lists the devices, "
        f"{option} portaudio:DEVICE chooses one"
    )
