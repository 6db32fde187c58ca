"""JSON facts for home automation, dashboards and logs: what happened in the house."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from antiphon_protocol.codec import Message, Record
from antiphon_protocol.ids import Slug
from antiphon_protocol.messages.fields import Name, Seconds, Text
from antiphon_protocol.messages.timer import (
    ListChanged,
    TimerChanged,
    TimerEnded,
    TimerRinging,
    TimerStarted,
)

TurnOutcome = Literal["answered", "failed", "cancelled"]


class TurnStarted(Message, frozen=True, kw_only=True, tag="turn-started"):
    """Somebody called in a room."""

    turn: Slug
    room: Name
    satellite: Name
    """Empty for a request that came over MQTT."""
    cause: Literal["phrase", "button", "voice", "follow-up", "request"]
    """`follow-up`: the house has asked something, and listens for the answer by itself."""
    phrase: Name = ""
    confidence: float = 1.0


class PartlyHeard(Message, frozen=True, kw_only=True, tag="partly-heard"):
    """What has been understood of a command so far."""

    turn: Slug
    room: Name
    text: Text


class CommandHeard(Message, frozen=True, kw_only=True, tag="heard"):
    """The transcript of a command."""

    turn: Slug
    room: Name
    text: Text
    confidence: float
    source: Name


class Understood(Message, frozen=True, kw_only=True, tag="understood"):
    """What a command means."""

    turn: Slug
    room: Name
    intent: Name
    slots: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it


class ReplyBegan(Message, frozen=True, kw_only=True, tag="reply-began"):
    """The reply's first audio is on its way."""

    turn: Slug
    room: Name
    text: Text


class TurnEnded(Message, frozen=True, kw_only=True, tag="turn-ended"):
    """A turn is over, in exactly one of three ways, with its whole trace."""

    turn: Slug
    room: Name
    satellite: Name
    outcome: TurnOutcome
    code: Name = ""
    """Why it failed or was cancelled."""
    transcript: Text = ""
    intent: Name = ""
    slots: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    reply: Text = ""
    timings: dict[str, float] = {}  # noqa: RUF012 - msgspec copies it
    """Milliseconds per stage; see docs/protocol.md for the stages."""
    trace: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    """Scores, alternatives, engine, worker, why listening stopped."""


class SatelliteJoined(Message, frozen=True, kw_only=True, tag="satellite-joined"):
    """A satellite came."""

    satellite: Slug
    room: Name


class SatelliteLeft(Message, frozen=True, kw_only=True, tag="satellite-left"):
    """A satellite went or was lost."""

    satellite: Slug
    room: Name
    reason: Name


class WorkerJoined(Message, frozen=True, kw_only=True, tag="worker-joined"):
    """A worker came."""

    worker: Slug
    device: Name
    engines: Annotated[tuple[Name, ...], Meta(max_length=256)]


class WorkerLeft(Message, frozen=True, kw_only=True, tag="worker-left"):
    """A worker went or was lost."""

    worker: Slug
    reason: Name


class RoomDucked(Message, frozen=True, kw_only=True, tag="room-ducked"):
    """Other sound in the room should be this much quieter, until the lease ends or is renewed.

    For players that are not ours: a television, a stereo. Who misses the end is helped by the
    lease.
    """

    room: Name
    level_db: Annotated[float, Meta(ge=-60.0, le=0.0)]
    lease_s: Seconds
    """0: as loud as before, at once."""


class DeviceChanged(Message, frozen=True, kw_only=True, tag="device-changed"):
    """A device of the home model was switched or dimmed by voice or request."""

    device: Slug
    room: Name
    state: dict[str, Any]


Event = (
    TurnStarted
    | PartlyHeard
    | CommandHeard
    | Understood
    | ReplyBegan
    | TurnEnded
    | SatelliteJoined
    | SatelliteLeft
    | WorkerJoined
    | WorkerLeft
    | RoomDucked
    | DeviceChanged
    | TimerStarted
    | TimerChanged
    | TimerRinging
    | TimerEnded
    | ListChanged
)


class DeviceState(Record, frozen=True, kw_only=True):
    """A device's state, retained: `{"on": true, "brightness": 40}`."""

    on: bool
    brightness: Annotated[int, Meta(ge=0, le=100)] | None = None
    """Percent; None for a device that only switches."""
