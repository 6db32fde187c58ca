"""What a naturally worded sentence says beside its intent: levels, times, items, places (pure).

Slots have Home Assistant's names. What is not found is left out, and the skill asks or says so.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from antiphon_hub.nlu.natural.numbers import color, direction, duration, level, numbers, without
from antiphon_hub.nlu.natural.words import words_of

STEP_PERCENT: Final = 20
"""How much brighter or dimmer, if nobody says."""

Words = Sequence[str]
Slots = dict[str, Any]

_COUNTED = re.compile(r"\bby (?:\S+ ){1,4}?(?:percent|%)|\bby \d+%?")
_STATES: Final = {
    "on": "on",
    "running": "on",
    "off": "off",
    "open": "open",
    "closed": "closed",
    "shut": "closed",
    "locked": "locked",
    "unlocked": "unlocked",
}
_ITEM: Final = (
    re.compile(
        r"\b(?:out of|low on|don't have any more|don't have any|have no) (.+?),?"
        r" (?:so|add|put|please|remind|will)\b"
    ),
    re.compile(r"\bdo i have (.+?) (?:on|in) (?:the|my)"),
    re.compile(
        r"\b(?:add|put|include|write|place|stick|note|append|need|want)\b (?:down )?(.+?)"
        r" (?:be put |added |put )?(?:to|on|onto|in|into) (?:the|my|our|a|an)?"
    ),
    re.compile(r"\b(?:buy|order) (.+)$"),
)
_REMOVED: Final = re.compile(
    r"\b(?:remove|delete|take off|take out|take|cross off|cross out|cross|erase|drop|check off"
    r"|check|tick off|tick|mark|scratch|strike|cancel|clear)\b (?:off )?(?:the )?(.+?)"
    r" (?:off of|off|from|on|out of)\b"
)
_LIST: Final = re.compile(
    r"\b(?:the|my|our|a|new) ((?!the |my |our |new )[a-z-]+(?: [a-z-]+)?) list\b"
)
_LIST_TO_DO: Final = re.compile(r"\blist (?:of (?:[a-z]+ ){1,3})?(to do)\b")
_LIST_OF: Final = re.compile(r"\blist of (?:the |my |our )?([a-z]+s)\b")
_QUERY: Final = re.compile(
    r"\b(?:play(?: me)?|hear|listen to|put on|start playing|queue up|turn on|start|shuffle|find)\b"
    r" (?:some |the song |the track |songs? by |music by |me )*(.+)$"
)
_ABOUT_PLACE: Final = re.compile(r"\b(?:in|for|over in|at) (?:the )?([a-z][a-z '-]+?)$")
_NOT_PLACES: Final = words_of(
    "morning afternoon evening today tomorrow now here me there minute moment advance case fact"
    " general detail total days day week weeks please night this"
)
"""Words that no place's name holds."""
_TIME_NOISE: Final = re.compile(r" (?:right now|now|please|today|currently|at the moment)$")
_DATE_WORDS: Final = words_of(
    "tomorrow yesterday next last monday tuesday wednesday thursday friday saturday sunday january"
    " february march april june july august september october november december christmas easter"
    " thanksgiving birthday day's valentine's eve holiday from days until fall falls ago"
)
_DAYS: Final = words_of(
    "today tonight tomorrow monday tuesday wednesday thursday friday saturday sunday"
)
_PARTS: Final = words_of("am pm morning afternoon evening night")
_NAMED_TIMES: Final = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
HOURS, MINUTES = 24, 60
_TIMER_FILL: Final = words_of(
    "a an the my our this that new another timer timers set start create for of on to countdown"
    " cancel stop pause resume all one first second last minute minutes hour hours seconds please"
    " time left is how much long delete remove me what your cooking"
)


def read(intent: str, words: Words) -> Slots:
    """Return the slots of an intent that are found in the words, devices and rooms aside."""
    reader = _READERS.get(intent)
    return without(reader(words)) if reader else {}


def _light(words: Words) -> Slots:
    text = " ".join(words)
    up_or_down = direction(words)
    by = _COUNTED.search(text)
    if by:
        stated = level(by.group().split())
        return {"brightness_step": up_or_down * (stated or STEP_PERCENT)}
    wanted = level([word for word in words if word != "low" or "lower" not in words])
    if wanted is not None:
        return {"brightness": wanted}
    if hue := color(words):
        return {"color": hue}
    return {"brightness_step": up_or_down * STEP_PERCENT or None}


def _state(words: Words) -> Slots:
    return {"state": next((_STATES[word] for word in reversed(words) if word in _STATES), None)}


def _volume(words: Words) -> Slots:
    return {"volume_level": level(words)}


def _louder(words: Words) -> Slots:
    step = direction(words)
    stated = numbers(words)
    if stated and step:
        return {"volume_step": step * stated[-1].value}
    return {"volume_step": {1: "up", -1: "down"}.get(step)}


def _temperature(words: Words) -> Slots:
    said = numbers(words)
    return {"temperature": said[-1].value if said else None}


def _percent(slot: str) -> Callable[[Words], Slots]:
    return lambda words: {slot: level(words)}


def _timer(words: Words) -> Slots:
    name = ""
    if "timer" in words:
        before = words[list(words).index("timer") - 1 :][:1]
        name = next((word for word in before if word not in _TIMER_FILL and word.isalpha()), "")
    return {**duration(words), "name": name}


def _list_item(words: Words) -> Slots:
    text = " ".join(words)
    found = next((match for pattern in _ITEM if (match := pattern.search(text))), None)
    return {"item": _tidy(found.group(1)) if found else None, "name": _list_name(text)}


def _list_removal(words: Words) -> Slots:
    text = " ".join(words)
    found = _REMOVED.search(text)
    return {"item": _tidy(found.group(1)) if found else None, "name": _list_name(text)}


def _list_name(text: str) -> str:
    """`My packing list` is `packing`; `my list of things to do` is `to do`."""
    found = _LIST.search(text) or _LIST_TO_DO.search(text) or _LIST_OF.search(text)
    return found.group(1) if found else ""


def _tidy(item: str) -> str:
    return re.sub(r"^(?:the|some|more|a|an|any) ", "", item).strip()


def _play(words: Words) -> Slots:
    found = _QUERY.search(" ".join(words))
    query = re.sub(r" (?:please|for me|now|by me)$", "", found.group(1)) if found else ""
    return {"search_query": query}


def _elsewhere(words: Words) -> Slots:
    text = _TIME_NOISE.sub("", " ".join(words).rstrip("?.! "))
    found = _ABOUT_PLACE.search(text)
    place = found.group(1) if found else ""
    return {"place": "" if _NOT_PLACES & {*place.split()} else place}


def _other_day(words: Words) -> Slots:
    said = [word for word in words if word in _DATE_WORDS]
    return {"when": " ".join(said)}


def _alarm(words: Words) -> Slots:
    """The time of the day as the alarms' own templates give it: `hour`, `minute`, `part`."""
    spelt = [part for word in words for part in word.replace(":", " ").split()]
    day = next((word for word in spelt if word in _DAYS), None)
    named = next((_NAMED_TIMES[word] for word in spelt if word in _NAMED_TIMES), None)
    said = [one.value for one in numbers(spelt)]
    if named or not said or said[0] >= HOURS:
        return {"named": named, "day": day}
    minute = said[1] if len(said) > 1 and said[1] < MINUTES else None
    part = next((word for word in spelt if word in _PARTS), None)
    return {"hour": said[0], "minute": minute, "part": part, "day": day}


_READERS: Final[dict[str, Callable[[Words], Slots]]] = {
    "HassLightSet": _light,
    "HassGetState": _state,
    "HassSetVolume": _volume,
    "HassSetVolumeRelative": _louder,
    "HassClimateSetTemperature": _temperature,
    "HassSetPosition": _percent("position"),
    "HassFanSetSpeed": _percent("percentage"),
    "HassStartTimer": _timer,
    "HassCancelTimer": _timer,
    "HassPauseTimer": _timer,
    "HassUnpauseTimer": _timer,
    "HassTimerStatus": _timer,
    "HassIncreaseTimer": _timer,
    "HassDecreaseTimer": _timer,
    "HassListAddItem": _list_item,
    "HassListRemoveItem": _list_removal,
    "HassListCompleteItem": _list_removal,
    "HassMediaSearchAndPlay": _play,
    "HassGetCurrentTime": _elsewhere,
    "HassGetWeather": _elsewhere,
    "HassGetCurrentDate": _other_day,
    "AntiphonSetAlarm": _alarm,
}
