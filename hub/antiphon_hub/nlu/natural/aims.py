"""Which devices a naturally worded sentence is about: names, rooms, kinds, or a thing unknown here.

Pure. What is found becomes a `targets.Request`, as if a template had found it.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from antiphon_hub.home.model import Home, Room
from antiphon_hub.home.spoken import spoken
from antiphon_hub.nlu.names import GENERIC, Names, variants
from antiphon_hub.nlu.natural.mentions import Mention, exact
from antiphon_hub.nlu.natural.numbers import COLORS
from antiphon_hub.nlu.natural.words import words_of

KINDS: Final[dict[str, str]] = {
    **{noun: kind for kind, nouns in GENERIC.items() for noun in nouns},
    **dict.fromkeys(("bulb", "bulbs", "illumination"), "light"),
    **dict.fromkeys(("plug", "plugs", "socket", "sockets", "outlet", "outlets"), "switch"),
    **dict.fromkeys(
        ("blind", "blinds", "curtain", "curtains", "shade", "shades", "shutter", "shutters"),
        "cover",
    ),
}
"""Nouns of each kind of device."""
UNKNOWN_WORDS_MAX: Final = 4
"""Words of a thing that the home does not have; more are no name."""

_ALL = words_of("all every everywhere each whole entire")
_LIGHTING = words_of("dark bright brighter darker dimmer lighter dim")
_JOINING = words_of("in of on at for inside from")
_INSIDE = words_of("in inside")
_FILLING = words_of(
    "a an the my our your this that these those some any all every each of in on at for to from by"
    " please can could would will you i we me us it its is are be been was do does did want need"
    " like get give have has had make let lets let's set put turn switch change bring power shut"
    " flip cut keep start stop activate deactivate enable disable open close raise lower dim"
    " brighten increase decrease reduce adjust light lights up down off out more less too so very"
    " really bit little lot touch now just right here there and or then not no if that's it's i'm"
    " i'd what's what which how many who when whether check verify confirm see sure tell know room"
    " rooms house home apartment flat place level brightness percent color colour colors colours"
    " brighter darker dimmer lighter bright dark low high full half thank thanks kindly hey okay"
    " ok mind go ahead with kill toggle running going turned switched powered should them both"
    " also again back anymore state status only still already leave left lock unlock locked"
    " unlocked opened closed main smart big current lighting mode intensity soften softer gloomy"
    " olly siri alexa google computer soon possible immediately away quickly everything everywhere"
    " maybe perhaps somebody someone anybody be kind"
)
"""Words that tell nothing about which thing is meant."""


class Aim(NamedTuple):
    """What a sentence is about."""

    slots: dict[str, Any]
    """`name` as the home knows it, `area` and `floor` as ids, `domain`."""
    implied_area: bool = False
    unknown: str = ""
    """A thing or a room that the home does not have."""


def aim(words: Sequence[str], names: Names, room: Room | None) -> Aim:
    """Return what the words are about, for somebody in that room."""
    home = names.home
    called = {*names.devices, *names.local.get(room.id if room else "", {})}
    devices = [one for one in exact(words, called) if one.name not in KINDS]
    areas = exact(words, {said for one in home.rooms for said in variants(one.names)})
    floors = exact(words, {said for one in home.floors for said in variants(one.names)})
    places = _places(home, areas, floors, devices)
    if devices:
        return Aim({"name": devices[-1].name, **places})
    known = {at for one in (*areas, *floors) for at in range(one.start, one.end)}
    noun = next((at for at in reversed(range(len(words))) if words[at] in KINDS), None)
    if noun is not None and not _is_verb(words, noun):
        stranger = _before(words, noun, known) or _after(words, noun, known)
        if stranger:
            return Aim({}, unknown=stranger)
        return _of_kind(KINDS[words[noun]], words, places, room)
    elsewhere = _inside(words, known)
    if elsewhere:
        return Aim({}, unknown=elsewhere)
    if places or not _LIGHTING.isdisjoint(words):
        return _of_kind("light", words, places, room)
    return Aim({}, unknown=_thing(words, known))


def _places(
    home: Home, areas: Sequence[Mention], floors: Sequence[Mention], devices: Sequence[Mention]
) -> dict[str, str]:
    """Return the room and floor that are said outside of a device's name."""
    taken = {at for one in devices for at in range(one.start, one.end)}
    found = {}
    for slot, mentions in (("area", areas), ("floor", floors)):
        outside = [one for one in mentions if one.start not in taken]
        if outside:
            said = outside[-1].name
            place = home.room(said) if slot == "area" else home.floor(said)
            found[slot] = place.id if place is not None else ""
    return found


def _of_kind(kind: str, words: Sequence[str], places: dict[str, str], room: Room | None) -> Aim:
    slots: dict[str, Any] = {"domain": kind, **places}
    if places or not _ALL.isdisjoint(words):
        return Aim(slots)
    return Aim({**slots, "area": room.id if room else ""}, implied_area=True)


def _is_verb(words: Sequence[str], at: int) -> bool:
    """`Light the attic` and `light up` are about no light yet."""
    return words[at] == "light" and words[at + 1 : at + 2] in (["up"], ["the"], ["my"])


def _before(words: Sequence[str], noun: int, known: set[int]) -> str:
    """Return the noun with the words right before it, if they are none that say nothing."""
    start = noun
    while start > 0 and start - 1 not in known and _tells(words[start - 1]):
        start -= 1
    if start == noun or noun - start > UNKNOWN_WORDS_MAX:
        return ""
    return " ".join(words[start : noun + 1])


def _after(words: Sequence[str], noun: int, known: set[int]) -> str:
    """Return the noun with the place that follows it, if the home has no such place."""
    joining = next((at for at in range(noun + 1, len(words)) if words[at] in _JOINING), None)
    if joining is None:
        return ""
    at = joining + 1
    while at < len(words) and words[at] in ("the", "my", "our", "a"):
        at += 1
    end = at
    while end < len(words) and end not in known and _tells(words[end]):
        end += 1
    if not 0 < end - at <= UNKNOWN_WORDS_MAX:
        return ""
    return " ".join((words[noun], words[joining], "the", *words[at:end]))


def _inside(words: Sequence[str], known: set[int]) -> str:
    """Return the place that something is to happen in, if the home has no such place."""
    at = next((at for at, word in enumerate(words) if word in _INSIDE), len(words))
    place = []
    for later in range(at + 1, len(words)):
        if later not in known and _tells(words[later]):
            place.append(words[later])
        elif place:
            break
    return " ".join(place[:UNKNOWN_WORDS_MAX])


def _thing(words: Sequence[str], known: set[int]) -> str:
    """Return the longest row of words that may be a thing's name."""
    rows: list[list[str]] = [[]]
    for at, word in enumerate(words):
        if at not in known and _tells(word):
            rows[-1].append(word)
        elif rows[-1]:
            rows.append([])
    longest = max(rows, key=len)
    return " ".join(longest) if len(longest) <= UNKNOWN_WORDS_MAX else ""


def _tells(word: str) -> bool:
    plain = spoken(word)
    return bool(plain) and word not in _FILLING and word not in COLORS and not word[0].isdigit()
