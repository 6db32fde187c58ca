"""What the hub asks of a satellite, and what the satellite did."""

from typing import Annotated, Literal

from msgspec import Meta

from antiphon_protocol.audio import AudioFormat
from antiphon_protocol.codec import Message
from antiphon_protocol.ids import Slug
from antiphon_protocol.limits import LIST_ITEMS_MAX
from antiphon_protocol.messages.fields import (
    GainDb,
    LevelDbfs,
    Microseconds,
    Name,
    Samples,
    Seconds,
    Text,
)
from antiphon_protocol.messages.presence import TimeAsked, TimeTold
from antiphon_protocol.messages.timer import AlarmRang, AlarmStopped, SetAlarms

CueName = Literal["listening", "heard", "failed", "not-understood", "unreachable", "back", "notice"]
ShownState = Literal["thinking", "answered", "failed", "cancelled"]
PlaybackKind = Literal["reply", "announcement", "chime", "alarm", "music"]


class Listen(Message, frozen=True, kw_only=True, tag="listen"):
    """The hub takes the call: go on streaming, and be ready for the reply.

    With a `stream` that runs it confirms that stream; with a new one it opens the microphone
    (a follow-up question).
    """

    turn: Slug
    stream: Slug
    playback: Slug
    """The reply will come on this playback: subscribe now, while the person still speaks."""
    limit_s: Seconds
    """The satellite ends the stream after this much audio by itself."""


class StopListening(Message, frozen=True, kw_only=True, tag="stop-listening"):
    """End the stream: the person has finished, or was not talking to us.

    With `lost-arbitration` another satellite answers this call: stay silent and send nothing more,
    but keep recording the stream for some seconds (`STAND_BY_SECONDS`). A `Listen` for it in that
    time takes the call over: send what was kept, and go on.
    """

    stream: Slug
    reason: Literal["speech-ended", "no-wake", "lost-arbitration", "cancelled", "failed"]


class Resend(Message, frozen=True, kw_only=True, tag="resend"):
    """Publish these frames of the stream again, both ends included, as far as they are kept."""

    stream: Slug
    first: Annotated[int, Meta(ge=0, lt=2**32)]
    last: Annotated[int, Meta(ge=0, lt=2**32)]


class Release(Message, frozen=True, kw_only=True, tag="release"):
    """The hub has heard the stream: its audio need not be kept any longer."""

    stream: Slug


class Play(Message, frozen=True, kw_only=True, tag="play"):
    """Audio will come on `down/<own id or all>/<playback>`: follow both, say PlaybackReady, play.

    With `at_us` several satellites play as one: sample n sounds at `at_us` + n / rate. Sent again
    before that time it moves it, thus the first one names the latest time, and the second one the
    true one, once there is audio. Who is late leaves out what the others have played.
    """

    playback: Slug
    kind: PlaybackKind
    format: AudioFormat
    turn: Slug = ""
    gain_db: GainDb = 0.0
    at_us: Microseconds = 0
    """When the first sample shall sound, hub's clock; 0: as soon as there is audio."""


class StopPlaying(Message, frozen=True, kw_only=True, tag="stop-playing"):
    """Stop that playback at once and forget what is left of it."""

    playback: Slug


class ShowTurn(Message, frozen=True, kw_only=True, tag="show-turn"):
    """What the turn is doing, for the satellite's light and cues."""

    turn: Slug
    state: ShownState
    cue: CueName | None = None
    """Play this built-in sound; sent when no spoken reply will tell the person."""


class Chime(Message, frozen=True, kw_only=True, tag="chime"):
    """Sound a cue, unless something sounds already."""

    cue: CueName


class SetVolume(Message, frozen=True, kw_only=True, tag="set-volume"):
    """Play everything at this volume from now on, cues and what sounds now included."""

    gain_db: GainDb
    """On top of the satellite's own setting."""


class Duck(Message, frozen=True, kw_only=True, tag="duck"):
    """Play music quieter, for as long as the lease lasts; a lease of 0 s ends it."""

    level_db: Annotated[float, Meta(ge=-60.0, le=0.0)]
    lease_s: Seconds


class Identify(Message, frozen=True, kw_only=True, tag="identify"):
    """Blink and beep, so that a person finds you."""


class ShowScores(Message, frozen=True, kw_only=True, tag="show-scores"):
    """Publish `wake-scores` for as long as the lease lasts; a lease of 0 s ends it."""

    lease_s: Annotated[float, Meta(ge=0.0, le=60.0)]


class Restart(Message, frozen=True, kw_only=True, tag="restart"):
    """Say goodbye and start the program anew."""


class ListenEnded(Message, frozen=True, kw_only=True, tag="listen-ended"):
    """The stream is over."""

    stream: Slug
    frames: Annotated[int, Meta(ge=0, lt=2**32)]
    """How many frames it had, so that a missing tail is seen."""
    reason: Literal["asked", "limit", "muted", "no-hub", "source-ended", "voice-ended"]
    """Why; `no-hub`: nobody took the call in time."""


class PlaybackReady(Message, frozen=True, kw_only=True, tag="playback-ready"):
    """The satellite has subscribed to the playback's topic: audio may be sent."""

    playback: Slug


class Played(Message, frozen=True, kw_only=True, tag="played"):
    """The playback is over, said at its real last sample."""

    playback: Slug
    samples: Samples
    complete: bool
    """False: it was stopped, or audio was missing."""
    first_at_us: Microseconds = 0
    """When the first sample left for the speaker, satellite's clock; 0 if none did."""
    underruns: Annotated[int, Meta(ge=0)] = 0
    """How often the speaker ran dry."""


class ButtonPressed(Message, frozen=True, kw_only=True, tag="button-pressed"):
    """A person pressed the button."""

    gesture: Literal["single", "double", "long"]


class Muted(Message, frozen=True, kw_only=True, tag="muted"):
    """The microphone was muted or opened."""

    muted: bool
    hard: bool
    """By a switch in the wire; the satellite cannot undo it."""


class Fault(Message, frozen=True, kw_only=True, tag="fault"):
    """Something of the satellite does not work."""

    code: Name
    text: Text


class Counters(Message, frozen=True, kw_only=True, tag="counters"):
    """Health, every half minute: dropped frames, underruns, reconnects, decode errors."""

    counts: Annotated[dict[Name, Annotated[int, Meta(ge=0)]], Meta(max_length=LIST_ITEMS_MAX)]
    noise_dbfs: LevelDbfs = -200.0


SatelliteCommand = (
    Listen
    | StopListening
    | Resend
    | Release
    | Play
    | StopPlaying
    | ShowTurn
    | Chime
    | SetVolume
    | Duck
    | Identify
    | ShowScores
    | Restart
    | SetAlarms
    | TimeTold
)
SatelliteFact = (
    ListenEnded
    | PlaybackReady
    | Played
    | AlarmRang
    | AlarmStopped
    | ButtonPressed
    | Muted
    | Fault
    | Counters
    | TimeAsked
)
