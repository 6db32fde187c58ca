"""What the home's things are called in a sentence: the lists `name`, `area` and `floor`."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec
from hassil.intents import SlotList, TextSlotList

from antiphon_hub.home.model import Device, Home, Kind, Place, Room
from antiphon_hub.home.spoken import spoken

GENERIC: Final[dict[Kind, frozenset[str]]] = {
    "light": frozenset({"light", "lights", "lighting", "lamp", "lamps"}),
    "fan": frozenset({"fan", "fans"}),
    "switch": frozenset({"switch", "switches"}),
    "cover": frozenset(),
    "lock": frozenset({"lock", "locks"}),
    "media_player": frozenset({"player", "players"}),
}
"""Nouns of each kind: a name that is one of them means something only in its own room."""
_SAYABLE_ALONE: Final = frozenset({"lamp", "lamps"})
"""`the lamp` may mean the room's lamps among its lights, where `the light` means all of them."""


class Names(msgspec.Struct, frozen=True):
    """Everything that can be called by name, and what it then means."""

    home: Home
    devices: dict[str, tuple[Device, ...]]
    """Said name to devices that bear it, in all rooms; a name with its room bears just one."""
    local: dict[str, dict[str, tuple[Device, ...]]]
    """Room's id, said name, devices: names too general to mean anything from elsewhere."""

    def called(self, said: str, room_id: str) -> tuple[Device, ...]:
        """Return the devices that the name may mean for somebody in that room."""
        here = self.local.get(room_id, {}).get(said, ())
        return here or self.devices.get(said, ())

    def lists(self, room_id: str | None) -> dict[str, SlotList]:
        """Return hassil's lists for somebody in that room; None: what can be said anywhere."""
        bearers = dict(self.devices)
        if room_id is not None:
            bearers |= self.local.get(room_id, {})
        tuples = [
            (said, said, {"domain": kind})
            for said, devices in bearers.items()
            if room_id is not None or said == spoken(said)
            for kind in sorted({device.kind for device in devices})
        ]
        return {
            "name": TextSlotList.from_tuples(tuples, allow_template=False, name="name"),
            "area": _places(self.home.rooms, "area"),
            "floor": _places(self.home.floors, "floor"),
        }


def name_home(home: Home) -> Names:
    """Return what everything in the home is called."""
    devices: dict[str, list[Device]] = defaultdict(list)
    local: dict[str, dict[str, list[Device]]] = defaultdict(lambda: defaultdict(list))
    rooms = {room.id: room for room in home.rooms}
    for device in home.devices:
        for said in variants(device.names):
            generic = said in GENERIC[device.kind]
            _note(local[device.room] if generic else devices, said, device)
            wholes = [] if generic else with_room(said, rooms[device.room])
            for whole in (*wholes, *_with_noun(said, device, rooms[device.room])):
                _note(devices, whole, device)
        if noun := _noun(device):
            _note(devices if device.kind == "cover" else local[device.room], noun, device)
            for whole in with_room(noun, rooms[device.room]):
                _note(devices, whole, device)
    return Names(home, _frozen(devices), {room: _frozen(said) for room, said in local.items()})


def variants(names: Iterable[str]) -> list[str]:
    """Return the ways to write or say these names, each once: as it is spoken, and as typed."""
    ways: list[str] = []
    for name in names:
        ways += [spoken(name), " ".join(name.lower().split())]
    return list(dict.fromkeys(ways))


def with_room(said: str, room: Room) -> list[str]:
    """Return the name together with its room: `kitchen fridge`, `fridge in the kitchen`."""
    places = variants(room.names)
    if any(f" {place} " in f" {said} " for place in places):
        return []
    return [
        whole
        for place in places
        for whole in (f"{place} {said}", f"{said} in the {place}", f"{said} in {place}")
    ]


def _with_noun(said: str, device: Device, room: Room) -> list[str]:
    """A light called `play corner` is also the `play corner lights in the kitchen`."""
    if device.kind != "light" or not GENERIC["light"].isdisjoint(said.split()):
        return []
    return [whole for noun in ("light", "lights") for whole in with_room(f"{said} {noun}", room)]


def _noun(device: Device) -> str:
    """The last word of a name, where it tells the device from others in the room."""
    last = spoken(device.name).split()[-1]
    if device.kind == "cover" or (device.kind == "light" and last in _SAYABLE_ALONE):
        return last
    return ""


def _note(table: dict[str, list[Device]], said: str, device: Device) -> None:
    if device not in table[said]:
        table[said].append(device)


def _frozen(table: dict[str, list[Device]]) -> dict[str, tuple[Device, ...]]:
    return {said: tuple(devices) for said, devices in table.items()}


def _places(places: Iterable[Place], name: str) -> TextSlotList:
    tuples = [(said, one.id) for one in places for said in variants(one.names)]
    return TextSlotList.from_tuples(tuples, allow_template=False, name=name)
