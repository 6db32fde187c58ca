"""Who is here: retained, with a last will, so that a vanished program is known to be gone."""

from typing import Annotated, Literal

from msgspec import Meta

from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.codec import Message, Record
from antiphon_protocol.ids import Slug
from antiphon_protocol.limits import LIST_ITEMS_MAX
from antiphon_protocol.messages.fields import Microseconds, Name
from antiphon_protocol.version import VersionRange

Epoch = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Microseconds since 1970 when the program connected: a fact of another epoch is stale."""

Codecs = Annotated[tuple[Name, ...], Meta(max_length=LIST_ITEMS_MAX)]


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """A satellite is here."""

    satellite: Slug
    epoch: Epoch
    room: Name
    """The room's name as people say it: `living room`."""
    protocol: VersionRange
    software: Name
    """Version of the satellite program."""
    host: Name
    """Host name, to tell apart two satellites that were given one id."""
    instance: Slug
    """Random per process, for the same purpose."""
    wake: Literal["local", "hub", "none"] = "none"
    """Where the wake word is recognised; `none`: only by button."""
    phrases: Annotated[tuple[Name, ...], Meta(max_length=LIST_ITEMS_MAX)] = ()
    """Wake phrases that it listens for."""
    microphone: AudioFormat = AudioFormat()
    speaker: AudioFormat | None = None
    """What it plays; None when it has no speaker."""


class Goodbye(Message, frozen=True, kw_only=True, tag="goodbye"):
    """A satellite is gone; as a will, the broker says so."""

    satellite: Slug
    epoch: Epoch
    reason: Literal["stopped", "lost"]


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """The hub is here."""

    hub: Slug
    epoch: Epoch
    site: Name
    protocol: VersionRange
    software: Name
    codecs: Codecs = ()
    """Codecs besides PCM that everybody who hears satellites can take now: `opus`."""


class Farewell(Message, frozen=True, kw_only=True, tag="farewell"):
    """The hub is gone; as a will, the broker says so."""

    hub: Slug
    epoch: Epoch
    reason: Literal["stopped", "lost"]


class HubLease(Message, frozen=True, kw_only=True, tag="hub-lease"):
    """This hub acts, and no other; said every second."""

    hub: Slug
    instance: Slug
    """Random per process."""
    term: Annotated[int, Meta(ge=0, le=2**53)]
    """One higher with each hub that takes over."""
    number: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """Counts one hub's renewals."""
    released: bool = False
    """It acts no longer; as a will, the broker says so."""


class EngineOffer(Record, frozen=True, kw_only=True):
    """One engine of a worker, and what it can do."""

    kind: Literal["stt", "tts", "wake", "vad"]
    name: Name
    languages: Annotated[tuple[Name, ...], Meta(max_length=LIST_ITEMS_MAX)] = ()
    voices: Annotated[tuple[Name, ...], Meta(max_length=LIST_ITEMS_MAX)] = ()
    """TTS: voices by name. Wake: phrases."""
    streaming: bool = False
    """STT: takes audio while the person speaks and gives partials."""
    grammar: bool = False
    """STT: takes a closed grammar."""
    dictation: bool = False
    """STT: hears open text."""


class WorkerHello(Message, frozen=True, kw_only=True, tag="worker-hello"):
    """A worker is here with these engines."""

    worker: Slug
    epoch: Epoch
    protocol: VersionRange
    software: Name
    host: Name
    process: Annotated[int, Meta(ge=0)]
    """Its process id on that host."""
    device: Name
    """What computes: `cpu`, `cuda:0`."""
    capacity: Annotated[int, Meta(ge=1, le=1024)]
    """Jobs that it runs at a time."""
    engines: Annotated[tuple[EngineOffer, ...], Meta(max_length=LIST_ITEMS_MAX)]
    codecs: Codecs = ()
    """Codecs besides PCM that it can take: `opus`."""


class WorkerGoodbye(Message, frozen=True, kw_only=True, tag="worker-goodbye"):
    """A worker is gone; as a will, the broker says so."""

    worker: Slug
    epoch: Epoch
    reason: Literal["stopped", "lost"]


class TimeAsked(Message, frozen=True, kw_only=True, tag="time-asked"):
    """A satellite asks the hub's clock (see `clock`)."""

    asked_us: Microseconds


class TimeTold(Message, frozen=True, kw_only=True, tag="time-told"):
    """The hub's answer to TimeAsked."""

    asked_us: Microseconds
    """Copied from the question; satellite's clock."""
    received_us: Microseconds
    """Hub's clock."""
    replied_us: Microseconds
    """Hub's clock."""


SatellitePresence = Hello | Goodbye
HubPresence = Welcome | Farewell
WorkerPresence = WorkerHello | WorkerGoodbye
