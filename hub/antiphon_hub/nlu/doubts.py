"""Sentences of an owner's file that would not mean what the file says: told when it is saved."""

from itertools import islice
from pathlib import Path
from typing import Final

from hassil.sample import sample_intents

from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood
from antiphon_hub.nlu.templates import file_templates

SAMPLES_PER_INTENT: Final = 40
SAMPLES_MAX: Final = 200
"""Each takes some milliseconds to be understood."""
DOUBTS_MAX: Final = 8


def doubts(interpreter: Interpreter, path: Path) -> list[str]:
    """Return what samples of the file's sentences would mean instead, one line for each.

    Args:
        interpreter: Has the file already.
        path: The file, without mistakes.
    """
    sampled = sample_intents(
        file_templates(path, interpreter.language).intents(),
        slot_lists=interpreter.names.lists(""),
        max_sentences_per_intent=SAMPLES_PER_INTENT,
        language=interpreter.language,
    )
    found = (_doubt(interpreter, intent, text) for intent, text in islice(sampled, SAMPLES_MAX))
    return list(islice((one for one in found if one), DOUBTS_MAX))


def _doubt(interpreter: Interpreter, intent: str, text: str) -> str:
    meant = interpreter.interpret_all(text, room="")
    first = meant[0]
    if len(meant) > 1:
        return f"“{text}” is understood as two commands"
    if isinstance(first, Interpretation) and first.intent != intent:
        return f"“{text}” means {first.intent} already, not {intent}"
    if isinstance(first, NotUnderstood) and first.code == "ambiguous":
        return f"“{text}” is ambiguous where no room is told: {first.say}"
    return ""
