"""One turn: the story of a call, from the wake word to the answer."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Final

import msgspec

from antiphon_hub.clock import now_us
from antiphon_hub.errors import StorageError
from antiphon_hub.nlu.questions import Answered, Question
from antiphon_hub.publisher import Publisher
from antiphon_hub.turns.conversation import Conversation
from antiphon_hub.turns.dialogue import Dialogues
from antiphon_hub.turns.ending import CancelReason, TurnCancelledError, TurnFailedError
from antiphon_hub.turns.hearing import Call, Ear, Watcher
from antiphon_hub.turns.journal import Journal
from antiphon_hub.turns.ports import Command, Mind, Rooms, Satellite
from antiphon_hub.turns.record import TurnRecord
from antiphon_hub.turns.speaking import Mouth, Speech
from antiphon_hub.turns.verdict import Silence, Sure, Verdict, judge
from antiphon_protocol.messages.event import (
    CommandHeard,
    PartlyHeard,
    ReplyBegan,
    TurnOutcome,
    TurnStarted,
)
from antiphon_protocol.messages.satellite import (
    Listen,
    PlaybackKind,
    ShownState,
    ShowTurn,
    StopListening,
    StopPlaying,
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
        self._listen: Listen | None = None
        self.over = asyncio.Event()
        """Set when it has ended, whatever follows."""
        dialogue = parts.dialogues.of(record.room)
        self._talk = Conversation(parts.mind, parts.journal, parts.publisher, dialogue, record)

    @property
    def question(self) -> Question | None:
        """What it has asked, or has heard no answer to but our own echo."""
        if self.record.code == "echo":
            return self._talk.open_question
        return self._talk.question if self.record.outcome == "answered" else None

    @property
    def answered(self) -> Answered | None:
        """What it has heard to the question before."""
        return self._talk.answered

    # -- the story --------------------------------------------------------------------------------

    async def answer(self, call: Call, limit_s: float) -> None:
        """Live through a spoken turn: hear, understand, do, say."""
        await self._to_its_end(self._spoken(call, limit_s), call)

    async def do(self, text: str, *, speak: bool) -> None:
        """Live through a turn that came as text."""
        await self._to_its_end(self._written(text, speak=speak), None)

    async def announce(self, text: str, kind: PlaybackKind) -> None:
        """Live through a turn that only says something; the slots tell where it was heard."""
        await self._to_its_end(self._told(text, kind), None)

    async def ask(self, question: Question) -> None:
        """Live through a turn that only asks something."""
        await self._to_its_end(self._asked(question), None)

    def cancel(self, reason: CancelReason) -> None:
        """Stop the turn, wherever it is."""
        self._cancelled_for = reason
        self._unwanted = True
        if self._task is not None:
            self._task.cancel()

    def remind(self) -> None:
        """Tell the satellite again where the turn is: it was away, and missed what was said."""
        if self._listen is None or self.record.outcome is not None:
            return
        self._parts.command(self.record.satellite, self._listen)
        if "speech-ended" in self.record.marks:
            stop = StopListening(stream=self._listen.stream, reason="speech-ended")
            self._parts.command(self.record.satellite, stop)

    async def _spoken(self, call: Call, limit_s: float) -> None:
        if call.wake is None:
            self._start(call.wake_phrase, 1.0)
        self._parts.mouth.announce(self._playback)
        self._listen = Listen(
            turn=call.turn, stream=call.stream, playback=self._playback, limit_s=limit_s
        )
        self._parts.command(call.satellite, self._listen)
        verdict = await self._hear(call)
        if not isinstance(verdict, Silence):
            self._show("thinking")
        await self._say(await self._talk.reply_to(verdict))

    async def _written(self, text: str, *, speak: bool) -> None:
        self._start("", 1.0)
        self.record.transcript = text
        self.record.mark("heard")
        reply = await self._talk.reply_to_text(text)
        if speak:
            await self._say(reply)
        else:
            self.record.reply = reply
            self._talk.spoke(reply)

    async def _asked(self, question: Question) -> None:
        self._start("", 1.0)
        await self._say(self._talk.ask(question))

    async def _told(self, text: str, kind: PlaybackKind) -> None:
        self._start("", 1.0)
        record = self.record
        record.reply = text
        self._parts.publisher.publish(ReplyBegan(turn=record.turn, room=record.room, text=text))
        speech = Speech(turn=record.turn, playback=self._playback, text=text, kind=kind)
        came = await self._parts.mouth.tell(speech, self._speakers, record)
        record.slots = {"rooms": came}
        if "played" not in came.values():
            where = ", ".join(f"{room}: {why}" for room, why in came.items())
            raise TurnFailedError("no-speaker", detail=where)

    async def _hear(self, call: Call) -> Verdict:
        record = self.record
        heard = await self._parts.ear.hear(
            call, record, Watcher(self._woken, self._partly_heard, lambda: None)
        )
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
        record = self.record
        record.reply = reply
        if not reply or not self._speakers:
            self._talk.spoke(reply)
            return
        self._parts.publisher.publish(ReplyBegan(turn=record.turn, room=record.room, text=reply))
        speech = Speech(turn=record.turn, playback=self._playback, text=reply)
        await self._parts.mouth.say(speech, self._speakers, record)
        self._talk.spoke(reply)

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
            stop = StopListening(
                stream=call.stream, reason="no-wake" if reason == "no-wake" else "cancelled"
            )
            self._parts.command(call.satellite, stop)
            self._parts.command(call.satellite, StopPlaying(playback=self._playback))
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

    def _start(self, phrase: str, confidence: float) -> None:
        self._started = True
        record = self.record
        if record.satellite:
            self._parts.rooms.attend(record.room, record.turn)
        self._parts.publisher.publish(
            TurnStarted(
                turn=record.turn,
                room=record.room,
                satellite=record.satellite,
                cause=record.cause,
                phrase=phrase,
                confidence=confidence,
            )
        )

    def _woken(self, fact: WakeConfirmed) -> None:
        self.record.trace["wake"] = {"phrase": fact.phrase, "score": fact.score, "by": fact.engine}
        self._start(fact.phrase, fact.score)

    def _partly_heard(self, text: str) -> None:
        record = self.record
        self._parts.publisher.publish(PartlyHeard(turn=record.turn, room=record.room, text=text))

    def _show(self, state: ShownState, failure: TurnFailedError | None = None) -> None:
        if not self.record.satellite:
            return
        cue = None if failure is None else failure.cue
        show = ShowTurn(turn=self.record.turn, state=state, cue=cue)
        self._parts.command(self.record.satellite, show)
