"""A worker's settings: nested frozen records, one per section of its file."""

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec

from antiphon_link.broker import BrokerSettings
from antiphon_protocol.ids import SLUG_PATTERN

OptionalSlug = Annotated[str, msgspec.Meta(pattern=f"^$|{SLUG_PATTERN}")]


def _state_dir() -> str:
    """Where a service manager or the desktop's rules (XDG base directories) want our files."""
    if given := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return given
    home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return str(Path(home) / "antiphon" / "worker")


class WorkerSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings section `[worker]`: who this worker is and how much it takes on."""

    id: OptionalSlug = ""
    """Empty: the host's name and a random ending that `state_dir` keeps."""
    capacity: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 4
    """Jobs at a time; one more is answered with `busy`."""
    state_dir: str = msgspec.field(default_factory=_state_dir)
    """Where the made-up id is kept, so that a restarted worker is the same one, and what pairing
    gave."""

    def folder(self) -> Path:
        """Return the state directory, with `~` as the home directory."""
        return Path(self.state_dir).expanduser()


class EnginesSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings section `[engines]`: which engines it loads; the first of a kind is its default."""

    stt: tuple[str, ...] = ("pocketsphinx",)
    tts: tuple[str, ...] = ("flite", "espeak")
    wake: tuple[str, ...] = ("openwakeword", "microwakeword")
    vad: str = "silero"


class StreamsSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings section `[streams]`: how much microphone audio is kept for jobs to come."""

    streams: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    """Streams; with one more the oldest goes."""
    kept_bytes: Annotated[int, msgspec.Meta(ge=1 << 16)] = 32 * 1024 * 1024
    """Bytes of all streams together; above it the oldest stream goes."""
    kept_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0
    """A stream with nothing new for so long goes: nobody's voice is kept without need."""
    stall_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 6.0
    """A stream with nothing new for so long is dead; a network away for 2 s is back within it."""


class SpeechSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings section `[speech]`: how replies are sent and kept."""

    lead_s: Annotated[float, msgspec.Meta(gt=0, le=30)] = 2.0
    """At most so much audio is sent ahead of real time."""
    cache_bytes: Annotated[int, msgspec.Meta(ge=0)] = 16 * 1024 * 1024
    """Spoken sentences that are kept, bytes; the least recently used goes."""


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    broker: BrokerSettings = BrokerSettings()
    worker: WorkerSection = WorkerSection()
    engines: EnginesSection = EnginesSection()
    streams: StreamsSection = StreamsSection()
    speech: SpeechSection = SpeechSection()
    options: dict[str, dict[str, Any]] = {}
    """`[options.NAME]`: what the engine of that name is built from."""
