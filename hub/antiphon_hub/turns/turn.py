"""One turn: the story of a call, from the wake word to the answer."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Final, Protocol

import msgspec

from antiphon_hub.clock import now_us
from antiphon_hub.errors import StorageError
from antiphon_hub.nlu.questions import Answered, Question
from antiphon_hub.publisher import Publisher
from antiphon_hub.turns.announcing import Announcement
from antiphon_hub.turns.conversation import Asked, Conversation
from antiphon_hub.turns.dialogue import Dialogues
from antiphon_hub.turns.ending import CancelReason, TurnCancelledError, TurnFailedError
from antiphon_hub.turns.foresight import Foresight
from antiphon_hub.turns.hearing import UNKNOWN_DBFS, Call, Ear, Watcher
from antiphon_hub.turns.invitation import Invitation
from antiphon_hub.turns.journal import Journal
from antiphon_hub.turns.ports import Command, Mind, Rooms, Satellite
from antiphon_hub.turns.record import Spoken, TurnRecord
from antiphon_hub.turns.speaking import Mouth, Speech
from antiphon_hub.turns.verdict import Silence, Sure, Verdict, judge
from antiphon_protocol.messages.event import (
    CommandHeard,
    PartlyHeard,
    ReplyBegan,
    TurnOutcome,
)
from antiphon_protocol.messages.satellite import (
    PlaybackKind,
    ShownState,
    ShowTurn,
)
from antiphon_protocol.messages.work import WakeConfirmed

log = logging.getLogger(__name__)

TURN_LIMIT_S: Final = 240.0
"""The hard limit of a whole turn: the longest command and the longest reply, and some."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What every turn uses."""

    ear: Ear
    mouth: Mouth
    rooms: Rooms
    mind: Mind
    journal: Journal
    publisher: Publisher
    command: Command
    dialogues: Dialogues = msgspec.field(default_factory=Dialogues)
    """What the rooms talk about."""


class Watching(Protocol):
    """Who is told what a turn finds in its stream, and chooses it."""

    def woken(self, fact: WakeConfirmed) -> None:
        """The wake phrase is in it."""
        ...

    def stream_lost(self) -> bool:
        """No more audio comes; tells whether another satellite takes the call over."""
        ...


class Turn:
    """A turn. `run` ends in exactly one of answered, failed, cancelled, and has told the person."""

    def __init__(
        self,
        parts: Parts,
        record: TurnRecord,
        speakers: Sequence[Satellite],
        playback: str,
    ) -> None:
        self._parts = parts
        self.record = record
        self._speakers = speakers
        self._playback = playback
        self._started = False
        self._cancelled_for: CancelReason = "hub-stopped"
        self._task: asyncio.Task[None] | None = None
        self._unwanted = False
        self._watching: Watching | None = None
        self._chosen = asyncio.Event()
        self.invitation = Invitation(parts.mouth, parts.command, record, playback)
        self.over = asyncio.Event()
        """Set when it has ended, whatever follows."""
        self.called_dbfs = UNKNOWN_DBFS  # for those who listen to the answer
        dialogue = parts.dialogues.of(record.room)
        self._talk = Conversation(parts.mind, parts.journal, parts.publisher, dialogue, record)
        self._foresight = Foresight(lambda text: parts.mind.foresee(text, record.room))

    @property
    def asks(self) -> Asked | None:
        """What it has asked, or has heard no answer to but our own echo."""
        listens_on = self.record.outcome == "answered" or self.record.code == "echo"
        return self._talk.asks if listens_on else None

    @property
    def answered(self) -> Answered | None:
        """What it has heard to the question before."""
        return self._talk.answered

    # -- the story --------------------------------------------------------------------------------

    async def answer(self, call: Call, limit_s: float, watching: Watching | None = None) -> None:
        """Live through a spoken turn: hear, understand, do, say.

        With somebody who watches, it only hears until it is chosen.
        """
        self._watching = watching
        self.called_dbfs = call.level_dbfs
        await self._to_its_end(self._spoken(call, limit_s), call)

    async def do(self, text: str) -> None:
        """Live through a turn that came as text."""
        await self._to_its_end(self._written(text), None)

    async def announce(self, said: Announcement) -> None:
        """Live through a turn that only says something; the slots tell where it was heard."""
        await self._to_its_end(self._told(said), None)

    async def ask(self, question: Question) -> None:
        """Live through a turn that only asks something."""
        await self._to_its_end(self._asked(question), None)

    def cancel(self, reason: CancelReason) -> None:
        """Stop the turn, wherever it is."""
        self._cancelled_for = reason
        self._unwanted = True
        if self._task is not None:
            self._task.cancel()

    def choose(self, call: Call, limit_s: float) -> None:
        """Let this turn answer its call."""
        self.invitation.say(call, limit_s)
        if not self._started:
            self._start()
        self._chosen.set()

    def stream_lost(self) -> bool:
        """No more audio comes; tells whether another satellite takes the call over."""
        heard = "heard" in self.record.marks
        return not heard and self._watching is not None and self._watching.stream_lost()

    async def _spoken(self, call: Call, limit_s: float) -> None:
        if self._watching is None:
            self.choose(call, limit_s)
        verdict = await self._hear(call)
        if not isinstance(verdict, Silence):
            self._show("thinking")
        await self._say(await self._talk.reply_to(verdict))

    async def _written(self, text: str) -> None:
        self._start()
        self.record.transcript = text
        self.record.mark("heard")
        await self._say(await self._talk.reply_to_text(text))

    async def _asked(self, question: Question) -> None:
        self._start()
        await self._say(self._talk.ask(question))

    async def _told(self, said: Announcement) -> None:
        self._start()
        speech = self._speech(said.text, said.kind, said.spoken)
        record = self.record
        came = await self._parts.mouth.tell(speech, self._speakers, record)
        record.slots = {"rooms": came}
        if "played" not in came.values():
            where = ", ".join(f"{room}: {why}" for room, why in came.items())
            raise TurnFailedError("no-speaker", detail=where)
        if said.answer is not None:
            self._talk.ask(said.answer)
            self._talk.spoke(said.text)

    async def _hear(self, call: Call) -> Verdict:
        record = self.record
        watcher = Watcher(self._woken, self._partly_heard, lambda: None)
        with self._foresight:
            heard = await self._parts.ear.hear(call, record, watcher)
        await self._chosen.wait()
        record.transcript = heard.text
        verdict = judge(heard)
        if isinstance(verdict, Sure):
            record.transcript = verdict.text
            self._parts.publisher.publish(
                CommandHeard(
                    turn=record.turn,
                    room=record.room,
                    text=verdict.text,
                    confidence=verdict.confidence,
                    source=verdict.source,
                )
            )
        return verdict

    async def _say(self, reply: str) -> None:
        self.record.reply = reply
        if reply and self._speakers:
            await self._parts.mouth.say(self._speech(reply), self._speakers, self.record)
        self._talk.spoke(reply)

    def _speech(
        self, text: str, kind: PlaybackKind = "reply", spoken: Spoken | None = None
    ) -> Speech:
        record = self.record
        record.reply = text
        self._parts.publisher.publish(ReplyBegan(turn=record.turn, room=record.room, text=text))
        turn = record.turn
        return Speech(turn=turn, playback=self._playback, text=text, kind=kind, spoken=spoken)

    # -- how it ends ------------------------------------------------------------------------------

    async def _to_its_end(self, story: Coroutine[None, None, None], call: Call | None) -> None:
        self._task = asyncio.current_task()
        self.record.mark("woken")
        record = self.record
        try:
            async with asyncio.timeout(TURN_LIMIT_S):
                if self._unwanted and self._task is not None:
                    self._task.cancel()  # it was cancelled before its first step
                await story
            self._end("answered", "")
            self._show("answered")
        except TurnFailedError as failure:
            if failure.code == "no-audio" and self.stream_lost():
                self._cancelled("satellite-lost", call)
            else:
                await self._failed(failure)
        except TurnCancelledError as cancelled:
            self._cancelled(cancelled.reason, call)
        except asyncio.CancelledError:
            self._cancelled(self._cancelled_for, call)
        except TimeoutError:
            await self._failed(TurnFailedError("timeout"))
        except StorageError as error:
            await self._failed(TurnFailedError("storage", detail=str(error)))
        except Exception as error:  # a skill's mistake must end its own turn only
            log.exception("turn %s failed", record.turn)
            await self._failed(TurnFailedError("skill-failed", detail=repr(error)))
        finally:
            if record.outcome is None:
                self._cancelled(self._cancelled_for, call)
            self._parts.mouth.forget(self._playback)
            self._parts.rooms.unattend(record.room, record.turn)
            await self._note_end()

    async def _failed(self, failure: TurnFailedError) -> None:
        record = self.record
        if record.cause == "phrase" and not self._started:
            self._start()  # nobody else will tell the person
        record.trace["detail"] = failure.detail
        log.warning("turn %s in %s failed: %s", record.turn, record.room, failure.code)
        said = False
        if failure.say and self._speakers:
            try:
                await self._say(failure.say)
                said = True
            except TurnFailedError as second:
                record.trace["detail"] += f"; {second}"
        elif failure.say:
            record.reply = failure.say
        self._end("failed", failure.code)
        self._show("failed", None if said else failure)

    def _cancelled(self, reason: CancelReason, call: Call | None) -> None:
        self._end("cancelled", reason)
        if call is not None:
            self.invitation.withdraw(call, reason)
        if reason != "lost-arbitration":
            self._show("cancelled")

    def _end(self, outcome: TurnOutcome, code: str) -> None:
        self.record.outcome = outcome
        self.record.code = code
        self.record.mark("ended")

    async def _note_end(self) -> None:
        if not self._started:
            return  # a voice that did not say the wake phrase is nobody's turn
        try:
            await self._parts.journal.ended(self.record, now_us())
        except StorageError as error:
            log.error("turn %s: %s", self.record.turn, error)  # noqa: TRY400 - the message says it all
        self._parts.publisher.publish(self.record.event())

    # -- telling ----------------------------------------------------------------------------------

    def _start(self) -> None:
        self._started = True
        record = self.record
        if record.satellite:
            self._parts.rooms.attend(record.room, record.turn)
        self._parts.publisher.publish(record.started())

    def _woken(self, fact: WakeConfirmed) -> None:
        found = {"phrase": fact.phrase, "score": round(fact.score, 4), "by": fact.engine}
        self.record.trace.setdefault("wake", {}).update(found)
        if self._watching is not None:
            self._watching.woken(fact)

    def _partly_heard(self, text: str) -> None:
        self._foresight.partly(text)
        if self._started:  # else it may yet lose the call to another satellite
            heard = PartlyHeard(turn=self.record.turn, room=self.record.room, text=text)
            self._parts.publisher.publish(heard)

    def _show(self, state: ShownState, failure: TurnFailedError | None = None) -> None:
        if not self.record.satellite:
            return
        cue = None if failure is None else failure.cue
        show = ShowTurn(turn=self.record.turn, state=state, cue=cue)
        self._parts.command(self.record.satellite, show)
