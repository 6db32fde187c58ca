"""What can go wrong in a satellite.

SatelliteError
├── SoundDeviceError     a microphone or speaker that is missing, busy or misnamed
├── NoWakeEngineError    the wake word shall be heard here, and no engine is installed
├── RestartAskedError    the hub wants the program to start anew
├── ScriptFullError      more was given to a scripted microphone than it holds
└── TurnError            a spoken WAV led to no answered turn
"""


class SatelliteError(Exception):
    """Base of all errors of this package; the message names the thing and the remedy."""


class SoundDeviceError(SatelliteError):
    """A microphone or a speaker cannot be used."""


class NoWakeEngineError(SatelliteError):
    """No wake-word engine is installed here."""


class RestartAskedError(SatelliteError):
    """Somebody asked in the console that this program start anew."""


class ScriptFullError(SatelliteError):
    """A scripted microphone holds as much audio as it may."""


class TurnError(SatelliteError):
    """A WAV was spoken to the hub, and no answered turn came of it."""
