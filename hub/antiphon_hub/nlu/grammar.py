"""The closed grammar for speech to text: everything that can be meant in this home, and no more."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec
from hassil.intents import IntentData, Intents, SlotList, TextSlotList

from antiphon_hub.errors import SentencesError
from antiphon_hub.home.model import Home, load_home
from antiphon_hub.nlu.expand import Expander
from antiphon_hub.nlu.interpreter import Interpreter
from antiphon_hub.nlu.jsgf import NEVER, Expr, Weighted, Word, alt, phrases, rarely, seq, to_jsgf
from antiphon_hub.nlu.names import Names, name_home
from antiphon_hub.nlu.templates import (
    DEVICE_INTENTS,
    PAIRED_INTENTS,
    PLAYER_INTENTS,
    PluginWords,
    Spoken,
    Templates,
    file_templates,
    plugin_templates,
)
from antiphon_protocol.limits import CONTEXT_BYTES_MAX

PLUGIN_BYTES_MAX: Final = 256 * 1024
"""What one plug-in's sentences may take of the grammar; the house's own take about as much."""


POLITE_SHARE: Final = 0.15
"""How many commands begin with `please` or its like."""
ADDED_SHARE: Final = 0.05
"""How many end with it, or are taken back at once."""
PAIR_SHARE: Final = 0.02
"""How many are two commands in one sentence."""


class RecognitionContext(msgspec.Struct, frozen=True):
    """What may be said, for a recogniser."""

    id: str
    """`ctx-` and 16 hex digits of the content's digest: the same name is the same grammar."""
    language: str
    grammar: str
    """JSGF 1.0 with the one public rule `<command>`; lower-case words, numbers in words."""
    pronunciations: dict[str, str]
    """Word to ARPAbet phones, as the owner wrote them down."""


def recognition_context(interpreter: Interpreter) -> RecognitionContext:
    """Return the grammar of everything that the interpreter understands when it is spoken.

    Templates with wildcards are left out: any words at all are no closed grammar.

    Raises:
        SentencesError: the grammar is too large for one message.
    """
    return _context(interpreter.templates, interpreter.names, interpreter.language)


def grammar_from_templates(
    path: Path, home: Home | None = None, language: str = "en"
) -> RecognitionContext:
    """Return the grammar of one sentence file alone, with the names of the home (or the example).

    Raises:
        SentencesError: the file has mistakes, or nothing in it can be said.
    """
    names = name_home(home if home is not None else load_home(None))
    return _context(file_templates(path, language), names, language, str(path))


def check_plugin(words: PluginWords, home: Home, language: str) -> None:
    """See to it that a plug-in leaves room in the grammar for the house and for others.

    Raises:
        SentencesError: what can be said by it takes too much room.
    """
    if not words.intents:
        return
    expander = Expander(language)
    intents = plugin_templates(words, language).spoken_intents()
    lists = _HomeLists(name_home(home))
    said = alt(_intent(name, intents, lists, expander) for name in intents.intents)
    grammar = to_jsgf("plugin", "command", {**expander.rules, "command": said})
    if len(grammar.encode()) > PLUGIN_BYTES_MAX:
        raise SentencesError(
            "sentences", [f"their grammar takes more than {PLUGIN_BYTES_MAX} bytes; use fewer"]
        )


def _context(
    templates: Templates, names: Names, language: str, where: str = "sentences"
) -> RecognitionContext:
    expander = Expander(language)
    intents = templates.spoken_intents()
    # Made once and kept: the expander knows lists by their identity.
    lists = _HomeLists(names)
    said = {name: _intent(name, intents, lists, expander) for name in intents.intents}
    if alt(said.values()) == NEVER:
        raise SentencesError(where, ["holds nothing that can be said in a closed grammar"])
    paired = alt(said[name] for name in said if name in PAIRED_INTENTS)
    usual = templates.spoken.usual
    meant = tuple((what, usual.get(name, 1.0)) for name, what in said.items() if what != NEVER)
    command = _politely(Weighted(meant), paired, templates.spoken)
    rules = {**expander.rules, "command": command}
    grammar = to_jsgf("antiphon", "command", rules)
    if len(grammar.encode()) > CONTEXT_BYTES_MAX:
        raise SentencesError(where, [f"the grammar takes more than {CONTEXT_BYTES_MAX} bytes"])
    words = dict(names.home.pronunciations)
    content = "\0".join([language, grammar, *(f"{word} {words[word]}" for word in sorted(words))])
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return RecognitionContext(f"ctx-{digest}", language, grammar, words)


def _politely(command: Expr, paired: Expr, spoken: Spoken) -> Expr:
    """Return one command, or two with `and` between them, and the words around."""
    before = [rarely(phrases(spoken.before), POLITE_SHARE)] if spoken.before else []
    after = [rarely(phrases(spoken.after), ADDED_SHARE)] if spoken.after else []
    two = seq([paired, *(Word(word) for word in spoken.between.split()), paired])
    pairs = bool(spoken.between) and two != NEVER
    commands = Weighted(((command, 1.0 - PAIR_SHARE), (two, PAIR_SHARE))) if pairs else command
    return seq([*before, commands, *after])


def _intent(name: str, intents: Intents, home: "_HomeLists", expander: Expander) -> Expr:
    said: list[Expr] = []
    for data in intents.intents[name].data:
        if not home.can_mean(name, data):
            continue
        lists = {**intents.slot_lists, **home.of_block(name, data)}
        said += [
            expander.block(data, sentence, intents.expansion_rules, lists)
            for sentence in data.sentences
        ]
    return expander.shared("intent", name, ("intent", name), alt(said))


class _HomeLists:
    """The home's lists; for lights and their like only the rooms and floors that have any."""

    def __init__(self, names: Names) -> None:
        self._home = names.home
        self._lists = names.lists(None)
        self._by_kinds: dict[tuple[str, ...], dict[str, SlotList]] = {}

    def can_mean(self, intent: str, data: IntentData) -> bool:
        """Tell whether there is any device of the kind that the block is about."""
        kinds = _kinds(intent, data)
        return not kinds or any(device.kind in kinds for device in self._home.devices)

    def of_block(self, intent: str, data: IntentData) -> dict[str, SlotList]:
        """Return the lists for one block of templates."""
        kinds = _kinds(intent, data)
        if not kinds:
            return self._lists
        if kinds not in self._by_kinds:
            having = [device for device in self._home.devices if device.kind in kinds]
            rooms = {device.room for device in having}
            floors = {self._home.room_of(device).floor for device in having}
            areas = _only(self._lists["area"], rooms)
            self._by_kinds[kinds] = {
                "name": self._lists["name"],
                "area": areas,
                "floor": _only(self._lists["floor"], floors),
            }
        return self._by_kinds[kinds]


def _kinds(intent: str, data: IntentData) -> tuple[str, ...]:
    if intent in PLAYER_INTENTS:
        return ("media_player",)
    asked = data.slots.get("domain") if intent in DEVICE_INTENTS else None
    if asked is None:
        return ()
    return (asked,) if isinstance(asked, str) else tuple(asked)


def _only(slot_list: SlotList, ids: Collection[str]) -> SlotList:
    assert isinstance(slot_list, TextSlotList)  # noqa: S101 - the home's lists are texts
    kept = [value for value in slot_list.values if value.value_out in ids]
    return TextSlotList(name=slot_list.name, values=kept)
