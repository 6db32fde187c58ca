"""Hearing kept audio again with the engines of today, and saying what has changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from antiphon_ears.vad.port import VadEngine
from antiphon_engines.endpoint import Ending
from antiphon_engines.hearing import Event, Hearing
from antiphon_engines.nearness import UNKNOWN_DBFS
from antiphon_engines.stt.port import SttResult
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter
from antiphon_hub.turns.history import StoredTurn
from antiphon_protocol.messages.work import Endpointing, Transcribe
from antiphon_protocol.wav import read_wav
from antiphon_tools.transcribing import Transcriber

CONFIDENCE_STEP: Final = 0.05
"""A smaller difference is no change: engines round."""


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What one hearing of a turn came to."""

    text: str | None
    """None: what was said then was not kept."""
    confidence: float
    rejected: bool
    intent: str
    slots: dict[str, Any]
    ended_by: str
    """What told that the command had ended."""
    engine: str


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A turn then and now; the fields are the keys of `--json`."""

    turn: str
    room: str
    file: str
    then: Understood
    now: Understood
    changed: tuple[str, ...]
    """The fields that differ; the engine's name alone changes nothing."""
    engine_ms: float


class Replayer:
    """Hears and understands as the hub and its first worker would today."""

    def __init__(
        self,
        transcriber: Transcriber,
        interpreter: Interpreter,
        *,
        vad: VadEngine,
        endpointing: Callable[[str], Endpointing],
        engine: str,
    ) -> None:
        """`endpointing` gives a room's numbers, `engine` is the recogniser's name."""
        self._transcriber = transcriber
        self._interpreter = interpreter
        self._vad = vad
        self._endpointing = endpointing
        self._engine = engine

    def replay(self, turn: StoredTurn, file: Path) -> Replay:
        """Hear the kept audio of a turn, from where its command began to where it ends now.

        Raises:
            WavError: the file cannot be read.
            EngineError: the engine broke.
        """
        ear = Hearing(
            self._job(turn), open_stt=self._transcriber.open, vad=self._vad.open(), wake=None
        )
        try:
            ear.open()
            found = ear.feed(read_wav(file))
            result = self._finish(ear, found)
        finally:
            ear.close()
        now = self._understood(result, found, turn.room)
        then = understood_then(turn)
        return Replay(
            turn=turn.turn,
            room=turn.room,
            file=str(file),
            then=then,
            now=now,
            changed=changes(then, now),
            engine_ms=round(ear.engine_ms, 1),
        )

    def _job(self, turn: StoredTurn) -> Transcribe:
        wake, stream = turn.trace.get("wake", {}), (turn.trace.get("streams") or [{}])[-1]
        return Transcribe(
            job="replay",
            turn=turn.turn,
            satellite=turn.satellite,
            stream=str(stream.get("id", "kept")),
            language=self._transcriber.language,
            context=self._transcriber.context,
            begin=int(stream.get("begin", 0)),
            wake_end=int(stream.get("wake_end", 0)),
            wake_phrase=str(wake.get("phrase", "")),
            level_dbfs=float(wake.get("level_dbfs", UNKNOWN_DBFS)),
            endpointing=self._endpointing(turn.room),
        )

    def _finish(self, ear: Hearing, found: list[Event]) -> SttResult:
        if not ear.ended:
            found += ear.end()
        return ear.finish()

    def _understood(self, result: SttResult, found: list[Event], room: str) -> Understood:
        text = result.best.text if result.best and not result.rejected else ""
        meaning = self._interpreter.interpret(text, room=room)
        meant = meaning if isinstance(meaning, Interpretation) else None
        return Understood(
            text=text,
            confidence=round(result.best.confidence, 4) if result.best else 0.0,
            rejected=result.rejected,
            intent=meant.intent if meant else "",
            slots=meant.slots if meant else {},
            ended_by=next((one.why for one in found if isinstance(one, Ending)), ""),
            engine=result.engine or self._engine,
        )


def understood_then(turn: StoredTurn) -> Understood:
    """Return what the journal says of a turn."""
    trace = turn.trace
    nothing = trace.get("source") == "nothing" or bool(trace.get("rejected"))
    return Understood(
        text=turn.transcript if turn.transcript or nothing else None,
        confidence=float(trace.get("confidence", 0.0)),
        rejected=bool(trace.get("rejected")),
        intent=turn.intent,
        slots=turn.slots,
        ended_by=str(trace.get("ended_by", "")),
        engine=str(trace.get("engine", "")),
    )


def changes(then: Understood, now: Understood) -> tuple[str, ...]:
    """Return what is not as it was."""
    found = {
        "text": then.text is not None and then.text != now.text,
        "intent": then.intent != now.intent,
        # Words of one's own are in no slot of a record without text.
        "slots": then.text is not None and then.slots != now.slots,
        "confidence": abs(then.confidence - now.confidence) >= CONFIDENCE_STEP,
        "rejected": then.rejected is not now.rejected,
        "ended_by": then.ended_by != now.ended_by,
    }
    return tuple(name for name, differs in found.items() if differs)
