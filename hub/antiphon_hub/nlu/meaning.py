"""What an interpretation gives: a meaning, or what to answer instead."""

from typing import Any, Literal

import msgspec

Code = Literal["nothing", "not-understood", "ambiguous", "unknown-name", "unsure"]
Stage = Literal["template", "misheard", "natural"]
"""What understood: a template; one, after a name was put right; the model of natural wording."""


class Interpretation(msgspec.Struct, frozen=True):
    """What a sentence means in the room where it was said."""

    intent: str
    slots: dict[str, Any]
    """JSON values with canonical names: `{"name": "kitchen light", "area": "kitchen"}`."""
    devices: tuple[str, ...]
    """Ids of the devices that are meant, in the home's order."""
    text: str
    """The sentence as it was taken: one line, without odd signs."""
    response: str = "default"
    """Which of the intent's replies fits: `any`, `all`, `how_many`, `day` ..."""
    stage: Stage = "template"
    confidence: float = 1.0
    """How sure that stage is, 0 to 1; of a name put right, how alike it sounds."""


class Option(msgspec.Struct, frozen=True):
    """One of several things that may be meant."""

    names: tuple[str, ...]
    """What a person calls it in an answer."""
    meaning: Interpretation


class NotUnderstood(msgspec.Struct, frozen=True):
    """The sentence means nothing that can be done here."""

    code: Code
    say: str
    """What to answer or to ask back."""
    options: tuple[Option, ...] = ()
    """What may be meant, for `ambiguous` and `unsure`."""
    intent: str = ""
    """What was understood all the same, where only the thing is unknown here."""
    confidence: float = 1.0
