"""The home: frozen records, and reading them from the owner's YAML.

```yaml
floors:  [{name: upstairs}]
rooms:   [{name: kitchen}, {name: bedroom, floor: upstairs}]
devices: [{name: ceiling light, room: kitchen, kind: light, dimmable: true}]
```
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from antiphon_hub.errors import HomeError
from antiphon_hub.home.spoken import spoken
from antiphon_hub.yaml_file import place, plain, read_yaml
from antiphon_protocol.errors import TopicError
from antiphon_protocol.ids import Slug, slug_of
from antiphon_protocol.limits import NAME_CHARS_MAX

Kind = Literal["light", "switch", "fan", "cover", "lock", "media_player"]
Called = Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]

DEVICES_MAX: Final = 2000
"""A hotel, not a home, has more; the closed grammar would not fit into one message."""
EXAMPLE: Final = Path(__file__).with_name("example.yaml")

_VOWELS = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}
PHONES: Final = frozenset(
    _VOWELS | {*"BDFGKLMNPRSTVWYZ", "CH", "DH", "HH", "JH", "NG", "SH", "TH", "ZH"}
)
"""ARPAbet, as the CMU dictionary writes it, without stress marks."""
_TEMPLATE_SIGNS = re.compile(r"[()\[\]{}<>|;@\\]")


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What floors, rooms and devices have in common."""

    id: Slug = ""
    """Stands in MQTT topics; made from the name if left out."""
    name: Called
    aliases: tuple[Called, ...] = ()
    """Other names that people say."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and all aliases."""
        return (self.name, *self.aliases)


class Floor(Place, frozen=True, kw_only=True):
    """A floor: `upstairs`, `ground floor`."""


class Room(Place, frozen=True, kw_only=True):
    """A room."""

    floor: str = ""
    """Id of its floor; empty in a home without floors."""


class Device(Place, frozen=True, kw_only=True):
    """Something that can be switched."""

    room: str
    """Id of its room."""
    kind: Kind
    dimmable: bool = False
    """It takes a brightness (light) or a speed (fan) in percent."""
    confirm: bool | None = None
    """Ask before it is switched on, opened or unlocked; None: locks, garage doors and gates."""
    command_topic: Annotated[str, Meta(max_length=200)] = ""
    """MQTT topic that takes its state as JSON; empty: only the home's own state topic tells."""


class Home(msgspec.Struct, frozen=True):
    """A whole home; ids are unique and every reference resolves."""

    rooms: tuple[Room, ...] = ()
    devices: tuple[Device, ...] = ()
    floors: tuple[Floor, ...] = ()
    pronunciations: dict[str, str] = {}
    """Word to ARPAbet phones, for names that no dictionary has."""

    def room(self, called: str) -> Room | None:
        """Return the room with that id, name or alias; None for another."""
        return _find(self.rooms, called)

    def floor(self, called: str) -> Floor | None:
        """Return the floor with that id, name or alias; None for another."""
        return _find(self.floors, called)

    def device(self, device_id: str) -> Device | None:
        """Return the device with that id; None for another."""
        return next((device for device in self.devices if device.id == device_id), None)

    def room_of(self, device: Device) -> Room:
        """Return the room that the device is in."""
        return next(room for room in self.rooms if room.id == device.room)


P = TypeVar("P", bound=Place)


def _find(places: Iterable[P], called: str) -> P | None:
    said = spoken(called)
    for one in places:
        if one.id == called or said in {spoken(name) for name in one.names}:
            return one
    return None


def load_home(path: Path | None) -> Home:
    """Return the home that the YAML file describes; None: the example home of the package.

    Raises:
        HomeError: it cannot be read or has mistakes; all of them are listed, with their lines.
    """
    where = path or EXAMPLE
    tree = read_yaml(where, HomeError)
    reader = _Reader()
    home = reader.home(tree)
    if reader.mistakes:
        raise HomeError(str(where), reader.mistakes)
    return home


class _Reader:
    """Reads a tree of plain values and collects every mistake on the way."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []
        self._lines: dict[str, str] = {}

    def home(self, tree: Any) -> Home:
        if not isinstance(tree, dict):
            self.mistakes.append("is no home: it needs `rooms:` and `devices:`")
            return Home()
        known = ("floors", "rooms", "devices", "pronunciations")
        self.mistakes += [
            f"{place(name)}{name}: no such section; known: {', '.join(known)}"
            for name in tree
            if name not in known
        ]
        floors = self._places(tree, "floors", Floor, lambda raw: slug_of(str(raw["name"])))
        rooms = self._places(tree, "rooms", Room, lambda raw: slug_of(str(raw["name"])))
        devices = self._places(tree, "devices", Device, _device_id_maker(tree.get("devices")))
        rooms = [self._with_floor(room, floors) for room in rooms]
        devices = [self._with_room(device, rooms) for device in devices]
        self._check_devices(devices)
        words = self._pronunciations(tree.get("pronunciations"))
        return Home(tuple(rooms), tuple(devices), tuple(floors), words)

    def _places(
        self, tree: dict[str, Any], section: str, kind: type[P], make_id: Callable[[Any], str]
    ) -> list[P]:
        raws = tree.get(section) or []
        if not isinstance(raws, list):
            self.mistakes.append(f"{section}: is no list; put `- ` before each")
            return []
        if len(raws) > DEVICES_MAX:
            self.mistakes.append(f"{section}: more than {DEVICES_MAX}")
            return []
        places = [self._place(raw, section, kind, make_id) for raw in raws]
        found = [one for one in places if one is not None]
        self._check_names(section, found)
        return found

    def _place(
        self, raw: Any, section: str, kind: type[P], make_id: Callable[[Any], str]
    ) -> P | None:
        line = place(next(iter(raw.values()), None)) if isinstance(raw, dict) else place(raw)
        try:
            one = msgspec.convert(_with_id(plain(raw), make_id), kind)
        except (msgspec.ValidationError, TopicError, KeyError) as error:
            text = "name is missing" if isinstance(error, KeyError) else str(error)
            self.mistakes.append(f"{line}{section}: {text}")
            return None
        self._lines[one.id] = line
        for name in one.names:
            if _TEMPLATE_SIGNS.search(name) or not spoken(name):
                self.mistakes.append(
                    f"{line}{section}: {name!r} cannot be said; use letters, digits and spaces"
                )
        return one

    def _check_names(self, section: str, places: Sequence[Place]) -> None:
        self._refuse_twins(section, [one.id for one in places], "the id")
        if section != "devices":
            said = [spoken(name) for one in places for name in one.names]
            self._refuse_twins(section, said, "the name")

    def _refuse_twins(self, section: str, values: Sequence[str], what: str) -> None:
        twins = sorted({value for value in values if value and values.count(value) > 1})
        self.mistakes += [f"{section}: {what} {twin!r} is there twice" for twin in twins]

    def _with_floor(self, room: Room, floors: Sequence[Floor]) -> Room:
        floor = _find(floors, room.floor) if room.floor else None
        if room.floor and floor is None:
            known = ", ".join(one.name for one in floors) or "none"
            self.mistakes.append(
                f"{self._lines[room.id]}room {room.name!r}: no floor {room.floor!r}; known: {known}"
            )
        return msgspec.structs.replace(room, floor=floor.id if floor else "")

    def _with_room(self, device: Device, rooms: Sequence[Room]) -> Device:
        room = _find(rooms, device.room)
        if room is None:
            known = ", ".join(one.name for one in rooms) or "none"
            self.mistakes.append(
                f"{self._lines[device.id]}device {device.name!r}: no room {device.room!r};"
                f" known: {known}"
            )
            return device
        return msgspec.structs.replace(device, room=room.id)

    def _check_devices(self, devices: Sequence[Device]) -> None:
        called = [f"{spoken(device.name)} in {device.room}" for device in devices]
        self._refuse_twins("devices", called, "the name")
        for device in devices:
            where = f"{self._lines[device.id]}device {device.name!r}"
            if device.dimmable and device.kind not in ("light", "fan"):
                self.mistakes.append(f"{where}: a {device.kind} cannot be dimmable")
            if any(sign in device.command_topic for sign in "+#\0"):
                self.mistakes.append(f"{where}: command_topic may not hold wildcards")
            if device.kind == "media_player" and not device.command_topic:
                self.mistakes.append(
                    f"{where}: a media_player needs a command_topic, on which it is told to pause"
                )

    def _pronunciations(self, raw: Any) -> dict[str, str]:
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self.mistakes.append("pronunciations: is no table of word: PHONES")
            return {}
        for word, phones in raw.items():
            known = {str(phone) for phone in str(phones).split()} <= PHONES
            if not known or not str(phones).strip() or spoken(str(word)) != word:
                self.mistakes.append(
                    f"{place(word)}pronunciations: {word}: {phones} is no lower-case word with"
                    " ARPAbet phones, such as `antiphon: AE N T IH F AA N`"
                )
        return {str(word): str(phones) for word, phones in raw.items()}


def _with_id(raw: Any, make_id: Callable[[Any], str]) -> Any:
    return {"id": make_id(raw), **raw} if isinstance(raw, dict) else raw


def _device_id_maker(raws: Any) -> Callable[[Any], str]:
    """Return what makes a device's id: its name, with the room before it where two share it."""
    listed = [raw for raw in raws if isinstance(raw, dict)] if isinstance(raws, list) else []
    names = [spoken(str(raw.get("name", ""))) for raw in listed]

    def make_id(raw: Any) -> str:
        alone = names.count(spoken(str(raw["name"]))) == 1
        return slug_of(str(raw["name"]) if alone else f"{raw.get('room', '')} {raw['name']}")

    return make_id
