"""Transcribing whole recordings with one engine and, if wanted, a closed grammar."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from antiphon_engines.registry import load_stt
from antiphon_engines.stt.port import SttContext, SttEngine, SttResult, SttStream
from antiphon_hub.home.model import load_home
from antiphon_hub.nlu.grammar import RecognitionContext, grammar_from_templates, recognition_context
from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_protocol.audio import FRAME_BYTES, SAMPLE_BYTES, SAMPLE_RATE_HZ

ALTERNATIVES_SHOWN: Final = 5


class Transcriber:
    """An engine and the grammar that it hears against; `transcribe` takes recordings in turn."""

    def __init__(self, engine: SttEngine, context: RecognitionContext | None) -> None:
        """Load the grammar into the engine.

        Raises:
            ContextError: the engine cannot compile the grammar.
        """
        self._engine = engine
        self._context = context
        if context is not None:
            engine.load_context(
                SttContext(
                    id=context.id,
                    language=context.language,
                    grammar=context.grammar,
                    pronunciations=context.pronunciations,
                )
            )

    @property
    def context(self) -> str | None:
        """Id of the grammar; None for open dictation."""
        return self._context.id if self._context else None

    @property
    def language(self) -> str:
        """The language that is heard."""
        return self._context.language if self._context else self._engine.languages[0]

    def open(self, wake_phrase: str = "") -> SttStream:
        """Begin an utterance, before which that phrase may stand.

        Raises:
            EngineFailedError: the engine cannot start.
        """
        return self._engine.open(
            language=self.language, context=self.context, wake_phrase=wake_phrase
        )

    def transcribe(self, pcm: bytes) -> tuple[SttResult, float]:
        """Hear signed 16-bit mono 16 kHz samples, frame by frame as from a satellite.

        Returns:
            What was understood, and the milliseconds that the engine took.

        Raises:
            EngineFailedError: the engine broke, or cannot do what is asked.
        """
        began_s = time.perf_counter()
        stream = self.open()
        try:
            for at in range(0, len(pcm), FRAME_BYTES):
                stream.feed(pcm[at : at + FRAME_BYTES])
            result = stream.finish()
        finally:
            stream.close()
        return result, 1e3 * (time.perf_counter() - began_s)


def transcriber(
    engine: str, grammar: str, home: Path | None, options: Mapping[str, Any] | None = None
) -> Transcriber:
    """Return a transcriber.

    Args:
        engine: Name of an installed speech-to-text engine.
        grammar: `auto` for what can be said in the home, `none` for open dictation, or a file of
            sentence templates.
        home: The home's description; None for the example home.
        options: The engine's settings, as in a worker's `[options.ENGINE]`.

    Raises:
        EngineError: the engine is missing or cannot use the grammar.
        HubError: the home or the templates have mistakes.
    """
    context = None
    if grammar == "auto":
        context = recognition_context(Interpreter(load_home(home)))
    elif grammar != "none":
        context = grammar_from_templates(Path(grammar), load_home(home))
    return Transcriber(load_stt(engine, options or {}), context)


def row(file: Path, pcm: bytes, result: SttResult, engine_ms: float) -> dict[str, Any]:
    """Return what came of one recording, as plain values."""
    best = result.best
    return {
        "file": str(file),
        "transcript": best.text if best else "",
        "source": best.source if best else "nothing",
        "confidence": round(best.confidence, 4) if best else 0.0,
        "rejected": result.rejected,
        "alternatives": msgspec.to_builtins(result.alternatives[:ALTERNATIVES_SHOWN]),
        "audio_s": round(len(pcm) / SAMPLE_BYTES / SAMPLE_RATE_HZ, 3),
        "engine_ms": round(engine_ms, 1),
    }
