"""Hearing kept audio again with the engines of today, and saying what has changed."""

from pathlib import Path
from typing import Any, Final

import msgspec

from antiphon_hub.nlu.interpreter import Interpretation, Interpreter
from antiphon_hub.turns.history import StoredTurn
from antiphon_protocol.audio import SAMPLE_BYTES
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
    engine: str


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A turn then and now; the fields are the keys of `--json`."""

    turn: str
    room: str
    file: str
    then: Understood
    now: Understood
    changed: tuple[str, ...]
    """Of text, intent, slots, confidence, rejected; the engine's name alone changes nothing."""
    engine_ms: float


class Replayer:
    """Hears and understands as the hub's first worker would today."""

    def __init__(self, transcriber: Transcriber, interpreter: Interpreter, engine: str) -> None:
        self._transcriber = transcriber
        self._interpreter = interpreter
        self._engine = engine

    def replay(self, turn: StoredTurn, file: Path) -> Replay:
        """Hear the kept audio of a turn, from where its command began.

        Raises:
            WavError: the file cannot be read.
            EngineError: the engine broke.
        """
        pcm = read_wav(file)[_begin(turn) * SAMPLE_BYTES :]
        phrase = str(turn.trace.get("wake", {}).get("phrase", ""))
        result, engine_ms = self._transcriber.transcribe(pcm, wake_phrase=phrase)
        text = result.best.text if result.best and not result.rejected else ""
        intent, slots = self._meaning(text, turn.room)
        now = Understood(
            text=text,
            confidence=round(result.best.confidence, 4) if result.best else 0.0,
            rejected=result.rejected,
            intent=intent,
            slots=slots,
            engine=result.engine or self._engine,
        )
        then = understood_then(turn)
        return Replay(
            turn=turn.turn,
            room=turn.room,
            file=str(file),
            then=then,
            now=now,
            changed=changes(then, now),
            engine_ms=round(engine_ms, 1),
        )

    def _meaning(self, text: str, room: str) -> tuple[str, dict[str, Any]]:
        found = self._interpreter.interpret(text, room=room)
        return (found.intent, found.slots) if isinstance(found, Interpretation) else ("", {})


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
        engine=str(trace.get("engine", "")),
    )


def changes(then: Understood, now: Understood) -> tuple[str, ...]:
    """Return what is not as it was."""
    found = {
        "text": then.text is not None and then.text != now.text,
        "intent": then.intent != now.intent,
        "slots": then.slots != now.slots,
        "confidence": abs(then.confidence - now.confidence) >= CONFIDENCE_STEP,
        "rejected": then.rejected is not now.rejected,
    }
    return tuple(name for name, differs in found.items() if differs)


def _begin(turn: StoredTurn) -> int:
    streams = turn.trace.get("streams") or [{}]
    return int(streams[-1].get("begin", 0))
