"""What a turn was: filled in as it goes, published and journaled at its end."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from antiphon_protocol.messages.event import TurnEnded, TurnOutcome

Stage = Literal[
    "woken",
    "speech-ended",
    "heard",
    "understood",
    "journaled",
    "done",
    "reply-began",
    "played",
    "ended",
]
"""The marks of a turn, in their usual order."""


class TurnRecord(msgspec.Struct, kw_only=True):
    """One turn's record. Marks are seconds on its clock."""

    turn: str
    room: str
    satellite: str
    cause: Literal["phrase", "button", "voice", "request"]
    clock: Callable[[], float]
    """Monotonic, finer than a millisecond (uvloop's own time is not), seconds."""
    started_us: int
    """Wall clock, microseconds since 1970."""
    outcome: TurnOutcome | None = None
    code: str = ""
    transcript: str = ""
    intent: str = ""
    slots: dict[str, Any] = msgspec.field(default_factory=dict)
    reply: str = ""
    marks: dict[str, float] = msgspec.field(default_factory=dict)
    engine_ms: dict[str, float] = msgspec.field(default_factory=dict)
    """Time that engines took while the person waited: `recognise`, `synthesize`."""
    endpoint_ms: float | None = None
    """From the last voiced sample to the decision that speech has ended; audio time."""
    trace: dict[str, Any] = msgspec.field(default_factory=dict)

    def mark(self, stage: Stage) -> None:
        """Note that a stage is reached; the first time counts."""
        self.marks.setdefault(stage, self.clock())

    def timings(self) -> dict[str, float]:
        """Return milliseconds per stage, those that were reached."""
        out: dict[str, float] = {}
        pairs = (
            ("listen", "woken", "speech-ended"),
            ("hear", "speech-ended", "heard"),
            ("understand", "heard", "understood"),
            ("journal", "understood", "journaled"),
            ("act", "journaled", "done"),
            ("voice", "done", "reply-began"),
            ("play", "reply-began", "played"),
            ("total", "woken", "ended"),
        )
        for name, begin, end in pairs:
            if begin in self.marks and end in self.marks:
                out[name] = _ms(self.marks[end] - self.marks[begin])
        if self.endpoint_ms is not None:
            out["endpoint"] = round(self.endpoint_ms, 2)
        out |= {f"{name}_engine": round(ms, 2) for name, ms in self.engine_ms.items()}
        if "speech-ended" in self.marks and "reply-began" in self.marks:
            out["answer"] = _ms(self.marks["reply-began"] - self.marks["speech-ended"])
            out["ours"] = round(out["answer"] - sum(self.engine_ms.values()), 2)
        return out

    def event(self) -> TurnEnded:
        """Return the fact that this turn has ended."""
        return TurnEnded(
            turn=self.turn,
            room=self.room,
            satellite=self.satellite,
            outcome=self.outcome or "failed",
            code=self.code,
            transcript=self.transcript,
            intent=self.intent,
            slots=self.slots,
            reply=self.reply,
            timings=self.timings(),
            trace=self.trace,
        )


def _ms(seconds: float) -> float:
    return round(1000.0 * seconds, 2)
