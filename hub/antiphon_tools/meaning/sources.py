"""Labelled sentences for the model: drawn from templates and paraphrases, or read from files."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from hassil.expression import Sentence
from hassil.intents import IntentData, Intents, RangeSlotList, SlotList, TextSlotList
from hassil.parse_expression import parse_sentence
from home_assistant_intents import get_intents

from antiphon_hub.nlu.natural.model import OUT
from antiphon_tools.meaning.sampling import Sampler

PARAPHRASES: Final = Path(__file__).with_name("paraphrases.yaml")
BEYOND: Final = Path(__file__).with_name("beyond.json")
OURS: Final = Path(__file__).parents[2] / "antiphon_hub" / "nlu" / "sentences" / "en.yaml"
PER_TEMPLATE: Final = 12
"""Sentences drawn from each of the intents' own templates."""
PER_PARAPHRASE: Final = 60
SAME: Final = {
    "HassShoppingListAddItem": "HassListAddItem",
    "HassShoppingListCompleteItem": "HassListCompleteItem",
}
"""Intents that differ only in a slot are one class; the slot is found afterwards."""
ALARMS: Final = frozenset({"AntiphonSetAlarm", "AntiphonCancelAlarm", "AntiphonAlarmStatus"})
LEFT_TO_TEMPLATES: Final = frozenset({"HassRespond", "HassNevermind"})
"""Small talk: what is not worded as in the templates is not meant for the house.

So it is with our own intents too, most of which steer a dialogue; ALARMS are the exception.
"""
OTHER_DOMAINS: Final[dict[str, tuple[str, ...]]] = {
    "media_player": ("tv", "radio", "speaker", "stereo", "living room tv", "television"),
    "todo": ("shopping", "chores", "grocery", "packing", "work", "to do"),
    "climate": ("thermostat", "ac", "living room thermostat", "heater"),
    "lock": ("front door", "back door", "garage door"),
    "valve": ("main valve", "water valve", "sprinkler valve"),
    "script": ("stealth mode", "party time", "bedtime"),
    "scene": ("movie night", "romantic", "good night"),
    "person": ("jane", "bob", "alice", "tom"),
    "sensor": ("outside temperature", "phone battery"),
    "binary_sensor": ("back door", "phone", "skylight", "motion"),
    "lawn_mower": ("mower", "lawn mower"),
}
"""What people call things that the paraphrases have no list of."""
ANY_WORDS: Final = ("the laundry", "call the dentist", "milk", "school", "the pasta", "dinner")
LISTED_DOMAINS: Final = {
    "light": "lamp",
    "switch": "thing",
    "fan": "thing",
    "cover": "cover",
    "vacuum": "robot",
    "weather": "city",
}


class Labelled(NamedTuple):
    """A sentence and the intents that are right for it, any one of them."""

    text: str
    intents: tuple[str, ...]
    weight: float = 1.0
    source: str = ""


def drawn(seed: int) -> list[Labelled]:
    """Return sentences of the paraphrases, of Home Assistant's English templates and of ours."""
    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    tree = yaml.safe_load(PARAPHRASES.read_text(encoding="utf-8"))
    lists = {name: [str(value) for value in values] for name, values in tree["lists"].items()}
    rules = {name: _parsed(body) for name, body in tree["rules"].items()}
    sampler = Sampler(rules, lists, chance)
    found = [
        Labelled(text, (SAME.get(intent, intent),), source="paraphrases")
        for intent, templates in tree["sentences"].items()
        for template in templates
        for text in _several(sampler, _parsed(template), PER_PARAPHRASE)
    ]
    theirs: dict[str, Any] = get_intents("en") or {}
    ours = yaml.safe_load(OURS.read_text(encoding="utf-8"))
    for raw in (theirs, ours):
        found += _of_templates(raw, theirs, lists, chance)
    return found


def _of_templates(
    raw: Mapping[str, Any],
    theirs: Mapping[str, Any],
    ours: Mapping[str, Sequence[str]],
    chance: random.Random,
) -> Iterator[Labelled]:
    shared = {key: {**theirs[key], **(raw.get(key) or {})} for key in ("lists", "expansion_rules")}
    intents = Intents.from_dict({"language": "en", "intents": raw["intents"], **shared})
    fillers = _fillers(ours)
    values = {**_values(intents.slot_lists, intents.expansion_rules, chance), **fillers}
    for name, intent in intents.intents.items():
        if name in LEFT_TO_TEMPLATES or (name.startswith("Antiphon") and name not in ALARMS):
            continue
        for data in intent.data:
            rules = {**intents.expansion_rules, **data.expansion_rules}
            own = _values(data.slot_lists, rules, chance)
            sampler = Sampler(rules, {**values, **own}, chance)
            things = {"name": _names(data, ours)}
            for template in data.sentences:
                for text in _several(sampler, template, PER_TEMPLATE, things):
                    yield Labelled(text, (SAME.get(name, name),), source="templates")


def _several(
    sampler: Sampler,
    template: Sentence,
    count: int,
    lists: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    return sorted({sampler.draw(template, lists) for _ in range(count)} - {""})


def _parsed(template: str) -> Sentence:
    sentence: Sentence = parse_sentence(template, keep_text=True)
    return sentence


def _values(
    lists: Mapping[str, SlotList], rules: Mapping[str, Sentence], chance: random.Random
) -> dict[str, list[str]]:
    """Return texts of each list; of one that takes any words, some words."""
    plain = Sampler(rules, {}, chance)
    found = {}
    for name, one in lists.items():
        if isinstance(one, RangeSlotList):
            found[name] = [str(number) for number in range(one.start, one.stop + 1, one.step)]
        elif isinstance(one, TextSlotList):
            found[name] = [plain.draw(Sentence(value.text_in)) for value in one.values]
        else:
            found[name] = list(ANY_WORDS)
    return found


def _fillers(ours: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    return {
        "message": ("dinner is ready", "we leave in five minutes", "good night"),
        "search_query": (*ours["artist"], *ours["song"], *ours["genre"]),
        "zone": ("home", "work", "school"),
        "timer_name": ours["timer"],
        "timer_command": ("turn off the lights", "open the garage door", "turn on the fan"),
        "shopping_list_item": ours["item"],
        "todo_list_item": (*ours["item"], *ours["chore"]),
        "area": ours["room"],
        "floor": ("upstairs", "downstairs", "ground floor", "first floor", "basement", "attic"),
    }


def _names(data: IntentData, ours: Mapping[str, Sequence[str]]) -> list[str]:
    asked = data.requires_context.get("domain") or data.slots.get("domain") or ["light", "switch"]
    domains = [asked] if isinstance(asked, str) else list(asked)
    return [
        name
        for domain in domains
        for name in OTHER_DOMAINS.get(domain) or ours.get(LISTED_DOMAINS.get(domain, "thing"), ())
    ]


def labelled(
    path: Path, mapping: Mapping[str, Any], beyond: Mapping[str, Any], weight: float
) -> Iterator[Labelled]:
    """Yield the sentences of a JSON-lines file (`sentence`, `intent`), those for training.

    `mapping` says which intents of ours are right for an intent of the source; what it does not
    name is no command. `beyond` corrects it for what it does not know of: intents that are right
    too, or null for what is better not learnt from.
    """
    right, more = mapping[path.stem], beyond.get(path.stem, {})
    for row in rows(path):
        source = row["intent"]
        intents: Iterable[str] | None = right.get(source) or more.get(source, (OUT,))
        if intents is not None:
            names = tuple(dict.fromkeys(SAME.get(name, name) for name in intents))
            yield Labelled(row["sentence"], names, weight, source)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON-lines file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def thinned(sentences: Sequence[Labelled], most: int, seed: int) -> list[Labelled]:
    """Return at most so many sentences of each source and intent, drawn at random."""
    shuffled = list(sentences)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - nothing is kept secret by it
    counts: dict[tuple[str, str], int] = {}
    kept = []
    for one in shuffled:
        key = (one.source, one.intents[0])
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= most:
            kept.append(one)
    return kept
