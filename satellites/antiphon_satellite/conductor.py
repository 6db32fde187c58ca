"""Feeds the state machine with what happens, and does what it says.

One inbox, one task: what happens is taken in the order in which it came. Microphone frames do not
pass the inbox; they are heard between two of its items.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final, Literal, assert_never

from antiphon_protocol.messages.presence import TimeTold
from antiphon_protocol.messages.satellite import (
    ButtonPressed,
    Chime,
    CueName,
    Duck,
    Identify,
    Listen,
    Play,
    Release,
    Resend,
    Restart,
    SetVolume,
    ShowScores,
    ShowTurn,
    StopListening,
    StopPlaying,
)
from antiphon_protocol.messages.timer import SetAlarms
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
from antiphon_satellite.alarms.ringer import Ringer
from antiphon_satellite.device.indicator import Indicator
from antiphon_satellite.inbox import Happening, Inbox
from antiphon_satellite.link import House
from antiphon_satellite.listen.ear import Call, Ear
from antiphon_satellite.listen.microphone import PcmFrame
from antiphon_satellite.machine import Event, Machine, State
from antiphon_satellite.pulse import Pulse
from antiphon_satellite.speak.changes import PlaybackChanged
from antiphon_satellite.speak.player import Player
from antiphon_satellite.streams import Streams

log = logging.getLogger(__name__)

LIMIT_SLACK_S: Final = 2.0
"""The audio limit ends a stream; only with a microphone that stands still the lease runs out."""

_EVENT_OF_CAUSE: Final = {
    "phrase": Event.WAKE,
    "button": Event.BUTTON,
    "voice": Event.VOICE,
}
_CALLS: Final = frozenset(_EVENT_OF_CAUSE.values())
_ATTENTIVE: Final = frozenset(
    {State.AWAY, State.MISSED, State.IDLE, State.STANDING_BY, State.THINKING}
)
_STREAMING: Final = frozenset({State.CALLING, State.LISTENING})
_CONFIRMABLE: Final = _STREAMING | {State.STANDING_BY}
_EVENT_OF_STOP: Final = {
    "speech-ended": Event.SPEECH_ENDED,
    "lost-arbitration": Event.STOOD_DOWN,
}


_Passed = ShowScores | Restart | TimeTold
_Simple = Resend | Release | Play | StopPlaying | Chime | SetVolume | Duck | Identify | _Passed
"""Commands that do not touch the conversation."""


class Conductor:
    """One satellite's conversation with room and hub."""

    def __init__(
        self,
        inbox: Inbox,
        house: House,
        ear: Ear,
        player: Player,
        ringer: Ringer,
        *,
        streams: Streams,
        indicator: Indicator,
        satellite: str,
        cues: tuple[CueName, ...],
        while_playing: Callable[[], bool],
    ) -> None:
        self._inbox = inbox
        self._house = house
        self._ear = ear
        self._player, self._ringer = player, ringer
        self._indicator = indicator
        self._satellite = satellite
        self._cues = frozenset(cues)
        self._while_playing = while_playing
        self._machine = Machine()
        self._streams = streams
        self._call: Call | None = None
        self._asked: Listen | None = None
        self._stream = ""
        self._past_turn = ""
        self._own: Counter[str] = Counter()
        self.moved = Pulse()
        """Beats behind everything that was taken in."""

    @property
    def state(self) -> State:
        """Where the conversation is."""
        return self._machine.state

    @property
    def turn(self) -> str:
        """The turn that the hub made of the last call; empty before it did."""
        return self._asked.turn if self._asked else ""

    @property
    def counts(self) -> Counter[str]:
        """calls, listens_refused, and those of the streams."""
        return self._own + self._streams.counts

    async def run(self) -> None:
        """Conduct until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._streams.run(), name="resend")
            while True:
                self._take(await self._inbox.take(self._machine.deadline_s))
                self.moved.beat()

    def hear(self, frame: PcmFrame) -> None:
        """Take the microphone's next frame."""
        state = self._machine.state
        attentive = state in _ATTENTIVE or (state is State.PLAYING and self._while_playing())
        call = self._ear.take(frame, attentive=attentive)
        if call is not None:
            self._inbox.put(call)
        if self._streams.feed(frame, _now_s()):
            self._end_here("limit")
        elif self._voice_ended():
            self._end_here("voice-ended")

    def source_ended(self) -> None:
        """The microphone has no more to hear."""
        self._end_here("source-ended")

    # -- what happens -----------------------------------------------------------------------------

    def _take(self, happening: Happening) -> None:
        event: Event | None
        lease_s: float | None = None
        match happening:
            case Event():
                event = happening
            case Call():
                event = self._called(happening)
            case PlaybackChanged():
                event = self._playback_event(happening)
            case Listen():
                event = self._listen_event(happening)
                lease_s = happening.limit_s + LIMIT_SLACK_S
            case StopListening():
                event = self._stop_event(happening)
            case ShowTurn():
                event = self._turn_event(happening)
            case SetAlarms():
                self._ringer.set(happening)
                return
            case _:
                self._obey(happening)
                return
        if event is not None:
            self._feed(event, lease_s if self._may_listen(event) else None)

    def _may_listen(self, event: Event) -> bool:
        confirmed = event is Event.CONFIRMED and self._machine.state in _CONFIRMABLE
        return confirmed or event is Event.INVITED

    def _feed(self, event: Event, lease_s: float | None = None) -> None:
        before = self._machine.state
        actions = self._machine.feed(event, _now_s(), lease_s)
        if event in _CALLS and actions:
            self._own["calls"] += 1
        self._ringer.follow(before, event, self._machine.state)
        if event is Event.TIME_OUT:
            log.info("%s: lease of state %s ran out", self._satellite, before)
        for action in actions:
            self._do(action)
        if self._machine.state is not before:
            log.debug("%s: %s -> %s on %s", self._satellite, before, self._machine.state, event)
            self._indicator.show(self._machine.state)

    def _called(self, call: Call) -> Event | None:
        if call.cause == "button":
            self._house.tell(ButtonPressed(gesture="single"))
        if self._ringer.takes(call.cause, self._machine.state):
            return None
        if self._machine.state not in _STREAMING:
            self._call = call
        return _EVENT_OF_CAUSE[call.cause]

    def _playback_event(self, changed: PlaybackChanged) -> Event | None:
        if changed.to != "began":
            self._ear.fell_quiet()
            return Event.PLAYBACK_ENDED if changed.to == "ended" else None
        ours = self._asked is not None and changed.playback == self._asked.playback
        return Event.REPLY_BEGAN if ours else Event.PLAYBACK_BEGAN

    def _listen_event(self, asked: Listen) -> Event | None:
        if asked.stream == self._stream:
            self._accept(asked)
            self._streams.limit(asked.limit_s)
            return Event.CONFIRMED
        busy = self._machine.state in _STREAMING and self._streams.running
        if busy or self._streams.knows(asked.stream):
            self._own["listens_refused"] += 1
            return None
        self._accept(asked)
        return Event.INVITED

    def _accept(self, asked: Listen) -> None:
        if asked.turn != self.turn:
            self._past_turn = self.turn
        elif self._asked is not None and asked.playback != self._asked.playback:
            self._player.forget(self._asked.playback)  # of a hub that was started again
        self._asked = asked

    def _stop_event(self, stop: StopListening) -> Event | None:
        if stop.stream != self._stream:
            return None
        return _EVENT_OF_STOP.get(stop.reason, Event.DISMISSED)

    def _turn_event(self, shown: ShowTurn) -> Event | None:
        if shown.turn == self._past_turn or (self._asked and shown.turn != self._asked.turn):
            return None
        if shown.cue is not None:
            self._player.cue(shown.cue)
        if shown.state == "thinking":
            return None
        return Event.TURN_ANSWERED if shown.state == "answered" else Event.TURN_FAILED

    def _obey(self, command: _Simple) -> None:
        """Pass on what does not touch the conversation."""
        match command:
            case Resend():
                self._streams.resend(command)
            case Release():
                self._streams.release(command.stream)
            case Play():
                self._player.play(command)
            case StopPlaying():
                self._player.stop(command.playback)
            case Chime():
                self._player.cue(command.cue)
            case SetVolume():
                self._player.set_volume(command.gain_db)
            case Duck():
                self._player.duck(command.level_db, command.lease_s, _now_s())
            case Identify():
                self._indicator.identify()
                self._player.cue("listening")
            case TimeTold() | ShowScores() | Restart():
                pass  # others' affairs; none is passed on to here
            case _:
                assert_never(command)

    # -- what to do -------------------------------------------------------------------------------

    def _do(self, action: Action) -> None:
        match action:
            case OpenStream():
                self._open(announced=action.announced)
            case CallAgain():
                self._streams.call_again(self._stream)
            case EndStream() | PauseStream() | ResumeStream():
                self._change_stream(action)
            case ExpectReply():
                if self._asked is not None:
                    self._player.expect(self._asked.playback)
            case ForgetReply():
                if self._asked is not None:
                    self._player.forget(self._asked.playback)
            case StopPlayback():
                self._player.stop_all()
            case PlayCue():
                self._play_cue(action.cue)
            case _:
                assert_never(action)

    def _open(self, *, announced: bool) -> None:
        if announced and self._call is not None:
            self._past_turn, self._asked = self.turn or self._past_turn, None
            self._stream = self._streams.open(self._call, self._ear.preroll)
        elif self._asked is not None:
            self._call, self._stream = None, self._asked.stream
            self._streams.open_asked(self._asked, self._ear.since_quiet())

    def _change_stream(self, action: EndStream | PauseStream | ResumeStream) -> None:
        match action:
            case EndStream():
                self._streams.end(action.reason, _now_s())
            case PauseStream():
                self._streams.pause()
            case ResumeStream():
                self._streams.resume()
            case _:
                assert_never(action)

    def _end_here(self, reason: Literal["limit", "source-ended", "voice-ended"]) -> None:
        """End the stream of our own accord, and let the machine know."""
        if self._streams.end(reason, _now_s()):
            self._inbox.put(Event.STREAM_ENDED)

    def _voice_ended(self) -> bool:
        called_by_voice = self._call is not None and self._call.cause == "voice"
        return called_by_voice and self._streams.running and not self._ear.voice

    def _play_cue(self, cue: CueName) -> None:
        # Somebody who only talked near a satellite without a wake engine did not call anybody.
        merely_talked = self._call is not None and self._call.cause == "voice"
        if cue in self._cues and not merely_talked:
            self._player.cue(cue)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
