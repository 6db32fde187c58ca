"""What the talk in a room is about: what was said and done last, what is expected now, until when.

Pure: time comes as an argument, seconds on any steady clock. Everything that is remembered has a
lease; what has run out is as if it had never been.
"""

import re
from collections import OrderedDict
from difflib import SequenceMatcher
from typing import Final, Generic, TypeVar

import msgspec

from antiphon_hub.nlu.meaning import Interpretation
from antiphon_hub.nlu.questions import Question
from antiphon_protocol.messages.event import DeviceState

QUESTION_S: Final = 20.0
"""A question waits so long for its answer, from its last sample on; then it was never asked."""
CORRECTION_S: Final = 60.0
"""`No, the bedroom` speaks of a command that is not older."""
REPEAT_S: Final = 300.0
"""`Say that again` does not bring back yesterday's news."""
ECHO_S: Final = 12.0
"""What was said is taken for our own voice when it is heard so soon after."""
ECHO_LIKENESS: Final = 0.8
"""Share of letters that a recogniser gets right of our own voice, across the room."""
ECHO_WORDS_MIN: Final = 3
"""Fewer words are an answer rather than the end of an echo."""
ROOMS_MAX: Final = 256
"""Rooms with a talk of their own; the one that was silent for longest goes."""

T = TypeVar("T")


class Before(msgspec.Struct, frozen=True):
    """How a device was before a command."""

    device: str
    state: DeviceState


class Deed(msgspec.Struct, frozen=True):
    """The last command that was done, and what undoes it."""

    meaning: Interpretation
    before: tuple[Before, ...] = ()
    """Of the devices whose state was known."""


class _Lease(msgspec.Struct, Generic[T]):
    value: T
    until_s: float


class Dialogue:
    """The talk in one room."""

    def __init__(self) -> None:
        self._question: _Lease[Question] | None = None
        self._deed: _Lease[Deed] | None = None
        self._said: _Lease[str] | None = None
        self._echo_until_s = 0.0

    def spoke(self, text: str, now_s: float) -> None:
        """The house has just said this, to its last sample."""
        self._said = _Lease(text, now_s + REPEAT_S)
        self._echo_until_s = now_s + ECHO_S

    def asks(self, question: Question, now_s: float) -> None:
        """The house asks; a question that was open before is not any more."""
        self._question = _Lease(question, now_s + QUESTION_S)

    def did(self, deed: Deed, now_s: float) -> None:
        """The house has done something on a command."""
        self._deed = _Lease(deed, now_s + CORRECTION_S)

    def take_question(self, now_s: float) -> Question | None:
        """Return the open question, which is then not open any more: it is answered but once."""
        question, self._question = _held(self._question, now_s), None
        return question

    def question(self, now_s: float) -> Question | None:
        """Return the open question."""
        return _held(self._question, now_s)

    def take_deed(self, now_s: float) -> Deed | None:
        """Return what a correction speaks of; it is corrected but once."""
        deed, self._deed = _held(self._deed, now_s), None
        return deed

    def said(self, now_s: float) -> str:
        """Return what the house said last; empty when that is too long ago."""
        return _held(self._said, now_s) or ""

    def is_echo(self, text: str, now_s: float) -> bool:
        """Tell whether a text is what the house itself has just said, or the end of it.

        One or two words are an answer rather than an echo, unless they are all that was said.
        """
        ours, heard = _words(self.said(now_s)), _words(text)
        if now_s >= self._echo_until_s or not ours or not heard:
            return False
        tail = ours[-len(heard) :] if len(heard) >= ECHO_WORDS_MIN else ours
        return _likeness(tail, heard) >= ECHO_LIKENESS


class Dialogues:
    """The talks of all rooms; policy when there are too many: drop the oldest."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, Dialogue] = OrderedDict()

    def of(self, room: str) -> Dialogue:
        """Return the talk in a room, by the room's name in any case."""
        key = room.strip().lower()
        dialogue = self._rooms.pop(key, None) or Dialogue()
        self._rooms[key] = dialogue
        while len(self._rooms) > ROOMS_MAX:
            self._rooms.popitem(last=False)
        return dialogue


def _held(lease: _Lease[T] | None, now_s: float) -> T | None:
    return lease.value if lease is not None and now_s < lease.until_s else None


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower())


def _likeness(one: list[str], other: list[str]) -> float:
    return SequenceMatcher(None, " ".join(one), " ".join(other), autojunk=False).ratio()
