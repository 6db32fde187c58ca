"""All turns: one at a time for each satellite, and those that come as requests."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Final

import msgspec

from antiphon_hub.errors import HubError
from antiphon_hub.turns.announcing import Announcement, Voice, plan
from antiphon_hub.turns.arbitration.report import Report
from antiphon_hub.turns.caller import Caller, House, Listening
from antiphon_hub.turns.calls import Calls, turn_of
from antiphon_hub.turns.contests import Contests
from antiphon_hub.turns.following import as_answer, as_question
from antiphon_hub.turns.gain_keeper import GainKeeper
from antiphon_hub.turns.lives import TURNS_MAX, Lives
from antiphon_hub.turns.ports import Command, Satellite, Satellites
from antiphon_hub.turns.turn import Parts, Turn
from antiphon_protocol.ids import new_id
from antiphon_protocol.messages.ask import Answer, AskAnnounce, AskIntent, AskQuestion, AskSay
from antiphon_protocol.messages.satellite import (
    Counters,
    CueName,
    ListenEnded,
    PlaybackKind,
    PlaybackReady,
    Played,
    SatelliteFact,
    ShowTurn,
    StopListening,
)
from antiphon_protocol.messages.wake import WakeHeard

log = logging.getLogger(__name__)

HOUSE: Final = Voice()
"""The house's own voice."""
LOST_S: Final = 6.0
"""How long a turn waits for its satellite to come back; it holds the stream for five seconds."""


class Turns:
    """Starts turns, and hands them what satellites did. `run` holds their tasks."""

    def __init__(
        self,
        parts: Parts,
        satellites: Satellites,
        *,
        listening: Listening,
        gains: GainKeeper,
        now_us: Callable[[], int],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._parts = parts
        self._satellites = satellites
        self._listening = listening
        self._gains = gains
        self._contests = Contests(gains.gains, gains.learned)
        self._house = House(
            command=parts.command,
            new_turn=self._new_turn,
            spawn=self._spawn,
            get=satellites.get,
            woken=self._compete,
            stream_lost=self._contests.stream_lost,
            now_us=now_us,
        )
        self._lost: dict[str, asyncio.TimerHandle] = {}
        self._instances: dict[str, str] = {}
        """Which start of its program each satellite was at that is in a turn."""
        self.calls = Calls()
        """The calls that had their turn."""
        self.counts: Counter[str] = Counter()
        """turns, refused (too many at once, or no such satellite), repeated calls."""
        self._lives = Lives(
            parts, self.counts, ended=self._ended, silent=self._silent, now_us=now_us, clock=clock
        )

    async def run(self) -> None:
        """Hold the turns' tasks until cancelled; then cancel them, each telling its satellite."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._gains.run(), name="keep what is learned")
            await self._lives.run()

    @property
    def running(self) -> int:
        """How many turns run."""
        return len(self._lives)

    @property
    def command(self) -> Command:
        """How turns speak to satellites."""
        return self._parts.command

    # -- what satellites do -----------------------------------------------------------------------

    def called(self, satellite_id: str, wake: WakeHeard) -> None:
        """Somebody may have called: begin a turn, unless another satellite heard it better."""
        if self._satellites.get(satellite_id) is None or wake.satellite != satellite_id:
            self.counts["refused"] += 1
            log.warning("a call of satellite %s, which did not say Hello; ignored", satellite_id)
            return
        if not self.calls.begin(turn_of(wake.stream)):
            self.counts["repeated"] += 1
            self._called_again(satellite_id, wake.stream)
            return
        caller = Caller(self._house, wake, self._listening)
        if wake.cause == "phrase":
            self._compete(caller, caller.report)
        elif caller.begin() and wake.cause == "button":
            caller.win([])  # who presses a button stands beside it

    def did(self, satellite_id: str, fact: SatelliteFact) -> None:
        """A satellite did something; what no turn waits for is none of ours."""
        match fact:
            case ListenEnded():
                self._parts.ear.listen_ended(fact)
            case PlaybackReady() | Played():
                self._parts.mouth.did(satellite_id, fact)
            case Counters() if self._satellites.get(satellite_id) is not None:
                now_s = asyncio.get_running_loop().time()
                self._gains.rest(satellite_id, fact.noise_dbfs, now_s)
            case _:
                pass

    def left(self, satellite_id: str) -> None:
        """A satellite is gone; if it does not come back, so is its turn."""
        if turn := self._lives.speaking.get(satellite_id):
            loop = asyncio.get_running_loop()
            self._found(satellite_id)
            if turn.stream_lost():
                turn.cancel("satellite-lost")
            else:
                self._lost[satellite_id] = loop.call_later(LOST_S, turn.cancel, "satellite-lost")
            self._parts.mouth.left(satellite_id)

    def joined(self, satellite_id: str) -> None:
        """A satellite is here, perhaps again, and in the middle of a turn."""
        self._found(satellite_id)
        self._parts.mouth.joined(satellite_id)
        turn = self._lives.speaking.get(satellite_id)
        if turn is None:
            return
        instance = self._satellites.instance(satellite_id)
        again = self._instances.get(satellite_id, instance) != instance
        if again and "speech-ended" not in turn.record.marks:  # its stream died with its program
            turn.stream_lost()
            turn.cancel("satellite-lost")
        else:
            turn.invitation.remind()

    def _found(self, satellite_id: str) -> None:
        if (timer := self._lost.pop(satellite_id, None)) is not None:
            timer.cancel()

    def _silent(self, satellite_id: str) -> None:
        self._found(satellite_id)
        self._instances.pop(satellite_id, None)

    def _ended(self, turn: Turn) -> None:
        if turn.record.satellite:
            self.calls.over(turn.record.turn, turn.record.outcome or "failed")

    def _called_again(self, satellite_id: str, stream: str) -> None:
        """The satellite missed what became of its call: tell it again, and never begin anew."""
        running, turn = self._lives.speaking.get(satellite_id), turn_of(stream)
        if self._contests.stands_by(stream):
            self.command(satellite_id, StopListening(stream=stream, reason="lost-arbitration"))
        elif running is not None and running.record.turn == turn:
            running.invitation.remind()
        elif outcome := self.calls.outcome(turn):
            cue: CueName | None = None if outcome == "answered" else "failed"
            self.command(satellite_id, ShowTurn(turn=turn, state=outcome, cue=cue))

    def _compete(self, caller: Caller, report: Report) -> None:
        """Let a call compete with what other satellites hear of it."""
        self._contests.enter(report, caller, alone=self._satellites.alone(report.satellite))

    def _new_turn(self, satellite: Satellite, wake: WakeHeard) -> Turn:
        turn = turn_of(wake.stream)
        record = self._lives.record(wake.cause, satellite.room, satellite.id, turn)
        record.trace["wake"] = {
            "phrase": wake.phrase,
            "score": round(wake.confidence, 4),
            "by": wake.engine,
            "level_dbfs": round(wake.level_dbfs, 1),
            "noise_dbfs": round(wake.noise_dbfs, 1),
        }
        return Turn(self._parts, record, (satellite,), new_id("play"))

    def _spawn(self, turn: Turn, story: Coroutine[None, None, None], satellite: Satellite) -> bool:
        if before := self._lives.speaking.get(satellite.id):
            before.cancel("superseded")
        if self._lives.begin(turn, story, satellite if satellite.speaks else None) is None:
            return False
        self._lives.speaking[satellite.id] = turn
        self._instances[satellite.id] = self._satellites.instance(satellite.id)
        return True

    # -- requests ---------------------------------------------------------------------------------

    async def say(self, request: AskSay) -> Answer:
        """Say something in a room, or in all; answers when it was played."""
        rooms = (request.room,) if request.room else ()
        return await self.announce(AskAnnounce(text=request.text, rooms=rooms))

    async def announce(self, request: AskAnnounce, voice: Voice = HOUSE) -> Answer:
        """Say something in some rooms at the same moment; answers when the last has heard it.

        Somebody's own voice is heard as long as the turn in which it was spoken runs.
        """
        way = plan(request, self._satellites.in_room(""), self._parts.rooms)
        for room in way.chime:
            self._parts.rooms.chime(room)
        if way.error or not way.satellites:
            told = ", ".join(f"{room}: {why}" for room, why in way.rooms.items())
            ok = bool(way.chime)
            error = "" if ok else way.error or f"nobody was told ({told})"
            return Answer(ok=ok, error=error, slots={"rooms": way.rooms})
        room = way.satellites[0].room if len({one.room for one in way.satellites}) == 1 else ""
        record = self._lives.record("request", room, "")
        turn = Turn(self._parts, record, way.satellites, new_id("play"))
        kind: PlaybackKind = "alarm" if request.priority == "urgent" else "announcement"
        spoken, to = self._lives.spoken(voice.turn), voice.answer
        said = Announcement(text=request.text, kind=kind, spoken=spoken, answer=to)
        listener = self._listener(room) if room and to is not None else None
        answer = await self._answered(turn, turn.announce(said), listener)
        rooms = {**way.rooms, **answer.slots.get("rooms", {})}
        return msgspec.structs.replace(answer, slots={"rooms": rooms})

    async def intent(self, request: AskIntent) -> Answer:
        """Do a sentence as if it had been said in that room."""
        speakers = list(self._satellites.in_room(request.room)) if request.speak else []
        if request.speak and not speakers:
            return Answer(ok=False, error=self._no_room(request.room))
        record = self._lives.record("request", request.room, "")
        turn = Turn(self._parts, record, speakers, new_id("play"))
        listener = self._listener(request.room) if request.speak else None
        return await self._answered(turn, turn.do(request.text), listener)

    async def ask(self, request: AskQuestion) -> Answer:
        """Ask something in a room and listen; answers with what was said."""
        listener = self._listener(request.room) if request.room else None
        if listener is None:
            return Answer(ok=False, error=self._no_room(request.room))
        question = as_question(request)
        try:
            self._parts.mind.grammar(question)
        except HubError as error:
            return Answer(ok=False, error=str(error))
        record = self._lives.record("request", request.room, "")
        turn = Turn(self._parts, record, (listener,), new_id("play"))
        done = self._lives.begin(turn, turn.ask(question), listener)
        if done is not None:
            await asyncio.wait((done,))
        if done is None or done.cancelled() or turn.record.outcome != "answered":
            return _answer(turn, begun=done is not None)
        return as_answer(done.result().answered, record.turn)

    async def _answered(
        self, turn: Turn, story: Coroutine[None, None, None], listener: Satellite | None = None
    ) -> Answer:
        """Return the answer as soon as the turn itself is over; a follow-up may go on."""
        done = self._lives.begin(turn, story, listener)
        if done is not None:
            await turn.over.wait()
        return _answer(turn, begun=done is not None)

    def _listener(self, room: str) -> Satellite | None:
        """Return the satellite of a room that can ask and listen."""
        return next((one for one in self._satellites.in_room(room) if one.speaks), None)

    def _no_room(self, room: str) -> str:
        rooms = sorted({one.room for one in self._satellites.in_room("")})
        where = f"no satellite in room {room!r}" if room else "no satellite is here"
        return f"{where}; there are satellites in: {', '.join(rooms) or 'no room'}"


def _answer(turn: Turn, *, begun: bool) -> Answer:
    if not begun:
        return Answer(ok=False, error=f"{TURNS_MAX} turns run already; ask again later")
    record = turn.record
    ok = record.outcome == "answered"
    return Answer(
        ok=ok,
        error="" if ok else f"{record.code}: {record.reply or record.trace.get('detail', '')}",
        turn=record.turn,
        intent=record.intent,
        slots=record.slots,
        reply=record.reply,
    )
