"""From a sentence and the room where it was said to what it means."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from hassil.intents import Intents
from hassil.recognize import RecognizeResult, recognize_best

from antiphon_hub.home.model import Home
from antiphon_hub.nlu.expressions import Unbounded, new_meter, put_meter
from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood, Option
from antiphon_hub.nlu.names import name_home
from antiphon_hub.nlu.natural.model import Model
from antiphon_hub.nlu.natural.stage import NaturalStage, model_of
from antiphon_hub.nlu.several import in_two, may_be_more
from antiphon_hub.nlu.targets import Request, Targets, Unclear, find_targets
from antiphon_hub.nlu.templates import (
    DEVICE_INTENTS,
    NAMED_INTENTS,
    PluginWords,
    load_templates,
    their_tree,
)

__all__ = ["Interpretation", "Interpreter", "NotUnderstood", "clean_text"]

COMMAND_CHARS_MAX: Final = 240
"""Longer than any command; what is longer was not meant for us."""
KNOWN_MAX: Final = 256
"""Sentences whose match is remembered; the oldest goes first."""
UNKNOWN_WORDS_MAX: Final = 5
"""Words of a thing that we say we do not know; more is not a name."""

TAKEN_BACK: Final = "HassNevermind"
"""The intent of a command that its speaker takes back at its end."""
_TAKEN_BACK: Final = re.compile(r". (never ?mind|forget (it|that))[.!]?$")
_CANCELLED: Final = re.compile(
    r"^(.+?),?(?: (?:no|oh|wait|please|actually))* cancel (?:it|that)[.!]?$"
)
"""`Cancel it` takes back what came before it only if that was a command; a booking is none."""

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

_NOT_UNDERSTOOD: Final = NotUnderstood("not-understood", "Sorry, I didn't understand that.")


class Interpreter:
    """Understands the sentences of one home; pure: no clock, no I/O after construction.

    For one thread: it remembers what it matched.
    """

    def __init__(
        self,
        home: Home,
        sentences: Sequence[Path] = (),
        language: str = "en",
        plugins: Sequence[PluginWords] = (),
        *,
        natural: Model | bool = True,
    ) -> None:
        """Load and warm everything.

        Args:
            home: What there is to talk about.
            sentences: The owner's own sentences.
            language: The language that is spoken.
            plugins: Sentences of skills that others wrote.
            natural: Whether to understand natural wording, beside the templates; or its model.

        Raises:
            SentencesError: the language is not there, or a file has mistakes.
            ModelFileError: the model of natural wording is damaged.
        """
        self.home = home
        self.language = language
        self.templates = load_templates(language, sentences, plugins)
        self.names = name_home(home)
        self._known: dict[tuple[str, str], Interpretation | NotUnderstood | None] = {}
        self._meter = new_meter()
        changed = bool(sentences or plugins)
        self._intents = put_meter(self.templates.intents()) if changed else _usual(language)
        self._theirs = _theirs(language)
        anywhere = self.names.lists("")
        self._lists = {
            room.id: self.names.lists(room.id) if room.id in self.names.local else anywhere
            for room in home.rooms
        }
        self._lists[""] = anywhere
        model = model_of(language) if natural is True else natural
        self._natural = NaturalStage(self.names, model) if model else None
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
        self._meter = new_meter()
        clean = clean_text(text)
        return self._exactly(clean, room) or self._otherwise(clean, room)

    def interpret_all(self, text: str, *, room: str) -> tuple[Interpretation | NotUnderstood, ...]:
        """Return what the text means: one command, or two with `and` between them."""
        self._meter = new_meter()
        clean = clean_text(text)
        whole = self._exactly(clean, room)
        if whole and (isinstance(whole, Interpretation) or whole.code in ("nothing", "ambiguous")):
            return (whole,)

        def read(half: str) -> Interpretation | NotUnderstood:
            return self._exactly(clean_text(half), room) or _NOT_UNDERSTOOD

        if (two := in_two(clean, read)) is not None:
            return two
        if whole is None and may_be_more(clean):
            # Natural wording would do the half of it that it knows, and drop the other.
            return (self._not_understood(clean),)
        return (whole or self._otherwise(clean, room),)

    def foresee(self, text: str, *, room: str) -> None:
        """Be quick if just this text is interpreted next: matching takes some milliseconds."""
        self._meter = new_meter()
        self._exactly(clean_text(text), room)

    def _exactly(self, clean: str, room: str) -> Interpretation | NotUnderstood | None:
        """Return what the templates say; None if none of them matches."""
        if (clean, room) in self._known:
            return self._known[clean, room]
        found = self._match(clean, room)
        if not self._meter.spent:
            if len(self._known) >= KNOWN_MAX:
                del self._known[next(iter(self._known))]
            self._known[clean, room] = found
        return found

    def _match(self, clean: str, room: str) -> Interpretation | NotUnderstood | None:
        if not clean:
            return NotUnderstood("nothing", "Sorry, I didn't hear anything.")
        if _TAKEN_BACK.search(clean) or self._cancelled(clean, room):
            return Interpretation(TAKEN_BACK, {}, (), clean)
        result = self._recognize(clean, self._intents, room)
        return None if result is None else self._meaning(result, clean, room)

    def _cancelled(self, clean: str, room: str) -> bool:
        found = _CANCELLED.match(clean)
        return found is not None and self._exactly(found.group(1), room) is not None

    def _otherwise(self, clean: str, room: str) -> Interpretation | NotUnderstood:
        """Return what natural wording means, or why nothing was understood."""
        if self._natural is not None and len(clean) <= COMMAND_CHARS_MAX:
            found = self._natural.understand(
                clean,
                self.home.room(room),
                lambda text: self._exactly(text, room),
                lambda intents: self._by_their_templates(clean, room, intents),
            )
            if found is not None:
                return found
        return self._not_understood(clean)

    def _by_their_templates(
        self, clean: str, room: str, intents: Sequence[str]
    ) -> tuple[Interpretation | NotUnderstood, frozenset[str]] | None:
        """Return what Home Assistant's templates of these intents say, of what we cannot do too.

        Beside it, the slots that were said in words of a list: any words fit the others.
        """
        every = self._theirs.intents
        few = {name: every[name] for name in intents if name in every}
        result = self._recognize(clean, replace(self._theirs, intents=few), room)
        if result is None or not self._may_be_later(result, room):
            return None
        listed = {one.name for one in result.entities_list if one.text and not one.is_wildcard}
        return self._meaning(result, clean, room), frozenset(listed)

    def _may_be_later(self, result: RecognizeResult, room: str) -> bool:
        """Tell whether what is to be done later, if anything, is a command at all."""
        later = result.entities.get("conversation_command")
        return later is None or self._exactly(later.text_clean, room) is not None

    def _warm(self) -> None:
        """Let hassil parse templates, spell numbers and index names, as it does at first use."""
        for room in self._lists:
            self.interpret("set the light to forty two percent", room=room)
        self.interpret("would somebody see to it for forty two minutes", room="")
        self._by_their_templates(
            "set a timer for forty two minutes", "", list(self._theirs.intents)
        )
        self._known.clear()

    def _recognize(self, text: str, intents: Intents, room: str) -> RecognizeResult | None:
        if len(text) > COMMAND_CHARS_MAX:
            return None
        asking = self.home.room(room)
        room_id = asking.id if asking else ""
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
            return msgspec.structs.replace(found, intent=intent)

        def meaning(targets: Targets) -> Interpretation:
            ids = tuple(device.id for device in targets.devices)
            return Interpretation(intent, targets.slots, ids, text, response)

        if isinstance(found, Unclear):
            options = tuple(Option(one.names, meaning(one.targets)) for one in found.choices)
            return NotUnderstood("ambiguous", found.say, options, intent)
        return meaning(found)

    def _not_understood(self, text: str) -> NotUnderstood:
        unknown = self._recognize(text, _unknown(), "")
        if unknown is not None:
            thing = unknown.entities["thing"].text_clean
            if 0 < len(thing.split()) <= UNKNOWN_WORDS_MAX:
                return NotUnderstood("unknown-name", f"Sorry, I don't know of any {thing}.")
        return _NOT_UNDERSTOOD


@cache
def _usual(language: str) -> Intents:
    """Return the templates of a house whose owner has added none."""
    return put_meter(load_templates(language, ()).intents())


@cache
def _theirs(language: str) -> Intents:
    """Return Home Assistant's templates."""
    return put_meter(Intents.from_dict(their_tree(language)))


@cache
def _unknown() -> Intents:
    """Return the templates of commands to things that no home has."""
    return put_meter(Intents.from_dict(_UNKNOWN))


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
