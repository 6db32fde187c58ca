"""Tells a satellite that it is listened to."""

from antiphon_hub.turns.ending import CancelReason
from antiphon_hub.turns.hearing import Call
from antiphon_hub.turns.ports import Command
from antiphon_hub.turns.record import TurnRecord
from antiphon_hub.turns.speaking import Mouth
from antiphon_protocol.messages.satellite import Listen, StopListening, StopPlaying


class Invitation:
    """One turn's `Listen`: said once, again to a satellite that was away, and withdrawn."""

    def __init__(self, mouth: Mouth, command: Command, record: TurnRecord, playback: str) -> None:
        self._mouth = mouth
        self._command = command
        self._record = record
        self._playback = playback
        self._listen: Listen | None = None

    def say(self, call: Call, limit_s: float) -> None:
        """Let the satellite stream on, for this much audio, and be ready for the reply."""
        if self._listen is not None:
            return
        self._mouth.announce(self._playback)
        self._listen = Listen(
            turn=call.turn, stream=call.stream, playback=self._playback, limit_s=limit_s
        )
        self._command(call.satellite, self._listen)

    def remind(self) -> None:
        """Tell the satellite again where the turn is: it was away, and missed what was said."""
        if self._listen is None or self._record.outcome is not None:
            return
        self._command(self._record.satellite, self._listen)
        if "speech-ended" in self._record.marks:
            stop = StopListening(stream=self._listen.stream, reason="speech-ended")
            self._command(self._record.satellite, stop)

    def withdraw(self, call: Call, reason: CancelReason) -> None:
        """Nobody listens any more; with `lost-arbitration` the satellite stands by."""
        match reason:
            case "lost-arbitration" | "no-wake":
                stop = StopListening(stream=call.stream, reason=reason)
            case _:
                stop = StopListening(stream=call.stream, reason="cancelled")
        self._command(call.satellite, stop)
        if reason != "lost-arbitration":
            self._command(call.satellite, StopPlaying(playback=self._playback))
