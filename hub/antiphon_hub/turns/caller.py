"""One satellite's call on its way to a turn."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from antiphon_hub.turns.arbitration.arbiter import heard_at_us
from antiphon_hub.turns.arbitration.report import Report
from antiphon_hub.turns.hearing import UNKNOWN_DBFS, Call
from antiphon_hub.turns.ports import Command, Satellite
from antiphon_hub.turns.turn import Turn
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_protocol.messages.satellite import StopListening
from antiphon_protocol.messages.wake import WakeHeard
from antiphon_protocol.messages.work import WakeCheck, WakeConfirmed

CHECKED_WITHIN_S: Final = 0.5
"""An engine on the hub fires at most this much later than the satellite's, audio time."""
CHECK_THRESHOLD: Final = 0.1
"""What a second wake engine must give a call; see docs/measurements.md."""
AGREED: Final = "+"
"""Joins the names of a satellite's engines that have heard the same call."""
STREAM_SLACK_S: Final = 8.0
"""Pre-roll, wake phrase and the wait for speech come on top of a command's own limit."""


def _nobody(phrase: str) -> bytes:
    del phrase
    return b""


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """How calls are heard."""

    phrases: tuple[str, ...]
    """Wake phrases to look for when a satellite cannot."""
    check_wake: bool = False
    """Look for the phrase again when one engine of a satellite has heard it."""
    check_threshold: float = CHECK_THRESHOLD
    """Score from which on another engine agrees."""
    household: Callable[[str], bytes] = _nobody
    """What the household's calls of a phrase are like; empty: nobody taught any."""
    limit_s: float
    """The longest stream, seconds."""


class House(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller needs of the turns."""

    command: Command
    new_turn: Callable[[Satellite, WakeHeard], Turn]
    spawn: Callable[[Turn, Coroutine[None, None, None], Satellite], bool]
    """Start a turn of that satellite; False: too many run."""
    get: Callable[[str], Satellite | None]
    """The satellite of that id, if it is here."""
    woken: Callable[["Caller", Report], None]
    """The wake phrase was found in a stream of a satellite that could not look for it."""
    stream_lost: Callable[[str], bool]
    """The stream died; tells whether another satellite takes the call over."""
    now_us: Callable[[], int]


class Caller:
    """A call: it begins to be heard when it leads, and is answered when it has won."""

    def __init__(self, house: House, wake: WakeHeard, listening: Listening) -> None:
        self._house = house
        self._wake = wake
        self._listening = listening
        self._at_us = heard_at_us(wake.heard_on_hub_us, house.now_us())
        self._turn: Turn | None = None
        self._won = False
        self._found = False
        self._call: Call | None = None

    @property
    def report(self) -> Report:
        """What the satellite said of the call."""
        wake = self._wake
        return Report(
            satellite=wake.satellite,
            stream=wake.stream,
            at_us=self._at_us,
            level_dbfs=wake.level_dbfs,
            noise_dbfs=wake.noise_dbfs,
            confidence=wake.confidence,
        )

    # -- what is decided about it -----------------------------------------------------------------

    def begin(self) -> bool:
        """Hear what is said; False if the satellite is gone, or too many turns run."""
        if self._turn is not None:
            return True
        wake = self._wake
        satellite = self._house.get(wake.satellite)
        if satellite is None:
            return False
        turn = self._house.new_turn(satellite, wake)
        check = self._check()
        self._call = call = Call(
            turn=turn.record.turn,
            satellite=wake.satellite,
            stream=wake.stream,
            begin=0 if check and wake.cause == "phrase" else wake.begin,
            wake_end=wake.end,
            wake_phrase=wake.phrase,
            level_dbfs=wake.level_dbfs if wake.cause == "phrase" else UNKNOWN_DBFS,
            wake=check,
        )
        self._won, self._found = False, check is None
        story = turn.answer(call, self._listening.limit_s, self)
        if not self._house.spawn(turn, story, satellite):
            self._house.command(wake.satellite, StopListening(stream=wake.stream, reason="failed"))
            return False
        self._turn = turn
        if wake.cause == "voice":
            turn.invitation.say(call, self._listening.limit_s)
        return True

    def win(self, table: list[dict[str, Any]]) -> None:
        """Answer, as soon as the wake phrase is sure."""
        self._won = True
        if self._turn is not None and table:
            self._turn.record.trace["arbitration"] = table
        self._answer_if_ready()

    def lose(self) -> None:
        """Stand by, silently."""
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.cancel("lost-arbitration")
        else:
            stop = StopListening(stream=self._wake.stream, reason="lost-arbitration")
            self._house.command(self._wake.satellite, stop)

    # -- what its turn finds ----------------------------------------------------------------------

    def woken(self, fact: WakeConfirmed) -> None:
        """The wake phrase is in the stream."""
        self._found = True
        if self._wake.cause == "voice" and not self._won:
            later_us = (fact.end - self._wake.end) * 1_000_000 // SAMPLE_RATE_HZ
            at_us = self._at_us + later_us
            report = replace(self.report, at_us=at_us, confidence=fact.score)
            self._house.woken(self, report)
        else:
            self._answer_if_ready()

    def stream_lost(self) -> bool:
        """No more audio comes; tells whether another satellite takes the call over."""
        return self._house.stream_lost(self._wake.stream)

    def _check(self) -> WakeCheck | None:
        wake = self._wake
        if wake.cause == "voice":
            return WakeCheck(phrases=self._listening.phrases)
        agreed = AGREED in wake.engine
        if wake.cause == "phrase" and wake.phrase and self._listening.check_wake and not agreed:
            return WakeCheck(
                phrases=(wake.phrase,),
                threshold=self._listening.check_threshold,
                heard_by=wake.engine,
                within_s=wake.end / SAMPLE_RATE_HZ + CHECKED_WITHIN_S,
                household=self._listening.household(wake.phrase),
            )
        return None

    def _answer_if_ready(self) -> None:
        turn, call = self._turn, self._call
        ready = self._won and self._found
        if ready and turn is not None and call is not None and turn.record.outcome is None:
            turn.choose(call, self._listening.limit_s)
