"""From a sentence and the room where it was said to what it means."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hassil.intents import Intents
from hassil.recognize import RecognizeResult, recognize_best

from antiphon_hub.home.model import Home
from antiphon_hub.nlu.expressions import Meter, Unbounded, put_meter
from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood, Option
from antiphon_hub.nlu.names import name_home
from antiphon_hub.nlu.several import in_two
from antiphon_hub.nlu.targets import Request, Targets, Unclear, find_targets
from antiphon_hub.nlu.templates import (
    DEVICE_INTENTS,
    NAMED_INTENTS,
    PluginWords,
    load_templates,
)

__all__ = ["Interpretation", "Interpreter", "NotUnderstood", "clean_text"]

COMMAND_CHARS_MAX: Final = 240
"""Longer than any command; what is longer was not meant for us."""
STEPS_MAX: Final = 30_000
"""Looks of the matcher at template words for one sentence; usual commands take some hundreds."""
UNKNOWN_WORDS_MAX: Final = 5
"""Words of a thing that we say we do not know; more is not a name."""

TAKEN_BACK: Final = "HassNevermind"
"""The intent of a command that its speaker takes back at its end."""
_TAKEN_BACK: Final = re.compile(r". (never ?mind|forget (it|that)|cancel (it|that))[.!]?$")

_KEPT_SIGNS: Final = frozenset("'%-.,:?!°")
_SPELLINGS: Final = (
    (re.compile(r"\bper cent\b"), "percent"),
    (re.compile(r"\bwhats\b"), "what's"),
    (re.compile(r"\b(to|at|by) (?:a )?hundred\b"), r"\1 one hundred"),
)
_UNKNOWN: Final = {
    "language": "en",
    "expansion_rules": {"the": "(the|my|our|a|an|any)"},
    "lists": {"thing": {"wildcard": True}},
    "intents": {
        "Unknown": {
            "data": [
                {
                    "sentences": [
                        "(turn|switch|put|power|shut) (on|off) [<the>] {thing}",
                        "(turn|switch|put|power|shut) [<the>] {thing} (on|off)",
                        "(is|are) [<the>] {thing} (on|off|open|closed)",
                        "(set|dim|brighten|change) [<the>] {thing} to",
                        "(open|close|dim|brighten|start|stop) [<the>] {thing}",
                    ]
                }
            ]
        }
    },
}


class Interpreter:
    """Understands the sentences of one home; pure: no clock, no I/O after construction.

    For one thread: the matcher's work is counted on one meter.
    """

    def __init__(
        self,
        home: Home,
        sentences: Sequence[Path] = (),
        language: str = "en",
        plugins: Sequence[PluginWords] = (),
    ) -> None:
        """Load and warm everything.

        Raises:
            SentencesError: the language is not there, or a file has mistakes.
        """
        self.home = home
        self.language = language
        self.templates = load_templates(language, sentences, plugins)
        self.names = name_home(home)
        self._meter = Meter(STEPS_MAX)
        self._intents = self._metered(self.templates.intents())
        self._unknown = self._metered(Intents.from_dict(_UNKNOWN))
        anywhere = self.names.lists("")
        self._lists = {
            room.id: self.names.lists(room.id) if room.id in self.names.local else anywhere
            for room in home.rooms
        }
        self._lists[""] = anywhere
        self._warm()

    @property
    def responses(self) -> dict[str, dict[str, str]]:
        """The owner's replies: intent, key of the reply, text with `{{ slots.name }}`."""
        return self.templates.responses

    @property
    def own_intents(self) -> frozenset[str]:
        """The intents that the owner's files have."""
        return self.templates.own

    def interpret(self, text: str, *, room: str) -> Interpretation | NotUnderstood:
        """Return what the text means when it is said in that room (name, alias or id)."""
        clean = clean_text(text)
        if not clean:
            return NotUnderstood("nothing", "Sorry, I didn't hear anything.")
        if _TAKEN_BACK.search(clean):
            return Interpretation(TAKEN_BACK, {}, (), clean)
        result = self._recognize(clean, self._intents, room)
        if result is None:
            return self._not_understood(clean)
        return self._meaning(result, clean, room)

    def interpret_all(self, text: str, *, room: str) -> tuple[Interpretation | NotUnderstood, ...]:
        """Return what the text means: one command, or two with `and` between them."""
        whole = self.interpret(text, room=room)
        if isinstance(whole, Interpretation) or whole.code in ("nothing", "ambiguous"):
            return (whole,)

        def read(half: str) -> Interpretation | NotUnderstood:
            return self.interpret(half, room=room)

        return in_two(clean_text(text), read) or (whole,)

    def _metered(self, intents: Intents) -> Intents:
        put_meter(intents, self._meter)
        return intents

    def _warm(self) -> None:
        """Let hassil parse templates, spell numbers and index names, as it does at first use."""
        for room in self._lists:
            self.interpret("set the light to forty two percent", room=room)

    def _recognize(self, text: str, intents: Intents, room: str) -> RecognizeResult | None:
        if len(text) > COMMAND_CHARS_MAX:
            return None
        asking = self.home.room(room)
        room_id = asking.id if asking else ""
        self._meter.reset()
        try:
            return recognize_best(
                text,
                intents,
                slot_lists=self._lists[room_id],
                intent_context={"area": room_id},
                language=self.language,
                best_metadata_key="owner",
                best_slot_name="name",
            )
        except Unbounded:
            return None

    def _meaning(
        self, result: RecognizeResult, text: str, room: str
    ) -> Interpretation | NotUnderstood:
        slots = {entity.name: _plain(entity.value) for entity in result.entities_list}
        intent = result.intent.name
        response = result.response or "default"
        area = result.entities.get("area")
        if intent not in DEVICE_INTENTS and ("name" not in slots or intent in NAMED_INTENTS):
            if area is not None:
                slots["area"] = _room_name(self.home, slots["area"])
            return Interpretation(intent, slots, (), text, response)
        request = Request(
            slots,
            self.home.room(room),
            result.context.get("domain") if "name" in slots else None,
            implied_area=area is not None and not area.text,
            dims=intent == "HassLightSet",
        )
        found = find_targets(request, self.names)
        if isinstance(found, NotUnderstood):
            return found

        def meaning(targets: Targets) -> Interpretation:
            ids = tuple(device.id for device in targets.devices)
            return Interpretation(intent, targets.slots, ids, text, response)

        if isinstance(found, Unclear):
            options = tuple(Option(one.names, meaning(one.targets)) for one in found.choices)
            return NotUnderstood("ambiguous", found.say, options)
        return meaning(found)

    def _not_understood(self, text: str) -> NotUnderstood:
        unknown = self._recognize(text, self._unknown, "")
        if unknown is not None:
            thing = unknown.entities["thing"].text_clean
            if 0 < len(thing.split()) <= UNKNOWN_WORDS_MAX:
                return NotUnderstood("unknown-name", f"Sorry, I don't know of any {thing}.")
        return NotUnderstood("not-understood", "Sorry, I didn't understand that.")


def clean_text(text: str) -> str:
    """Return the text on one line, in lower case, without signs that no sentence needs."""
    folded = unicodedata.normalize("NFC", text[: COMMAND_CHARS_MAX * 10]).replace("\u2019", "'")
    kept = (char if char.isalnum() or char in _KEPT_SIGNS else " " for char in folded.lower())
    clean = " ".join("".join(kept).split())
    for pattern, spelling in _SPELLINGS:
        clean = pattern.sub(spelling, clean)
    return clean if any(char.isalnum() for char in clean) else ""


def _room_name(home: Home, area: str) -> str:
    room = home.room(area)
    return room.name if room else area


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.strip() if isinstance(value, str) else value
