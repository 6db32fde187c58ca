"""What the state machine can ask for; `conductor` does it."""

from typing import Literal

import msgspec

from antiphon_protocol.messages.satellite import CueName


class OpenStream(msgspec.Struct, frozen=True):
    """Begin a stream, pre-roll first."""

    announced: bool
    """Say WakeHeard: we call the hub. False: the hub asked for the stream."""


class CallAgain(msgspec.Struct, frozen=True):
    """Say once more that somebody called, with the same stream.

    A hub that knows it goes on with it; one that does not takes it from its first frame.
    """


class EndStream(msgspec.Struct, frozen=True):
    """End the stream that runs, if one does."""

    reason: Literal["asked", "limit", "no-hub"]


class PauseStream(msgspec.Struct, frozen=True):
    """Keep the stream's audio here from now on, instead of sending it."""


class ResumeStream(msgspec.Struct, frozen=True):
    """Send what was kept of the stream, and go on sending."""


class ExpectReply(msgspec.Struct, frozen=True):
    """Subscribe to the playback that `Listen` named, and say so."""


class ForgetReply(msgspec.Struct, frozen=True):
    """No reply will come: unsubscribe, unless it plays already."""


class StopPlayback(msgspec.Struct, frozen=True):
    """Stop whatever plays or waits to play."""


class PlayCue(msgspec.Struct, frozen=True):
    """Sound a cue of our own accord, if the settings want that one."""

    cue: CueName


Action = (
    OpenStream
    | CallAgain
    | EndStream
    | PauseStream
    | ResumeStream
    | ExpectReply
    | ForgetReply
    | StopPlayback
    | PlayCue
)
