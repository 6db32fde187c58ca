"""The satellite's settings file: one section per part, each field described."""

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from antiphon_codecs.codecs import Codec
from antiphon_ears.wake.joint import TOGETHER
from antiphon_link.broker import BrokerSettings
from antiphon_protocol.ids import SLUG_PATTERN
from antiphon_protocol.limits import NAME_CHARS_MAX
from antiphon_protocol.messages.satellite import CueName

WakeMode = Literal["local", "hub", "none"]
ShortName = Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]
DEFAULT_ENGINES: Final = ("microwakeword", "openwakeword")
"""Both together hear more than either alone: they miss different people."""


class SatelliteSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[satellite]`: who it is."""

    id: Annotated[str, Meta(pattern=f"^$|{SLUG_PATTERN}")] = ""
    """Its id in the house, a-z 0-9 _ -; empty: made from the host's name."""
    room: ShortName = "home"
    """The room where it stands, as people say it: `living room`."""
    state_dir: Annotated[str, Meta(max_length=1000)] = ""
    """Where alarms are kept over a restart; empty: systemd's directory, or the user's (XDG)."""


class MicrophoneSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[microphone]`: where it hears."""

    source: ShortName = "auto"
    """`auto` (PortAudio if installed, else ALSA), `portaudio[:DEVICE]`, `alsa[:DEVICE]`,
    `wav:FILE[,FILE...]`, `none`."""
    pace: Literal["realtime", "fast"] = "realtime"
    """For `wav:`: how fast the files are heard."""
    after: Literal["silence", "end"] = "silence"
    """For `wav:`: what follows the files; `end` ends the satellite once it is idle."""


class AudioSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[audio]`: how what it hears travels."""

    codec: Codec = "pcm"
    """`pcm`: as it is, 32 kB/s. `opus`: a tenth of that, for weak Wi-Fi; libopus (Debian's
    libopus0) must be here, at the hub and at its workers, else it goes as PCM."""


class SpeakerSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[speaker]`: where it speaks."""

    sink: ShortName = "auto"
    """`auto` (PortAudio if installed, else ALSA), `portaudio[:DEVICE]`, `alsa[:DEVICE]`,
    `wav:FOLDER` (one file per sound), `null`."""
    gain_db: Annotated[float, Meta(ge=-60.0, le=12.0)] = 0.0
    """Everything is played this much louder, decibels."""
    cues: tuple[CueName, ...] = ("failed", "unreachable", "back")
    """Cues that it sounds of its own accord; those that the hub asks for always sound."""


class WakeSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[wake]`: how it notices a call."""

    mode: WakeMode = "local"
    """`local`: wake engines here. `hub`: the gate opens streams, and a worker looks for the phrase.
    `none`: only the button."""
    engines: Annotated[tuple[ShortName, ...], Meta(max_length=8)] = ()
    """Wake engines by name; empty: microwakeword and openwakeword, as far as they are installed."""
    phrases: Annotated[tuple[ShortName, ...], Meta(min_length=1, max_length=16)] = ("hey mycroft",)
    """Wake phrases to listen for."""
    threshold: Annotated[float, Meta(gt=0.0, le=1.0)] | None = None
    """Score from which a phrase counts that one engine hears; without: each engine's own."""
    together: Annotated[float, Meta(gt=0.0, le=1.0)] = TOGETHER
    """Score from which a phrase counts that two engines hear."""
    while_playing: bool = True
    """Listen for the wake phrase while a reply sounds; the microphone then hears the speaker."""


class GateSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[gate]`: when somebody is talking; used with `wake.mode = "hub"`."""

    engine: ShortName = "auto"
    """Voice-activity engine by name; `auto`: microvad if installed, else energy."""
    threshold: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.5
    """Speech probability that opens the gate."""
    hangover_s: Annotated[float, Meta(ge=0.2, le=10.0)] = 1.5
    """Time without voice that closes it, seconds: longer than people pause behind a wake word."""


class IndicatorSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[indicator]`: how it shows what it does."""

    light: Literal["console", "none"] = "console"
    """`console`: one line on the terminal, and nothing where there is none."""
    button: Literal["console", "none"] = "console"
    """`console`: the Enter key of the terminal, where there is one."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    broker: BrokerSettings = BrokerSettings()
    satellite: SatelliteSection = SatelliteSection()
    microphone: MicrophoneSection = MicrophoneSection()
    audio: AudioSection = AudioSection()
    speaker: SpeakerSection = SpeakerSection()
    wake: WakeSection = WakeSection()
    gate: GateSection = GateSection()
    indicator: IndicatorSection = IndicatorSection()

    def state_dir(self) -> Path:
        """Return where state lives: the setting, systemd's directory, or the user's (XDG)."""
        chosen = self.satellite.state_dir or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
        if chosen:
            return Path(chosen)
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(base) / "antiphon-satellite"
