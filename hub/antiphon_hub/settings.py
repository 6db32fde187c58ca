"""The hub's settings: one record a section; the defaults make a first evening."""

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from antiphon_hub.mosquitto_conf import MosquittoSettings
from antiphon_hub.playback.manners import AtNight, Hour, Manners, Percent
from antiphon_link.broker import BrokerSettings
from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import Slug, slug_of
from antiphon_protocol.messages.fields import Language, Name, Seconds
from antiphon_protocol.messages.work import Endpointing

SPARE_FROM_BYTES: Final = 3_500_000_000
"""A worker takes 0.4 GB; with less than this, other programs would miss them."""


def memory_bytes() -> int:
    """Return how much memory this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a settings section."""


class HubSection(Section, frozen=True, kw_only=True):
    """`[hub]`: who this hub is."""

    id: Slug | None = None
    """The hub's id; None: the host's name."""
    site: Name = "Home"
    """The home's name, for people."""
    language: Language = "en"
    """The language that is spoken."""
    time_zone: Name = ""
    """The home's time zone: `Europe/Berlin`; empty: this machine's."""
    standby: bool = False
    """Where another hub uses the same broker, let it act, and take over when it is gone."""
    state_dir: str = ""
    """Where the journal and the children's files live; empty: see `state_dir()`."""


class HomeSection(Section, frozen=True, kw_only=True):
    """`[home]`: what there is to talk about."""

    file: str = ""
    """The home model, YAML; empty: the example home."""
    sentences: tuple[str, ...] = ()
    """The owner's own sentences, YAML files in Home Assistant's format."""
    natural: bool = True
    """Understand natural wording too, where no template fits."""
    rebuild_s: Seconds = 2.0
    """How often to look whether these files changed, seconds."""


class WorkersSection(Section, frozen=True, kw_only=True):
    """`[workers]`: the engines that the hub runs by itself, each as a supervised child."""

    local: Annotated[int, msgspec.Meta(ge=0, le=8)] = 1
    """How many workers to start on this machine."""
    spare: bool | None = None
    """Have one more ready, which goes on where one dies: its engines take seconds to start. None:
    where the machine has memory for it."""
    stt: tuple[Name, ...] = ("pocketsphinx",)
    tts: tuple[Name, ...] = ("flite", "espeak")
    wake: tuple[Name, ...] = ("openwakeword", "microwakeword")
    vad: Name = "silero"
    options: dict[Name, dict[str, Any]] = {}
    """Per engine, given to it as they are."""

    @property
    def spares(self) -> int:
        """How many workers to start beyond the `local` ones."""
        spare = memory_bytes() >= SPARE_FROM_BYTES if self.spare is None else self.spare
        return int(spare and self.local > 0)


class RoomListeningSection(Section, frozen=True, kw_only=True):
    """`[listening.rooms.NAME]`: what is different in one room; None: as everywhere."""

    silence_s: Seconds | None = None
    complete_silence_s: Seconds | None = None
    may_go_on_silence_s: Seconds | None = None
    unfinished_silence_s: Seconds | None = None
    no_speech_s: Seconds | None = None


class ListeningSection(Section, frozen=True, kw_only=True):
    """`[listening]`: when a command counts as ended; audio time, seconds."""

    phrases: tuple[Name, ...] = ("hey mycroft",)
    """Wake phrases that the hub looks for when a satellite cannot."""
    check_wake: bool = False
    """When one engine of a satellite has heard the phrase, ask the worker's others, and dismiss the
    call silently if none of them agrees: fewer false wakes, and some calls that are not heard."""
    check_threshold: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.1
    """Score from which on another engine agrees."""
    silence_s: Seconds = 0.7
    complete_silence_s: Seconds = 0.25
    may_go_on_silence_s: Seconds = 0.3
    unfinished_silence_s: Seconds = 1.5
    no_speech_s: Seconds = 5.0
    limit_s: Annotated[float, msgspec.Meta(ge=1.0, le=30.0)] = 15.0
    rooms: dict[Name, RoomListeningSection] = {}
    """By the room's name as its satellites have it; upper case and spaces do not matter."""

    def endpointing(self, room: str) -> Endpointing:
        """Return the numbers that count in a room, given its name."""
        everywhere = Endpointing(
            silence_s=self.silence_s,
            complete_silence_s=self.complete_silence_s,
            may_go_on_silence_s=self.may_go_on_silence_s,
            unfinished_silence_s=self.unfinished_silence_s,
            no_speech_s=self.no_speech_s,
            limit_s=self.limit_s,
        )
        return msgspec.structs.replace(everywhere, **_differing(self.rooms, room))


class RoomPlaybackSection(Section, frozen=True, kw_only=True):
    """`[playback.rooms.NAME]`: what is different in one room; None: as everywhere."""

    percent: Percent | None = None
    quiet_from: Hour | None = None
    quiet_to: Hour | None = None
    quiet_percent: Percent | None = None
    quiet_announcements: AtNight | None = None
    reply_on: Slug | None = None
    """Satellite of the room whose speaker gives the replies; None: the one that heard."""


class PlaybackSection(Section, frozen=True, kw_only=True):
    """`[playback]`: how loud, and when it had better be silent."""

    percent: Percent = 100
    """Volume until somebody changes it; 100: as loud as the satellite's own setting."""
    quiet_from: Hour = "22:00"
    quiet_to: Hour = "22:00"
    """Quiet hours, local time; both alike: none."""
    quiet_percent: Percent = 30
    """In quiet hours nothing is louder than this."""
    quiet_announcements: AtNight = "quieter"
    """`chime`: a sound tells that there was one; `refuse`: nothing, and whoever asked is told."""
    duck_db: Annotated[float, msgspec.Meta(ge=-60.0, le=0.0)] = -20.0
    """How much quieter music is while somebody is heard or answered."""
    own_voice: bool = True
    """What somebody tells other rooms is heard in that person's voice; off: in the house's."""
    rooms: dict[Name, RoomPlaybackSection] = {}
    """By the room's name as its satellites have it; upper case and spaces do not matter."""

    def manners(self, room: str) -> Manners:
        """Return what counts in a room, given its name."""
        everywhere = Manners(
            percent=self.percent,
            quiet_from=self.quiet_from,
            quiet_to=self.quiet_to,
            quiet_percent=self.quiet_percent,
            quiet_announcements=self.quiet_announcements,
        )
        return msgspec.structs.replace(everywhere, **_differing(self.rooms, room))


class JournalSection(Section, frozen=True, kw_only=True):
    """`[journal]`: what is remembered of turns."""

    keep_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 7
    keep_text: bool = False
    """Keep transcripts and replies too; off: intents, timings and outcomes only."""
    keep_audio_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 0
    """Keep what was spoken as WAV files for so long, for `antiphon turns replay`; 0: never."""
    audio_mib: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 200
    """They take no more room than this; the oldest go first."""


class SkillsSection(Section, frozen=True, kw_only=True):
    """`[skills]`: what others wrote for this house to do."""

    dir: str = ""
    """A folder of plug-ins, beside those that are installed; empty: none."""
    off: tuple[Name, ...] = ()
    """Plug-ins that are not to be used, by name."""
    timeout_s: Annotated[float, msgspec.Meta(gt=0.0, le=60.0)] = 8.0
    """How long one may take for an answer, seconds."""
    options: dict[Name, dict[str, Any]] = {}
    """Per plug-in, given to it as they are."""


class MetricsSection(Section, frozen=True, kw_only=True):
    """`[metrics]`: figures for Prometheus."""

    listen: Annotated[str, msgspec.Meta(pattern=r"^$|^[^/ ]+:\d{1,5}$")] = ""
    """`HOST:PORT` to show them at, as `127.0.0.1:9464` for this machine alone; empty: nowhere."""


class ConsoleSection(Section, frozen=True, kw_only=True):
    """`[console]`: the house in a browser."""

    listen: Annotated[str, msgspec.Meta(pattern=r"^$|^[^/ ]+:\d{1,5}$")] = ""
    """`HOST:PORT` to serve it at, as `127.0.0.1:8123` for this machine alone; empty: nowhere."""
    hosts: tuple[Name, ...] = ()
    """More names under which browsers reach it, as `house.lan`."""
    cert_file: str = ""
    key_file: str = ""
    """Certificate and key, PEM: then it speaks HTTPS."""
    plain: bool = False
    """Serve other machines without encryption all the same: behind a proxy that encrypts."""


class DiscoverySection(Section, frozen=True, kw_only=True):
    """`[discovery]`: whether the hub announces itself by mDNS."""

    announce: bool = True


class Settings(Section, frozen=True, kw_only=True):
    """All of the hub's settings."""

    hub: HubSection = HubSection()
    broker: BrokerSettings = BrokerSettings()
    """An MQTT 5 broker that exists already; without an address the hub starts a Mosquitto."""
    mosquitto: MosquittoSettings = MosquittoSettings()
    home: HomeSection = HomeSection()
    workers: WorkersSection = WorkersSection()
    listening: ListeningSection = ListeningSection()
    playback: PlaybackSection = PlaybackSection()
    journal: JournalSection = JournalSection()
    skills: SkillsSection = SkillsSection()
    metrics: MetricsSection = MetricsSection()
    console: ConsoleSection = ConsoleSection()
    discovery: DiscoverySection = DiscoverySection()

    @property
    def keeps_audio(self) -> bool:
        """Whether recordings of turns are kept for some days."""
        return self.journal.keep_audio_days > 0

    def hub_id(self) -> str:
        """Return the configured id, or one made of the host's name."""
        if self.hub.id is not None:
            return self.hub.id
        try:
            return slug_of(socket.gethostname().split(".")[0])
        except TopicError:
            return "hub"

    def state_dir(self) -> Path:
        """Return where state lives: the setting, systemd's directory, or the user's (XDG)."""
        chosen = self.hub.state_dir or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
        if chosen:
            return Path(chosen)
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(base) / "antiphon"


def _differing(rooms: Mapping[str, Section], room: str) -> dict[str, Any]:
    """Return the fields that a room's own section sets."""
    return {
        name: value
        for called, own in rooms.items()
        if _same_name(called, room)
        for name, value in msgspec.structs.asdict(own).items()
        if value is not None
    }


def _same_name(one: str, other: str) -> bool:
    return "".join(re.findall(r"\w", one.lower())) == "".join(re.findall(r"\w", other.lower()))
