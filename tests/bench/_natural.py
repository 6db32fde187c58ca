"""Natural sentences through the cascade: right, asked, wrong, and taken though out of scope.

And commands once more, each with one word misheard: what is right still, and what is done wrongly.
"""

import argparse
import importlib
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from hassil.intents import Intents
from hassil.recognize import recognize_best
from home_assistant_intents import get_intents

from antiphon_engines.stt.dictation import model_path
from antiphon_hub.home.model import Device, Floor, Home, Kind, Room, load_home
from antiphon_hub.nlu.interpreter import Interpretation, Interpreter
from antiphon_hub.nlu.natural.model import Model
from antiphon_protocol.ids import slug_of
from tests.bench._intervals import share_interval
from tests.bench._misheard import Mishearing
from tests.bench._recordings import NoRecordingsError

TEXTS: Final = Path("../shared/corpora/dev/text")
SOURCES: Final = {"slurp": "slurp", "clinc": "clinc_oos", "snips": "snips2017"}
"""Part of a row's `source`, and its key in the mapping."""
KINDS: Final[Mapping[str, Kind]] = {
    "light": "light",
    "fan": "fan",
    "cover": "cover",
    "valve": "cover",
    "lock": "cover",
}
"""Home Assistant's domains as kinds of ours; everything else is a switch."""
SERVED: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("alarm", "alarm_set"), frozenset({"AntiphonSetAlarm"})),
    "alarm_query": frozenset({"AntiphonAlarmStatus"}),
    "alarm_remove": frozenset({"AntiphonCancelAlarm"}),
    "repeat": frozenset({"AntiphonRepeat"}),
    "cancel": frozenset({"HassNevermind", "AntiphonStop"}),
    "shopping_list": frozenset({"AntiphonReadList"}),
    "todo_list": frozenset({"AntiphonReadList"}),
    "todo_list_update": frozenset(
        {"HassListAddItem", "HassListRemoveItem", "HassListCompleteItem", "AntiphonClearList"}
    ),
}
"""What the mapping counts as out of scope and the house does, beside what only looks so: taking it
is counted as taken all the same, and not as wrongly taken."""
ROOM: Final = "kitchen"
ASKED: Final = "asked"

Row = Mapping[str, Any]
Understood = Callable[[str], str]
"""From a sentence to its intent; ASKED for a question back, empty for nothing."""


class Options(NamedTuple):
    """What is measured."""

    manifests: list[Path]
    engine: str
    mapping: Path
    regression: Path
    houses: Path
    vectors: Path | None
    folds: int


class Answer(NamedTuple):
    """What came of one sentence."""

    row: Row
    key: str
    intent: str
    ms: float
    misheard: str = ""
    """`right`, `wrong`, `asked` or `nothing` with one word misheard; empty if it cannot be."""


def options(args: argparse.Namespace) -> Options:
    """Return the natural set's options."""
    parser = argparse.ArgumentParser(prog="accuracy --set natural --")
    parser.add_argument("--mapping", type=Path, default=TEXTS / "natural-intents.json")
    parser.add_argument("--regression", type=Path, default=TEXTS / "ohf_intents" / "en.jsonl")
    parser.add_argument("--houses", type=Path, default=TEXTS / "ohf_intents" / "houses.jsonl")
    parser.add_argument(
        "--vectors", type=Path, help="GloVe vectors: measure models that did not see the sentences"
    )
    parser.add_argument("--folds", type=int, default=2)
    own = parser.parse_args(args.more)
    manifests = args.manifest or [TEXTS / "slurp.jsonl", TEXTS / "clinc_oos.jsonl"]
    return Options(manifests, args.engine or "cascade", **vars(own))


def measure(chosen: Options) -> dict[str, Any]:
    """Return the figures, by source and in all."""
    mapping = json.loads(chosen.mapping.read_text(encoding="utf-8"))
    answers = list(_answers(chosen, mapping))
    found: dict[str, Any] = {
        "engine": chosen.engine,
        "model": f"unseen, {chosen.folds} folds" if chosen.vectors else "as shipped",
    }
    for name, key in SOURCES.items():
        of_source = [one for one in answers if one.key == key]
        if of_source:
            found[name] = _figures(of_source, mapping.get(key, {}))
    outside = [one for one in answers if not mapping.get(one.key, {}).get(one.row["intent"])]
    taken = sum(_taken(one) for one in outside)
    found["out_of_scope_taken"] = round(taken / len(outside), 4) if outside else None
    found["out_of_scope_taken_95"] = share_interval(taken, len(outside))
    wrongly = sum(map(_wrongly_taken, outside))
    found["out_of_scope_taken_wrongly"] = round(wrongly / len(outside), 4) if outside else None
    found["out_of_scope_taken_wrongly_95"] = share_interval(wrongly, len(outside))
    found["out_of_scope_n"] = len(outside)
    times = sorted(one.ms for one in answers)
    found["ms"] = {
        "p50": round(times[len(times) // 2], 2),
        "p95": round(times[int(len(times) * 0.95)], 2),
        "worst": round(times[-1], 2),
    }
    found["templates"], misheard = _regression(chosen)
    found["misheard"] = _of_misheard([one.misheard for one in answers] + misheard)
    return found


def _figures(answers: Sequence[Answer], mapping: Mapping[str, list[str]]) -> dict[str, Any]:
    inside = [one for one in answers if mapping.get(one.row["intent"])]
    outside = [one for one in answers if not mapping.get(one.row["intent"])]
    right = sum(one.intent in mapping[one.row["intent"]] for one in inside)
    taken = sum(_taken(one) for one in outside)
    wrongly = sum(map(_wrongly_taken, outside))
    return {
        "n": len(inside),
        "right": round(right / max(1, len(inside)), 4),
        "right_95": share_interval(right, len(inside)),
        "wrong": round((sum(map(_taken, inside)) - right) / max(1, len(inside)), 4),
        "asked": round(sum(one.intent == ASKED for one in inside) / max(1, len(inside)), 4),
        "out_of_scope": {
            "n": len(outside),
            "taken": round(taken / max(1, len(outside)), 4),
            "taken_95": share_interval(taken, len(outside)),
            "taken_but_served": taken - wrongly,
            "asked": round(sum(one.intent == ASKED for one in outside) / max(1, len(outside)), 4),
        },
    }


def _of_misheard(outcomes: Sequence[str]) -> dict[str, Any]:
    """Return the shares; what is not asked, and neither right nor wrong, is not understood."""
    heard = [one for one in outcomes if one]
    of = Counter(heard)
    shares = {name: round(of[name] / max(1, len(heard)), 4) for name in ("right", "wrong", "asked")}
    return {"n": len(heard), **shares, "wrong_95": share_interval(of["wrong"], len(heard))}


def _taken(one: Answer) -> bool:
    return one.intent not in ("", ASKED)


def _wrongly_taken(one: Answer) -> bool:
    return _taken(one) and one.intent not in SERVED.get(one.row["intent"], ())


def _answers(chosen: Options, mapping: Mapping[str, Mapping[str, list[str]]]) -> Iterator[Answer]:
    rows = [(row, _key(row, path)) for path in chosen.manifests for row in _rows(path)]
    if not rows:
        raise NoRecordingsError(f"there are no sentences in {chosen.manifests}")
    mishearing = _mishearing(chosen)
    texts = sorted({row["sentence"] for row, _ in rows})
    folds = chosen.folds if chosen.vectors else 1
    chance = random.Random(folds)
    fold = {text: chance.randrange(folds) for text in texts}
    for number in range(folds):
        held_out = frozenset(text for text in texts if fold[text] == number)
        home = load_home(None)
        interpreter = None
        if chosen.engine != "hassil":
            interpreter = Interpreter(home, natural=_model(chosen, held_out))
        understood = cascade(interpreter, ROOM) if interpreter else _stock(home)
        for row, key in rows:
            if row["sentence"] in held_out:
                began = time.thread_time()
                intent = understood(row["sentence"])
                ms = (time.thread_time() - began) * 1e3
                right = mapping.get(key, {}).get(row["intent"])
                misheard = _misheard(mishearing, interpreter, row["sentence"], ROOM, right or ())
                yield Answer(row, key, intent, ms, misheard)


def _model(chosen: Options, unseen: frozenset[str]) -> Model | bool:
    if chosen.engine != "cascade" or not chosen.vectors:
        return chosen.engine == "cascade"
    files = (TEXTS / "slurp.jsonl", TEXTS / "clinc_oos.jsonl")
    making: Any = importlib.import_module("antiphon_tools.meaning.making")  # needs torch
    recipe = making.Recipe(vectors=chosen.vectors, sentences=files, mapping=chosen.mapping)
    made: Model = making.Maker(recipe).model(unseen)
    return made


def _misheard(
    mishearing: Mishearing,
    interpreter: Interpreter | None,
    sentence: str,
    room: str,
    right: Collection[str],
) -> str:
    """Return what comes of the sentence with one word misheard; to act on other things is wrong."""
    said = mishearing.of(sentence) if right else None
    if interpreter is None or said is None:
        return ""
    meant = interpreter.interpret(sentence, room=room)
    found = interpreter.interpret(said, room=room)
    if isinstance(found, Interpretation):
        others = isinstance(meant, Interpretation) and meant.devices != found.devices
        return "wrong" if found.intent not in right or others else "right"
    if found.code == "unsure":
        return ASKED
    return "right" if _only_intent(found) in right else "nothing"


def _mishearing(chosen: Options) -> Mishearing:
    files = (*chosen.manifests, chosen.regression)
    words = {word for path in files for row in _rows(path) for word in row["sentence"].split()}
    return Mishearing(model_path("en-us/cmudict-en-us.dict"), words)


def cascade(interpreter: Interpreter, room: str) -> Understood:
    """Return the hub's understanding; an intent whose thing the home lacks counts as understood."""

    def understood(text: str) -> str:
        found = interpreter.interpret(text, room=room)
        if isinstance(found, Interpretation):
            return found.intent
        return ASKED if found.code == "unsure" else _only_intent(found)

    return understood


def _only_intent(found: Any) -> str:
    """An ambiguous command is understood: it only asks which of several things is meant."""
    if found.intent or not found.options:
        return str(found.intent)
    return str(found.options[0].meaning.intent)


def _stock(home: Home) -> Understood:
    """Return Home Assistant's templates as they come, in a house of these names."""
    tree = get_intents("en")
    intents = Intents.from_dict(tree)
    lists = Interpreter(home, natural=False).names.lists("")

    def understood(text: str) -> str:
        found = recognize_best(
            text, intents, slot_lists=lists, intent_context={"area": ROOM}, language="en"
        )
        return found.intent.name if found else ""

    return understood


def _regression(chosen: Options) -> tuple[dict[str, Any], list[str]]:
    """Return how many of the intents project's own cases are right, each in its own house.

    Beside it, what comes of each with one word misheard.
    """
    houses = {row["house"]: row for row in _rows(chosen.houses)}
    cases = sorted(_rows(chosen.regression), key=lambda row: str(row["house"]))
    right, wrong, times = 0, Counter[str](), []
    misheard, mishearing = [], _mishearing(chosen)
    for name, group in itertools.groupby(cases, key=lambda row: str(row["house"])):
        home = _home(houses[name])
        natural = chosen.engine == "cascade"
        interpreter = None if chosen.engine == "hassil" else Interpreter(home, natural=natural)
        for case in group:
            room = case["context_area"] or ""
            understood = cascade(interpreter, room) if interpreter else _stock(home)
            began = time.thread_time()
            found = understood(case["sentence"])
            times.append((time.thread_time() - began) * 1e3)
            right += found == case["intent"]
            wrong[case["intent"]] += found != case["intent"]
            right_one = {case["intent"]}
            misheard.append(_misheard(mishearing, interpreter, case["sentence"], room, right_one))
    figures = {
        "n": len(cases),
        "right": round(right / max(1, len(cases)), 4),
        "right_95": share_interval(right, len(cases)),
        "wrong_of": {name: count for name, count in wrong.items() if count},
        "ms_worst": round(max(times), 2),
    }
    return figures, misheard


def _home(house: Row) -> Home:
    """Return a test case's house as a home of ours."""
    places = [one["name"] for one in house["areas"]]
    places += [one["area"] for one in house["entities"] if one.get("area")]
    floors = {one.get("floor") for one in house["areas"]} - {None, ""}
    on_floor = {one["name"]: slug_of(one["floor"]) for one in house["areas"] if one.get("floor")}
    rooms = tuple(
        Room(id=slug_of(name), name=name, floor=on_floor.get(name, ""))
        for name in dict.fromkeys([*places, "House"])
    )
    devices = {
        slug_of(f"{one.get('area') or ''} {one['name']}"): Device(
            id=slug_of(f"{one.get('area') or ''} {one['name']}"),
            name=one["name"],
            room=slug_of(one.get("area") or "House"),
            kind=KINDS.get(one["domain"], "switch"),
            dimmable=one["domain"] == "light",
        )
        for one in house["entities"]
    }
    floors_known = tuple(Floor(id=slug_of(name), name=name) for name in sorted(floors))
    return Home(rooms, tuple(devices.values()), floors_known)


def _key(row: Row, path: Path) -> str:
    named = f"{row.get('source', '')} {path.stem}".lower()
    return next((key for part, key in SOURCES.items() if part in named), path.stem)


def _rows(path: Path) -> Iterable[Row]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise NoRecordingsError(f"{path}: {error}") from None
