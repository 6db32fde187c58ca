"""What a turn was: filled in as it goes, published and journaled at its end."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from antiphon_protocol.messages.event import TurnEnded, TurnOutcome, TurnStarted

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

STAGES: Final = (
    ("listen", "woken", "speech-ended"),
    ("hear", "speech-ended", "heard"),
    ("understand", "heard", "understood"),
    ("journal", "understood", "journaled"),
    ("act", "journaled", "done"),
    ("voice", "done", "reply-began"),
    ("play", "reply-began", "played"),
)
"""A turn's stages in their order: name, the mark where it begins, the mark where it ends."""
SPEECH_KEYS: Final = frozenset({"alternatives", "text", "texts", "transcript", "reply", "said"})
"""Keys of a trace, at any depth, under which words that somebody spoke may stand."""

CLOSED_SLOTS: Final = frozenset({"area", "floor", "domain", "state", "rooms"})
"""Slots that hold one of few words of the house's; any other text may be what somebody said."""


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody's own voice is: a part of a satellite's stream, positions in samples."""

    satellite: str
    stream: str
    begin: int
    end: int


class TurnRecord(msgspec.Struct, kw_only=True):
    """One turn's record. Marks are seconds on its clock."""

    turn: str
    room: str
    satellite: str
    cause: Literal["phrase", "button", "voice", "follow-up", "request"]
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
    spoken: Spoken | None = None
    """What was said to this turn, to let others hear it; None: nothing, or nothing for others."""
    trace: dict[str, Any] = msgspec.field(default_factory=dict)

    def mark(self, stage: Stage) -> None:
        """Note that a stage is reached; the first time counts."""
        self.marks.setdefault(stage, self.clock())

    def timings(self) -> dict[str, float]:
        """Return milliseconds per stage, those that were reached."""
        out: dict[str, float] = {}
        for name, begin, end in (*STAGES, ("total", "woken", "ended")):
            if begin in self.marks and end in self.marks:
                out[name] = _ms(self.marks[end] - self.marks[begin])
        if self.endpoint_ms is not None:
            out["endpoint"] = round(self.endpoint_ms, 2)
        out |= {f"{name}_engine": round(ms, 2) for name, ms in self.engine_ms.items()}
        if "speech-ended" in self.marks and "reply-began" in self.marks:
            out["answer"] = _ms(self.marks["reply-began"] - self.marks["speech-ended"])
            out["ours"] = round(out["answer"] - sum(self.engine_ms.values()), 2)
        return out

    def offsets(self) -> dict[str, float]:
        """Return milliseconds from the turn's begin to each mark."""
        begin = self.marks.get("woken")
        if begin is None:
            return {}
        return {stage: _ms(at - begin) for stage, at in self.marks.items()}

    def note_stream(self, stream: str, begin: int, wake_end: int) -> None:
        """Note which stream was heard, and from which sample on; one heard again counts once."""
        streams = self.trace.setdefault("streams", [])
        if all(one["id"] != stream for one in streams):
            streams.append({"id": stream, "begin": begin, "wake_end": wake_end})

    def streams(self) -> tuple[str, ...]:
        """Return the ids of the streams that were heard, in order."""
        return tuple(one["id"] for one in self.trace.get("streams", ()))

    def started(self) -> TurnStarted:
        """Return the fact that this turn has begun."""
        wake = self.trace.get("wake", {})
        return TurnStarted(
            turn=self.turn,
            room=self.room,
            satellite=self.satellite,
            cause=self.cause,
            phrase=wake.get("phrase", ""),
            confidence=wake.get("score", 1.0),
        )

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


def without_speech(value: Any) -> Any:
    """Return a trace without what was spoken."""
    if isinstance(value, Mapping):
        return {key: without_speech(one) for key, one in value.items() if key not in SPEECH_KEYS}
    if isinstance(value, list | tuple):
        return [without_speech(one) for one in value]
    return value


def without_words(slots: Mapping[str, Any]) -> dict[str, Any]:
    """Return slots without those that may hold somebody's own words."""
    return {
        name: value
        for name, value in slots.items()
        if name in CLOSED_SLOTS or isinstance(value, bool | int | float)
    }


def _ms(seconds: float) -> float:
    return round(1000.0 * seconds, 2)
