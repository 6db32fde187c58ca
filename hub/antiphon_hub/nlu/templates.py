"""All sentence templates of a house: Home Assistant's, our own and the owner's, in one place."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from hassil.expression import Sentence
from hassil.intents import Intents
from home_assistant_intents import get_intents

from antiphon_hub.errors import SentencesError
from antiphon_hub.home.model import Kind
from antiphon_hub.nlu.expressions import parse
from antiphon_hub.nlu.owner import Common, read_sentences
from antiphon_hub.yaml_file import read_own_yaml

DEVICE_INTENTS: Final = frozenset({"HassTurnOn", "HassTurnOff", "HassLightSet", "HassGetState"})
"""Intents about devices: what they name is looked up in the home."""
OWN_INTENTS: Final = DEVICE_INTENTS | {"HassGetCurrentTime", "HassGetCurrentDate"}
"""Intents of Home Assistant's set that are always understood, for there are skills for them."""
PLAYER_INTENTS: Final = frozenset(
    {"HassMediaPause", "HassMediaUnpause", "HassMediaNext", "HassMediaPrevious"}
)
"""Intents about what plays music or films: nobody says them where nothing does."""
NAMED_INTENTS: Final = frozenset(
    {
        *("HassStartTimer", "HassCancelTimer", "HassTimerStatus", "HassIncreaseTimer"),
        *("HassDecreaseTimer", "HassPauseTimer", "HassUnpauseTimer"),
        *("HassListAddItem", "HassListCompleteItem", "HassListRemoveItem"),
        *("AntiphonReadList", "AntiphonClearList"),
    }
)
"""Intents whose `name` is no device's: a timer's, or a list's."""
PAIRED_INTENTS: Final = frozenset({"HassTurnOn", "HassTurnOff"})
"""Intents of which two can be spoken in one sentence; as text, all can. Each costs a recogniser
time: with brightness among them the grammar has a fifth more states."""
KINDS: Final = frozenset(get_args(Kind))

_LISTS_KEPT = frozenset(
    {"name", "area", "floor", "brightness", "brightness_level"}
    | {"on_off_states", "cover_states", "lock_states"}
)
_LIST = re.compile(r"{([^}:]+)")
_OURS = Path(__file__).with_name("sentences")

Tree = dict[str, Any]


class Spoken(msgspec.Struct, frozen=True):
    """How the closed grammar of speech to text is narrower than what is understood as text."""

    before: tuple[str, ...] = ()
    """Polite words that may begin a command."""
    after: tuple[str, ...] = ()
    """Polite words that may end it."""
    between: str = ""
    """The word that joins two commands; empty: they are not joined."""
    rules: dict[str, str] = {}
    """Expansion rules with fewer words."""
    leave_out: tuple[str, ...] = ()
    """Regular expressions of templates that nobody says."""
    usual: dict[str, float] = {}
    """How much oftener than others an intent is meant; 1 where none is given."""


class PluginWords(msgspec.Struct, frozen=True):
    """What a plug-in's file says; its lists and rules are those of its own blocks alone."""

    answers: frozenset[str]
    """The intents that its skill answers."""
    intents: Tree
    responses: dict[str, dict[str, str]]


class Templates(msgspec.Struct, frozen=True):
    """The templates of a house, not yet joined with its names."""

    language: str
    tree: Tree
    """In hassil's format; fresh `Intents` are made of it where they are changed."""
    spoken: Spoken
    responses: dict[str, dict[str, str]]
    """The owner's replies: intent, key of the reply, text."""
    own: frozenset[str]
    """Intents that an owner's file has."""
    answers: dict[str, tuple[str, ...]] = {}
    """What people say for `yes`, for `no`, to take a question back (`never`), to hear it
    once more (`again`)."""

    def intents(self) -> Intents:
        """Return the templates that text is matched with."""
        return Intents.from_dict(self.tree)

    def spoken_intents(self, only: Iterable[str] | None = None) -> Intents:
        """Return the templates that the closed grammar is made of, of these intents or of all.

        Narrower rules and left-out templates concern only what the owner did not write.
        """
        wanted = set(only) if only is not None else set(self.tree["intents"])
        patterns = [re.compile(pattern) for pattern in self.spoken.leave_out]
        intents = {
            name: {"data": [_without(block, patterns) for block in intent["data"]]}
            for name, intent in self.tree["intents"].items()
            if name in wanted
        }
        rules = {**self.tree["expansion_rules"], **self.spoken.rules}
        return Intents.from_dict({**self.tree, "intents": intents, "expansion_rules": rules})


def their_tree(language: str) -> Tree:
    """Return all templates of Home Assistant's, those of things too that no home of ours has.

    Raises:
        SentencesError: the language is not there.
    """
    theirs = get_intents(language)
    if theirs is None:
        raise SentencesError(language, ["Home Assistant has no sentences in this language"])
    sections = ("language", "intents", "lists", "expansion_rules", "skip_words")
    return {section: theirs[section] for section in sections}


def load_templates(
    language: str, files: Sequence[Path], plugins: Sequence[PluginWords] = ()
) -> Templates:
    """Return all templates of a language, of the plug-ins and of the owner's files.

    Raises:
        SentencesError: the language is not there, or a file has mistakes.
    """
    base = _base(language)
    owners = [read_sentences(path, language, _common(language)) for path in files]
    named = {name for owner in owners for name in owner["intents"]}
    wanted = named.union(*(plugin.answers for plugin in plugins))
    intents = {
        name: {"data": [*intent["data"]]}
        for name, intent in base["intents"].items()
        if name in base["ours"] | wanted
    }
    tree: Tree = {
        "language": language,
        "intents": intents,
        "lists": dict(base["lists"]),
        "expansion_rules": dict(base["expansion_rules"]),
        "skip_words": [*base["skip_words"]],
    }
    for plugin in plugins:
        for name, intent in plugin.intents.items():
            tree["intents"].setdefault(name, {"data": []})["data"] += intent["data"]
    responses: dict[str, dict[str, str]] = {}
    for owner in owners:
        _add(tree, owner)
        responses |= owner["responses"]
    spoken = _narrowed(base["spoken"], owners)
    return Templates(language, tree, spoken, responses, frozenset(named), base["answers"])


def file_templates(path: Path, language: str) -> Templates:
    """Return the templates of one file alone, with the rules and lists that all may use.

    Raises:
        SentencesError: the file has mistakes.
    """
    base = _base(language)
    owner = read_sentences(path, language, _common(language))
    tree: Tree = {
        "language": language,
        "intents": {},
        "lists": dict(base["lists"]),
        "expansion_rules": dict(base["expansion_rules"]),
        "skip_words": [],
    }
    _add(tree, owner)
    return Templates(language, tree, Spoken(), owner["responses"], frozenset(owner["intents"]))


def plugin_words(path: Path | None, language: str, answers: frozenset[str]) -> PluginWords:
    """Return the templates of a plug-in's file, kept apart from all others.

    Raises:
        SentencesError: the file has mistakes, or speaks of what is not the plug-in's.
    """
    if path is None:
        return PluginWords(answers, {}, {})
    file = read_sentences(path, language, _common(language))
    mistakes = [
        f"intent {name}: the skill does not answer it; it answers: {', '.join(sorted(answers))}"
        for name in file["intents"]
        if name not in answers
    ]
    if file["skip_words"]:
        mistakes.append("skip_words: would change all sentences of the house; leave them out")
    if mistakes:
        raise SentencesError(str(path), mistakes)
    own = {name: file[name] for name in ("lists", "expansion_rules")}
    intents = {
        name: {"data": [_alone(block, own) for block in intent["data"]]}
        for name, intent in file["intents"].items()
    }
    return PluginWords(answers, intents, file["responses"])


def plugin_templates(words: PluginWords, language: str) -> Templates:
    """Return the templates of a plug-in alone, with the rules and lists that all may use."""
    base = _base(language)
    tree: Tree = {
        "language": language,
        "intents": words.intents,
        "lists": dict(base["lists"]),
        "expansion_rules": dict(base["expansion_rules"]),
        "skip_words": [],
    }
    return Templates(language, tree, Spoken(), {}, frozenset())


def house_intents(language: str) -> frozenset[str]:
    """Return the intents that the house itself answers."""
    return frozenset(_base(language)["ours"])


def _alone(block: Tree, own: Tree) -> Tree:
    joined = {name: {**table, **(block.get(name) or {})} for name, table in own.items()}
    return {**block, **joined, "metadata": {**(block.get("metadata") or {}), "plugin": True}}


def _add(tree: Tree, owner: Tree) -> None:
    for name, intent in owner["intents"].items():
        blocks = tree["intents"].setdefault(name, {"data": []})["data"]
        blocks += [_marked(block) for block in intent["data"]]
    tree["lists"] |= owner["lists"]
    tree["expansion_rules"] |= owner["expansion_rules"]
    tree["skip_words"] += owner["skip_words"] or []


def _marked(block: Tree) -> Tree:
    return {**block, "metadata": {**block.get("metadata", {}), "owner": True}}


def _narrowed(raw: Tree, owners: Sequence[Tree]) -> Spoken:
    """An owner who writes a rule anew means it so, in the grammar too."""
    written = {rule for owner in owners for rule in owner["expansion_rules"]}
    rules = {name: body for name, body in raw["expansion_rules"].items() if name not in written}
    return Spoken(
        tuple(raw["before"]),
        tuple(raw["after"]),
        raw["between"],
        rules,
        tuple(raw["leave_out"]),
        raw["usual"],
    )


def _without(block: Tree, patterns: Sequence[re.Pattern[str]]) -> Tree:
    if {"owner", "plugin"} & set(block.get("metadata", {})):
        return block
    kept = [
        text for text in block["sentences"] if not any(pattern.search(text) for pattern in patterns)
    ]
    return {**block, "sentences": kept}


@cache
def _base(language: str) -> Tree:
    """Home Assistant's set, cut down to what a home of ours has, and our own sentences."""
    theirs = get_intents(language)
    ours_path = _OURS / f"{language}.yaml"
    if theirs is None or not ours_path.exists():
        known = ", ".join(sorted(path.stem for path in _OURS.glob("*.yaml")))
        raise SentencesError(language, [f"no sentences in this language; there are: {known}"])
    ours = read_own_yaml(ours_path)
    intents: Tree = {}
    for name, intent in theirs["intents"].items():
        blocks = intent["data"]
        if name in ours["replaces"]:
            blocks = []
        elif name in OWN_INTENTS:
            blocks = [cut for block in blocks if (cut := _cut(block))]
        intents[name] = {"data": blocks}
    for name, intent in ours["intents"].items():
        intents.setdefault(name, {"data": []})["data"] += intent["data"]
    return {
        "intents": intents,
        "ours": OWN_INTENTS | set(ours["intents"]),
        "lists": {**theirs["lists"], **ours["lists"]},
        "expansion_rules": {**theirs["expansion_rules"], **ours["expansion_rules"]},
        "skip_words": [*theirs["skip_words"], *ours["skip_words"]],
        "spoken": ours["spoken"],
        "answers": {name: tuple(texts) for name, texts in ours["answers"].items()},
    }


def _cut(block: Tree) -> Tree | None:
    """Return the block without what no device of ours can do; None if nothing is left.

    A room after a name (`name_area`) is left out as well: the names that we give to the matcher
    have their rooms with them, so that only what exists can be named.
    """
    if block.get("metadata", {}).get("slot_combination") == "name_area":
        return None
    domains = block.get("requires_context", {}).get("domain") or block.get("slots", {}).get(
        "domain"
    )
    if domains and KINDS.isdisjoint([domains] if isinstance(domains, str) else domains):
        return None
    kept = [text for text in block["sentences"] if set(_LIST.findall(text)) <= _LISTS_KEPT]
    return {**block, "sentences": kept} if kept else None


@cache
def _common(language: str) -> Common:
    base = _base(language)
    rules: Mapping[str, Sentence] = {
        name: parse(body) for name, body in base["expansion_rules"].items()
    }
    return Common(rules, frozenset(base["lists"]))
