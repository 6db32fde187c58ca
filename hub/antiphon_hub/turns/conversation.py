"""One turn's part in the talk of its room: from what was heard to what is said."""

from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon_hub.nlu.meaning import Interpretation
from antiphon_hub.nlu.questions import AGAIN, Answered, Question
from antiphon_hub.publisher import Publisher
from antiphon_hub.turns.dialogue import Deed, Dialogue
from antiphon_hub.turns.ending import TurnCancelledError, TurnFailedError
from antiphon_hub.turns.journal import Journal
from antiphon_hub.turns.ports import Mind
from antiphon_hub.turns.record import TurnRecord
from antiphon_hub.turns.verdict import Silence, Sure, Unclear, Unsure, Verdict
from antiphon_protocol.messages.event import Understood
from antiphon_protocol.messages.work import LoadContext

NOT_CAUGHT: Final = "Sorry, I didn't catch that."
NOTHING_DONE: Final = "Sorry, I don't know what to change."
NOTHING_SAID: Final = "I haven't said anything."
OKAY: Final = "Okay."
MESSAGE: Final = "Message"
"""Stands for the words of a message that nobody could write down."""

REPEAT: Final = "AntiphonRepeat"
CORRECTION: Final = "AntiphonCorrect"
HARMLESS: Final = frozenset({"HassNevermind", "AntiphonStop", REPEAT})
"""What is done on a guess: asking back would take longer than doing it."""


class Asked(msgspec.Struct, frozen=True):
    """A question, and how to hear its answers."""

    question: Question
    grammar: LoadContext | None
    """None: any words may come."""


class Conversation:
    """What one turn makes of what it heard, in the light of what was said before."""

    def __init__(
        self,
        mind: Mind,
        journal: Journal,
        publisher: Publisher,
        dialogue: Dialogue,
        record: TurnRecord,
    ) -> None:
        self._mind = mind
        self._journal = journal
        self._publisher = publisher
        self._dialogue = dialogue
        self._record = record
        self._acts = 0
        self.asks: Asked | None = None
        """What the reply asks."""
        self.answered: Answered | None = None
        """What was answered to the question before."""

    @property
    def _follows(self) -> bool:
        """Nobody called: the house has opened the microphone, right behind its own voice."""
        return self._record.cause == "follow-up"

    async def reply_to(self, verdict: Verdict) -> str:
        """Return what to say to what was heard; whatever it asks for is done.

        Raises:
            TurnFailedError: it was not understood, or could not be done.
            TurnCancelledError: nobody wants an answer.
        """
        if (message := self._message_in(verdict)) is not None:
            return await self._reply(message)
        match verdict:
            case Silence():
                raise TurnCancelledError("nothing-said")
            case Sure(text=text, second=second):
                return await self._reply_to_either(text, second)
            case Unsure(text=text):
                return await self._reply_to_guess(text)
            case Unclear(speech=speech):
                return self._unclear(speech=speech)

    async def reply_to_text(self, text: str) -> str:
        """Return what to say to a sentence that came as text; raises as `reply_to`."""
        return await self._reply(text)

    def spoke(self, text: str) -> None:
        """The reply has been said, to its last sample: from here on its question is open."""
        now_s = self._record.clock()
        if text:
            self._dialogue.spoke(text, now_s)
        if self.asks is not None:
            self._dialogue.asks(self.asks.question, now_s)

    def ask(self, question: Question) -> str:
        """Let the reply ask this; return its words."""
        self._listen_for(question)
        self._record.trace["asks"] = question.kind
        return question.text

    def _listen_for(self, question: Question) -> None:
        self.asks = Asked(question, self._mind.grammar(question))

    def _message_in(self, verdict: Verdict) -> str | None:
        """Return the words of a message that was waited for: it is spoken, not understood."""
        question = self._dialogue.question(self._record.clock())
        if question is None or question.kind != "message" or not self._follows:
            return None
        match verdict:
            case Sure(text=text) | Unsure(text=text):
                return text
            case Unclear(speech=True) if self._record.spoken is not None:
                return MESSAGE
            case _:
                return None

    # -- what it is -------------------------------------------------------------------------------

    def _unclear(self, *, speech: bool) -> str:
        question = self._dialogue.take_question(self._record.clock()) if self._follows else None
        if not speech and self._follows:
            raise TurnCancelledError("nothing-said")
        if question is not None:
            return question.otherwise
        say = NOT_CAUGHT if speech else ""
        raise TurnFailedError("not-understood", say, detail="rejected by the recogniser")

    async def _reply_to_either(self, text: str, second: str) -> str:
        try:
            return await self._reply(text)
        except TurnFailedError as failure:
            if failure.code != "not-understood" or not second:
                raise
            return await self._reply(second, unsure=True)

    async def _reply_to_guess(self, text: str) -> str:
        if self._follows:
            return self._unclear(speech=True)
        try:
            return await self._reply(text, unsure=True)
        except TurnFailedError as failure:
            if failure.code != "not-understood":
                raise
            return self._unclear(speech=True)

    async def _reply(self, text: str, *, unsure: bool = False) -> str:
        now_s = self._record.clock()
        question = self._dialogue.question(now_s)
        answered = None if question is None or unsure else self._mind.answer(question, text)
        expected = answered is not None and bool(answered.id)
        if self._follows and not expected and self._dialogue.is_echo(text, now_s):
            if question is not None:
                self._listen_for(question)
            raise TurnCancelledError("echo")
        self._dialogue.take_question(now_s)
        if question is not None and question.kind == "request" and self._follows:
            answered = answered or Answered("", text)
        if question is not None and answered is not None:
            return await self._reply_to_answer(question, answered)
        return await self._reply_to_command(text, question, unsure=unsure)

    async def _reply_to_answer(self, question: Question, answered: Answered) -> str:
        self.answered = answered
        self._record.trace["answer"] = answered.id
        if answered.id == AGAIN:
            return self.ask(question)
        expected = next((one for one in question.answers if one.id == answered.id), None)
        if question.kind == "request":
            return ""  # whoever asked knows what to say now
        if question.kind == "message" and question.then is not None and not answered.id:
            slots = {**question.then.slots, "message": answered.sentence}
            then = msgspec.structs.replace(question.then, slots=slots)
            return await self._carry_out([then], confirmed=True)
        self._record.spoken = None  # a yes is nothing that others would want to hear
        if expected is None:
            return OKAY
        commands = [_with(meaning, answered) for meaning in expected.then]
        if not commands:
            return expected.say
        return await self._carry_out(commands, confirmed=question.kind == "confirm")

    async def _reply_to_command(self, text: str, question: Question | None, *, unsure: bool) -> str:
        try:
            plan = self._mind.understand(text, self._record.room)
        except TurnFailedError:
            if question is None or not self._follows:
                raise
            return question.otherwise
        if isinstance(plan, Question):
            return self.ask(plan)
        if question is not None and plan[0].intent == REPEAT:
            return self.ask(question)
        if unsure and plan[0].intent not in HARMLESS:
            return self.ask(self._mind.unsure(text, plan))
        return await self._carry_out(plan, confirmed=False)

    # -- doing it ---------------------------------------------------------------------------------

    async def _carry_out(self, commands: Sequence[Interpretation], *, confirmed: bool) -> str:
        first = commands[0]
        if first.intent == REPEAT:
            self._understood(first)
            return self._dialogue.said(self._record.clock()) or NOTHING_SAID
        if first.intent == CORRECTION:
            commands = [await self._corrected(first)]
            self._record.spoken = None
        risk = None if confirmed else self._mind.risk(commands, self._record.room)
        return self.ask(risk) if risk is not None else await self._act(commands)

    async def _corrected(self, correction: Interpretation) -> Interpretation:
        """Undo the last command, and return what was meant instead."""
        deed = self._dialogue.take_deed(self._record.clock())
        if deed is None:
            raise TurnFailedError("not-understood", NOTHING_DONE, detail="nothing to correct")
        meant = self._mind.correct(deed.meaning, correction)
        if deed.before and set(meant.devices) != set(deed.meaning.devices):
            await self._once()
            await self._mind.undo(deed.before)
        return meant

    async def _act(self, commands: Sequence[Interpretation]) -> str:
        replies: list[str] = []
        failures: list[str] = []
        if len(commands) > 1:
            self._record.spoken = None  # who is told the one need not hear the other
        for meaning in commands:
            self._understood(meaning)
            key = await self._once()
            before = self._mind.before(meaning)
            outcome = await self._mind.do(key, meaning, self._record.room)
            replies.append(outcome.text)
            if not outcome.ok:
                failures.append(outcome.code)
            elif meaning.devices:
                self._dialogue.did(Deed(meaning, before), self._record.clock())
            if outcome.question is not None:
                replies.append(self.ask(outcome.question))
        self._record.mark("done")
        reply = self._record.reply = " ".join(filter(None, replies))
        if failures:
            self.asks = None
            raise TurnFailedError("skill-failed", reply, detail=", ".join(failures))
        return reply

    def _understood(self, meaning: Interpretation) -> None:
        record = self._record
        if not record.intent:
            record.intent, record.slots = meaning.intent, dict(meaning.slots)
        else:
            record.trace.setdefault("then", []).append(meaning.intent)
        record.mark("understood")
        self._publisher.publish(
            Understood(
                turn=record.turn, room=record.room, intent=meaning.intent, slots=meaning.slots
            )
        )

    async def _once(self) -> str:
        """Write down that this is about to be done; return the key under which it is."""
        record, number = self._record, self._acts
        self._acts += 1
        if not await self._journal.act_once(record, number):
            raise TurnFailedError("storage", detail="the journal has this turn already")
        record.mark("journaled")
        return record.turn if number == 0 else f"{record.turn}-{number + 1}"


def _with(meaning: Interpretation, answered: Answered) -> Interpretation:
    slots = {**meaning.slots, **answered.slots}
    return msgspec.structs.replace(meaning, slots=slots)
