"""The satellite's conversation as a table: state and event give the next state and what to do.

Rules for editing it:

* A pair that is not in the table changes nothing: the event came too late or does not matter there.
* A state that waits for somebody has a lease; its TIME_OUT row must lead out of it.
* Events name what happened, and were checked before: that a message speaks of the stream, turn or
  playback at hand is `conductor`'s business.

Pure: time comes as an argument.
"""

from enum import StrEnum
from typing import Final

import msgspec

from antiphon_protocol.limits import PLAYBACK_SECONDS_MAX, STAND_BY_SECONDS, STREAM_SECONDS_MAX
from antiphon_satellite.actions import (
    Action,
    CallAgain,
    EndStream,
    ExpectReply,
    ForgetReply,
    OpenStream,
    PauseStream,
    PlayCue,
    ResumeStream,
    StopPlayback,
)


class State(StrEnum):
    """Where the conversation with the room is."""

    AWAY = "away"
    """No hub: not connected, or it said goodbye."""
    MISSED = "missed"
    """The same, and somebody in the room was told so: the hub's return is told, too."""
    IDLE = "idle"
    """Waiting for a call."""
    CALLING = "calling"
    """A stream runs; the hub has not yet taken the call."""
    LISTENING = "listening"
    """The hub listens to the stream."""
    STANDING_BY = "standing-by"
    """Another satellite answers our call; the stream is kept here in case that one fails."""
    THINKING = "thinking"
    """The stream is over; the reply is being made."""
    PLAYING = "playing"
    """A reply or an announcement sounds."""
    HOLDING = "holding"
    """The hub went while a stream ran, and may be back in a moment: the stream goes on."""
    WAITING = "waiting"
    """The hub went while the reply was being made. It may be back in a moment."""


class Event(StrEnum):
    """What can happen to it."""

    WAKE = "wake"
    """The wake phrase was heard here."""
    VOICE = "voice"
    """The voice-activity gate is open, and the hub is to look for the wake phrase."""
    BUTTON = "button"
    CONFIRMED = "confirmed"
    """The hub listens to our stream."""
    INVITED = "invited"
    """The hub asks for a stream that we did not open."""
    SPEECH_ENDED = "speech-ended"
    DISMISSED = "dismissed"
    """The hub wants no more of the stream, and nothing will come of it."""
    STOOD_DOWN = "stood-down"
    """Another satellite heard the call better."""
    STREAM_ENDED = "stream-ended"
    """The stream ended at this side: limit, end of the source or of the voice."""
    TURN_ANSWERED = "turn-answered"
    """The hub has done its part; a reply may still come."""
    TURN_FAILED = "turn-failed"
    """No reply will come."""
    REPLY_BEGAN = "reply-began"
    """The first sample of the reply to this turn sounds."""
    PLAYBACK_BEGAN = "playback-began"
    """The first sample of something else sounds."""
    PLAYBACK_ENDED = "playback-ended"
    HUB_CAME = "hub-came"
    HUB_WENT = "hub-went"
    TIME_OUT = "time-out"
    """The state's lease ran out."""


class Step(msgspec.Struct, frozen=True):
    """What follows: the next state, and the actions in order."""

    to: State
    do: tuple[Action, ...] = ()


HOLD_S: Final = 5.0
"""How long the hub may be gone in mid-turn before the person is told: a program that is started
again, or a network that was away for two seconds, is back by then."""

LEASES_S: Final[dict[State, float]] = {
    State.MISSED: 600.0,
    State.CALLING: 2.0,
    State.LISTENING: STREAM_SECONDS_MAX + 2.0,
    State.STANDING_BY: STAND_BY_SECONDS,
    State.THINKING: 30.0,
    State.PLAYING: PLAYBACK_SECONDS_MAX + 10.0,
    State.HOLDING: HOLD_S,
    State.WAITING: HOLD_S,
}
"""How long each state may last, seconds; AWAY and IDLE wait for nobody and may last."""

_CALL = OpenStream(announced=True)
_ANSWER_CALL = (OpenStream(announced=False), ExpectReply(), PlayCue("listening"))
_UNREACHABLE = PlayCue("unreachable")
_ASKED = EndStream("asked")

TABLE: Final[dict[tuple[State, Event], Step]] = {
    (State.AWAY, Event.WAKE): Step(State.MISSED, (_UNREACHABLE,)),
    (State.AWAY, Event.BUTTON): Step(State.MISSED, (_UNREACHABLE,)),
    (State.AWAY, Event.HUB_CAME): Step(State.IDLE),
    (State.MISSED, Event.WAKE): Step(State.MISSED, (_UNREACHABLE,)),
    (State.MISSED, Event.BUTTON): Step(State.MISSED, (_UNREACHABLE,)),
    (State.MISSED, Event.HUB_CAME): Step(State.IDLE, (PlayCue("back"),)),
    (State.MISSED, Event.TIME_OUT): Step(State.AWAY),
    (State.IDLE, Event.WAKE): Step(State.CALLING, (_CALL,)),
    (State.IDLE, Event.VOICE): Step(State.CALLING, (_CALL,)),
    (State.IDLE, Event.BUTTON): Step(State.CALLING, (_CALL,)),
    (State.IDLE, Event.INVITED): Step(State.LISTENING, _ANSWER_CALL),
    (State.IDLE, Event.REPLY_BEGAN): Step(State.PLAYING),
    (State.IDLE, Event.PLAYBACK_BEGAN): Step(State.PLAYING),
    (State.IDLE, Event.HUB_WENT): Step(State.AWAY),
    (State.CALLING, Event.CONFIRMED): Step(State.LISTENING, (ExpectReply(), PlayCue("listening"))),
    (State.CALLING, Event.SPEECH_ENDED): Step(State.THINKING, (_ASKED, PlayCue("heard"))),
    (State.CALLING, Event.DISMISSED): Step(State.IDLE, (_ASKED,)),
    (State.CALLING, Event.STOOD_DOWN): Step(State.STANDING_BY, (PauseStream(),)),
    (State.CALLING, Event.STREAM_ENDED): Step(State.THINKING),
    (State.CALLING, Event.TURN_ANSWERED): Step(State.IDLE, (_ASKED,)),
    (State.CALLING, Event.TURN_FAILED): Step(State.IDLE, (_ASKED,)),
    (State.CALLING, Event.HUB_WENT): Step(State.HOLDING),
    (State.CALLING, Event.TIME_OUT): Step(State.IDLE, (EndStream("no-hub"), _UNREACHABLE)),
    (State.LISTENING, Event.CONFIRMED): Step(State.LISTENING, (ExpectReply(),)),
    (State.LISTENING, Event.SPEECH_ENDED): Step(State.THINKING, (_ASKED, PlayCue("heard"))),
    (State.LISTENING, Event.DISMISSED): Step(State.IDLE, (_ASKED, ForgetReply())),
    (State.LISTENING, Event.STOOD_DOWN): Step(State.STANDING_BY, (PauseStream(), ForgetReply())),
    (State.LISTENING, Event.STREAM_ENDED): Step(State.THINKING, (PlayCue("heard"),)),
    (State.LISTENING, Event.TURN_ANSWERED): Step(State.IDLE, (_ASKED,)),
    (State.LISTENING, Event.TURN_FAILED): Step(State.IDLE, (_ASKED, ForgetReply())),
    (State.LISTENING, Event.REPLY_BEGAN): Step(State.PLAYING, (_ASKED,)),
    (State.LISTENING, Event.HUB_WENT): Step(State.HOLDING),
    (State.LISTENING, Event.TIME_OUT): Step(State.THINKING, (EndStream("limit"),)),
    (State.STANDING_BY, Event.WAKE): Step(State.CALLING, (_ASKED, _CALL)),
    (State.STANDING_BY, Event.BUTTON): Step(State.CALLING, (_ASKED, _CALL)),
    (State.STANDING_BY, Event.CONFIRMED): Step(
        State.LISTENING, (ResumeStream(), ExpectReply(), PlayCue("listening"))
    ),
    (State.STANDING_BY, Event.INVITED): Step(State.LISTENING, (_ASKED, *_ANSWER_CALL)),
    (State.STANDING_BY, Event.DISMISSED): Step(State.IDLE, (_ASKED,)),
    (State.STANDING_BY, Event.STREAM_ENDED): Step(State.IDLE),
    (State.STANDING_BY, Event.REPLY_BEGAN): Step(State.PLAYING, (_ASKED,)),
    (State.STANDING_BY, Event.PLAYBACK_BEGAN): Step(State.PLAYING, (_ASKED,)),
    (State.STANDING_BY, Event.HUB_WENT): Step(State.AWAY, (EndStream("no-hub"),)),
    (State.STANDING_BY, Event.TIME_OUT): Step(State.IDLE, (_ASKED,)),
    (State.THINKING, Event.WAKE): Step(State.CALLING, (StopPlayback(), _CALL)),
    (State.THINKING, Event.BUTTON): Step(State.CALLING, (StopPlayback(), _CALL)),
    (State.THINKING, Event.CONFIRMED): Step(State.THINKING, (ExpectReply(),)),
    (State.THINKING, Event.INVITED): Step(State.LISTENING, _ANSWER_CALL),
    (State.THINKING, Event.STOOD_DOWN): Step(State.IDLE, (ForgetReply(),)),
    (State.THINKING, Event.DISMISSED): Step(State.IDLE, (ForgetReply(),)),
    (State.THINKING, Event.TURN_ANSWERED): Step(State.IDLE),
    (State.THINKING, Event.TURN_FAILED): Step(State.IDLE, (ForgetReply(),)),
    (State.THINKING, Event.REPLY_BEGAN): Step(State.PLAYING),
    (State.THINKING, Event.PLAYBACK_BEGAN): Step(State.PLAYING),
    (State.THINKING, Event.HUB_WENT): Step(State.WAITING),
    (State.THINKING, Event.TIME_OUT): Step(State.IDLE, (ForgetReply(), PlayCue("failed"))),
    (State.PLAYING, Event.WAKE): Step(State.CALLING, (StopPlayback(), _CALL)),
    (State.PLAYING, Event.BUTTON): Step(State.CALLING, (StopPlayback(), _CALL)),
    (State.PLAYING, Event.INVITED): Step(State.LISTENING, (StopPlayback(), *_ANSWER_CALL)),
    (State.PLAYING, Event.PLAYBACK_ENDED): Step(State.IDLE),
    (State.PLAYING, Event.HUB_WENT): Step(State.AWAY),
    (State.PLAYING, Event.TIME_OUT): Step(State.IDLE, (StopPlayback(),)),
    (State.HOLDING, Event.HUB_CAME): Step(State.CALLING, (CallAgain(),)),
    (State.HOLDING, Event.STREAM_ENDED): Step(State.WAITING),
    (State.HOLDING, Event.TIME_OUT): Step(
        State.MISSED, (EndStream("no-hub"), ForgetReply(), _UNREACHABLE)
    ),
    (State.WAITING, Event.HUB_CAME): Step(State.THINKING, (CallAgain(),)),
    (State.WAITING, Event.BUTTON): Step(State.MISSED, (ForgetReply(), _UNREACHABLE)),
    (State.WAITING, Event.REPLY_BEGAN): Step(State.AWAY),
    (State.WAITING, Event.TIME_OUT): Step(State.MISSED, (ForgetReply(), _UNREACHABLE)),
}


class Machine:
    """One satellite's conversation; begins AWAY."""

    def __init__(self) -> None:
        self.state = State.AWAY
        self.deadline_s: float | None = None
        """When to feed TIME_OUT, on the clock that `feed` is given; None: never."""

    def feed(self, event: Event, now_s: float, lease_s: float | None = None) -> tuple[Action, ...]:
        """Take one event; return what to do, in order.

        Args:
            event: What happened.
            now_s: The time, seconds on any steady clock.
            lease_s: How long the next state may last, instead of its usual lease.
        """
        step = TABLE.get((self.state, event))
        if step is None:
            return ()
        if step.to is not self.state or lease_s is not None:
            lease_s = LEASES_S.get(step.to) if lease_s is None else lease_s
            self.deadline_s = None if lease_s is None else now_s + lease_s
        self.state = step.to
        return step.do
