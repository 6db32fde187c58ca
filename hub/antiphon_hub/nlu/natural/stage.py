"""The second stage of understanding: a trained model, then the home's names (pure).

Whoever is sure acts, whoever is not asks: above one share of certainty the sentence is taken, above
a lower one the house asks back, and below that it was not meant for the house.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from antiphon_hub.home.model import Device, Room
from antiphon_hub.nlu.meaning import Interpretation, NotUnderstood, Option
from antiphon_hub.nlu.names import Names, variants
from antiphon_hub.nlu.natural import slots as slots_of
from antiphon_hub.nlu.natural.aims import aim
from antiphon_hub.nlu.natural.cues import doubtful
from antiphon_hub.nlu.natural.mentions import Misheard, exact
from antiphon_hub.nlu.natural.model import OUT, Model, read_model
from antiphon_hub.nlu.natural.phrases import phrase
from antiphon_hub.nlu.targets import Request, Targets, Unclear, find_targets

Found = Interpretation | NotUnderstood
Exactly = Callable[[str], Found | None]
ByTheirs = Callable[[Sequence[str]], tuple[Found, frozenset[str]] | None]
"""From intents to what their templates say, and the slots whose words were in a list."""

FILES: Final = Path(__file__).parent
TAKEN_FROM: Final = 0.92
"""Probability from which a sentence is acted on; measured, see docs/measurements.md."""
ASKED_FROM: Final = 0.5
"""Probability from which it is worth a question."""
ASKED_FIRST: Final = frozenset({"AntiphonSetAlarm", "AntiphonCancelAlarm"})
"""Whose mistake shows only when it is too late: natural wording of these is asked about."""
ABOUT_DEVICES: Final = frozenset({"HassTurnOn", "HassTurnOff", "HassLightSet", "HassGetState"})
TEMPLATES_FROM: Final = 0.3
"""Probability from which Home Assistant's templates for more than we can do are tried as well."""
WILD: Final = frozenset(
    {"HassMediaSearchAndPlay", "HassListAddItem", "HassListRemoveItem", "HassListCompleteItem"}
    | {"HassBroadcast", "HassStartTimer"}
)
"""Whose templates hold any words, and so fit what nobody meant: the model must be sure of them.

Or a slot must be: see BY_SLOT.
"""
WILD_FROM: Final = 0.01
"""Probability below which they are not even tried."""
BY_SLOT: Final = (
    (frozenset({"name", "area"}), WILD_FROM),
    (frozenset({"media_class"}), 0.2),
    (frozenset({"hours", "minutes", "seconds"}), 0.5),
)
"""Slots that make such a template sure, and the intent's probability from which they do: a thing
or a room of the home, a word like `song`, a length of time."""
NAMED_FROM: Final = 0.7
"""Probability from which a sentence is acted on that names a thing or a place of the home."""
RANKED: Final = 3
"""How many of the likeliest intents they are tried of."""
MISHEARD_IN: Final = ABOUT_DEVICES | {"HassSetPosition", "HassFanSetSpeed", "HassSetVolume"}
MISHEARD_FROM: Final = 0.2
"""Probability of a command about devices from which misheard names are looked for."""
PLAIN_NOUNS: Final = {"light": "lamp", "switch": "plug", "fan": "fan", "cover": "blinds"} | {
    "lock": "front door",
    "media_player": "television",
}
"""What the model has learnt things of each kind to be called."""
SHOPPING: Final = frozenset({"", "shopping", "grocery", "groceries"})
SHOPPING_INTENTS: Final = {
    "HassListAddItem": "HassShoppingListAddItem",
    "HassListCompleteItem": "HassShoppingListCompleteItem",
}
LIST_INTENTS: Final = frozenset({*SHOPPING_INTENTS, "HassListRemoveItem"})

_NO_SIGNS = str.maketrans("?!,:", "    ")


class Guess(NamedTuple):
    """The likeliest intent of a sentence."""

    intent: str
    share: float
    """Its probability among all intents and what is no command, 0 to 1."""


@cache
def model_of(language: str) -> Model | None:
    """Return the package's model of a language, read once; None if there is none.

    Raises:
        ModelFileError: the file is damaged.
    """
    path = FILES / f"{language.partition('-')[0]}.meaning"
    return read_model(path) if path.exists() else None


class NaturalStage:
    """Understands natural wording in one home; for one thread."""

    def __init__(self, names: Names, model: Model) -> None:
        self._names = names
        self._model = model
        home = names.home
        places = {
            said: (one.id,) for one in (*home.rooms, *home.floors) for said in variants(one.names)
        }
        self._called_here = {**places, **_meant_by(names)}
        self._misheard = Misheard(self._called_here)

    def understand(
        self, text: str, room: Room | None, exactly: Exactly, by_theirs: ByTheirs
    ) -> Found | None:
        """Return what the text means, or what to ask; None if it is no command as far as we know.

        Args:
            text: The sentence, clean.
            room: Where it was said.
            exactly: Understands by templates; a sentence whose name was put right goes there first.
            by_theirs: Understands by Home Assistant's templates of the likeliest intents.
        """
        ranked = self._ranked(text, room)
        guess = ranked[0]
        found = self._by_templates(text, ranked, by_theirs)
        if found is not None:
            return found
        if guess.intent in MISHEARD_IN and guess.share >= MISHEARD_FROM:
            found = self._put_right(text, room, exactly, guess)
            if found is not None:
                return found
        return self._judged(text, self._meaning(text, room, guess), guess)

    def _by_templates(
        self, text: str, ranked: Sequence[Guess], by_theirs: ByTheirs
    ) -> Found | None:
        """Return what Home Assistant's templates of the likeliest intents say for sure."""
        words = _words(text)
        likely = [one for one in ranked if not doubtful(one.intent, words)]
        wild = [one for one in likely if one.intent in WILD and one.share < TAKEN_FROM]
        sure = [name for one in likely if one not in wild for name in _names_of(one.intent)]
        found = by_theirs(sure) if sure and ranked[0].share >= TEMPLATES_FROM else None
        if found is not None:
            return found[0]
        for guess in wild:
            found = by_theirs(_names_of(guess.intent)) if guess.share >= WILD_FROM else None
            if found is not None and _sure_by_slot(found[1], guess):
                return found[0]
        return None

    def guess(self, text: str, room: Room | None) -> Guess:
        """Return the likeliest command, however unlikely it is.

        The sentence is read twice: as it is, and with plain words instead of the home's names.
        """
        return self._ranked(text, room)[0]

    def _ranked(self, text: str, room: Room | None) -> list[Guess]:
        """Return the likeliest intents, the best first."""
        plain = self._plain(text, room)
        readings = [text] if plain == text else [text, plain]
        return max(map(self._likeliest, readings), key=lambda ranked: ranked[0].share)

    def _likeliest(self, text: str) -> list[Guess]:
        shares = self._model.shares(text)
        guesses = [Guess(name, share) for name, share in shares.items() if name != OUT]
        return sorted(guesses, key=lambda one: -one.share)[:RANKED]

    def _plain(self, text: str, room: Room | None) -> str:
        words = text.split()
        called = self._called(room)
        for mention in reversed(exact(words, called)):
            kind = called[mention.name][0].kind
            words[mention.start : mention.end] = [PLAIN_NOUNS[kind]]
        return " ".join(words)

    def _called(self, room: Room | None) -> dict[str, tuple[Device, ...]]:
        return {**self._names.devices, **self._names.local.get(room.id if room else "", {})}

    def _put_right(
        self, text: str, room: Room | None, exactly: Exactly, guess: Guess
    ) -> Interpretation | None:
        """Return what is meant if one of the home's names was misheard."""
        right = self._misheard.corrected(text.split())
        if right is None:
            return None
        words, likeness = " ".join(right[0]), round(right[1], 3)
        found: Found | None = exactly(words)
        if isinstance(found, Interpretation) and found.devices:
            return msgspec.structs.replace(found, stage="misheard", confidence=likeness)
        again = self.guess(words, room)
        if again.intent != guess.intent or again.share < TAKEN_FROM:
            return None
        found = self._meaning(words, room, again)
        if isinstance(found, Interpretation) and found.devices:
            sure = round(min(likeness, again.share), 3)
            return msgspec.structs.replace(found, stage="misheard", confidence=sure)
        return None

    def _judged(self, text: str, found: Found, guess: Guess) -> Found | None:
        """Return what is found if that is sure, a question if it is likely, else None."""
        if guess.share < ASKED_FROM:
            return None
        doubt = guess.intent in ASKED_FIRST or doubtful(guess.intent, _words(text))
        if guess.share >= self._taken_from(text) and not doubt:
            return found
        if not isinstance(found, Interpretation):
            return None
        option = Option(("yes",), found)
        say = f"Do you want me to {phrase(found)}?"
        return NotUnderstood("unsure", say, (option,), confidence=found.confidence)

    def _taken_from(self, text: str) -> float:
        """The home's own names speak for a command, too."""
        return NAMED_FROM if exact(_words(text), self._called_here) else TAKEN_FROM

    def _meaning(self, text: str, room: Room | None, guess: Guess) -> Found:
        words = _words(text)
        slots = slots_of.read(guess.intent, words)
        intent = _named(guess.intent, slots)
        if intent not in ABOUT_DEVICES:
            return _made(intent, slots, (), text, guess)
        meant = aim(words, self._names, room)
        if not meant.slots:
            what = f"of any {meant.unknown}" if meant.unknown else "what you mean"
            return _unknown(f"Sorry, I don't know {what}.", guess)
        request = Request(
            {**slots, **meant.slots},
            room,
            None,
            implied_area=meant.implied_area,
            dims=intent == "HassLightSet",
        )
        found = find_targets(request, self._names)

        def made(targets: Targets) -> Interpretation:
            ids = tuple(device.id for device in targets.devices)
            return _made(intent, targets.slots, ids, text, guess)

        if isinstance(found, NotUnderstood):
            return _unknown(found.say, guess)
        if isinstance(found, Unclear):
            options = tuple(Option(one.names, made(one.targets)) for one in found.choices)
            return NotUnderstood("ambiguous", found.say, options, guess.intent, guess.share)
        return made(found)


def _words(text: str) -> list[str]:
    return [word.rstrip(".") for word in text.translate(_NO_SIGNS).split()]


def _sure_by_slot(listed: frozenset[str], guess: Guess) -> bool:
    return any(slots & listed and guess.share >= least for slots, least in BY_SLOT)


def _meant_by(names: Names) -> dict[str, tuple[str, ...]]:
    """Return every device name and the devices it may mean."""
    every = dict(names.devices)
    return {said: tuple(sorted(one.id for one in devices)) for said, devices in every.items()}


def _names_of(intent: str) -> tuple[str, ...]:
    shopping = SHOPPING_INTENTS.get(intent)
    return (intent, shopping) if shopping else (intent,)


def _named(intent: str, slots: dict[str, Any]) -> str:
    """Return Home Assistant's intent: its shopping list has intents of its own."""
    if intent in LIST_INTENTS and slots.get("name", "") in SHOPPING:
        slots.pop("name", None)
        return SHOPPING_INTENTS.get(intent, intent)
    return intent


def _response(intent: str, text: str) -> str:
    if intent != "HassGetState":
        return "default"
    words = text.split()
    if words[:2] == ["how", "many"]:
        return "how_many"
    if "which" in words or words[0] == "what":
        return "which"
    return "all" if "all" in words else "any"


def _made(
    intent: str, slots: dict[str, Any], devices: tuple[str, ...], text: str, guess: Guess
) -> Interpretation:
    response = _response(intent, text)
    sure = round(guess.share, 3)
    return Interpretation(intent, slots, devices, text, response, "natural", sure)


def _unknown(say: str, guess: Guess) -> NotUnderstood:
    return NotUnderstood("unknown-name", say, (), guess.intent, round(guess.share, 3))
