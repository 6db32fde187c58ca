"""What came of the spoken commands, one by one and all together. Pure."""

from collections.abc import Sequence
from statistics import median
from typing import Any, Literal

import msgspec

from antiphon_protocol.messages.event import TurnEnded, TurnOutcome


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be spoken in a room."""

    name: str
    """Names the reply's file: `<name>.reply.wav`."""
    room: str
    pcm: bytes
    """Wake phrase and command; signed 16-bit mono at 16 kHz."""
    file: str = ""
    """The WAV that it came from; empty: synthesized."""
    said: str = ""
    """What is said after the wake phrase; empty: not known."""
    intent: str = ""
    """What it means; empty: not known, any answer is right."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one command; the fields are the keys of `--json`."""

    file: str
    said: str
    room: str
    transcript: str
    intent: str
    slots: dict[str, Any]
    reply: str
    outcome: TurnOutcome
    code: str
    timings: dict[str, float]
    """Milliseconds per stage."""
    reply_wav: str
    """Where the reply was written; empty: nowhere."""
    right: bool
    """It was answered, and meant what was expected (where that is known)."""

    @property
    def answered(self) -> bool:
        """The person got an answer."""
        return self.outcome == "answered"

    def line(self) -> bytes:
        """Return it as one line of JSON."""
        return msgspec.json.encode(self)


Unheard = Literal["no-wake", "no-answer"]


def result_of(command: Command, ended: TurnEnded | Unheard, reply_wav: str = "") -> Result:
    """Return what came of a command.

    Args:
        command: What was spoken.
        ended: The turn's end; or `no-wake`: no turn began, `no-answer`: none ended in time.
        reply_wav: Where the reply was written.
    """
    if isinstance(ended, str):
        ended = TurnEnded(
            turn="none", room=command.room, satellite="", outcome="failed", code=ended
        )
    expected = command.intent in ("", ended.intent)
    return Result(
        file=command.file,
        said=command.said,
        room=command.room,
        transcript=ended.transcript,
        intent=ended.intent,
        slots=ended.slots,
        reply=ended.reply,
        outcome=ended.outcome,
        code=ended.code,
        timings=ended.timings,
        reply_wav=reply_wav,
        right=ended.outcome == "answered" and expected,
    )


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All commands together."""

    commands: int
    answered: int
    right: int
    medians_ms: dict[str, float]
    """Per stage, over the turns that had it; in the order of their first coming."""

    @property
    def all_answered(self) -> bool:
        """There were commands, and every one of them was answered."""
        return self.commands > 0 and self.answered == self.commands


def summarize(results: Sequence[Result]) -> Summary:
    """Return the counts and the medians over these results."""
    stages = dict.fromkeys(stage for one in results for stage in one.timings)
    return Summary(
        commands=len(results),
        answered=sum(one.answered for one in results),
        right=sum(one.right for one in results),
        medians_ms={
            stage: median(one.timings[stage] for one in results if stage in one.timings)
            for stage in stages
        },
    )
